#include "tools/cli/targets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <thread>

#include "fuzz/faults/catalogue.hpp"
#include "sim/base/paths.hpp"
#include "sim/input/input_error.hpp"
#include "sim/target/connect/target_connect.hpp"
#include "sim/target/host/target_host.hpp"
#include "sim/target/xen/target_xen.hpp"

namespace assay {
namespace {

constexpr std::chrono::seconds kCoreCaseLimit{10};      // in process a case takes milliseconds
constexpr std::chrono::seconds kXenCaseLimit{120};      // a case may have to boot
constexpr std::chrono::seconds kConnectCaseLimit{300};  // likewise, on somebody's hardware
constexpr std::string_view kConnect = "connect:";

/// What the bundled core must be able to do: a change that takes one of these away makes the cases that need it run and
/// fail, which says more than that they were skipped.
const std::vector<Capability> kBundledClaims{Capability::kDom0,        Capability::kPv64Guest,   Capability::kPvhGuest,
                                             Capability::kTwoGuests,   Capability::kThreeGuests, Capability::kMultiVcpu,
                                             Capability::kConsoleText, Capability::kVirtualTime, Capability::kSteer,
                                             Capability::kRtds,        Capability::kArinc653};

constexpr const char* kClaimsAll = "full";  // the profile: a skip on our own core, or on the judge, is a finding

/// A core and what is known of it beforehand.
struct KnownCore {
  std::filesystem::path file;
  std::string command_line{};
  std::vector<Capability> claimed{};
};

TargetFactory core_factory(const KnownCore& core, HostOptions::Guests guests) {
  return [core, guests] {
    HostOptions options;
    options.core = core.file;
    options.command_line = core.command_line;
    options.claimed = core.claimed;
    options.guests = guests;
    options.dom0_image = artifact("agent-dom0.elf");
    options.guest_image = artifact("agent.elf");
    return make_host_target(options);
  };
}

KnownCore faulty_core(const std::string& fault) {
  return {artifact("hv-faults.so"), fault.empty() ? "" : "fault=" + fault, kBundledClaims};
}

TargetChoice core_target(const std::string& name, const std::string& folder, const KnownCore& core,
                         const TargetWishes& wishes, const std::vector<std::string>& profiles) {
  const auto guests = wishes.guest == "unicorn" ? HostOptions::Guests::kUnicorn : HostOptions::Guests::kDirect;
  const std::string kept_apart = guests == HostOptions::Guests::kUnicorn ? folder + "-unicorn" : folder;
  return {name,           kept_apart, core_factory(core, guests), std::max(1u, std::thread::hardware_concurrency()),
          kCoreCaseLimit, profiles};
}

TargetChoice bundled_target(const std::string& name, const TargetWishes& wishes) {
  const std::string& fault = wishes.fault;
  if (fault.empty()) return core_target(name, name, {artifact("hv.so"), "", kBundledClaims}, wishes, {kClaimsAll});
  return core_target(name, name + "-" + find_fault(fault).name, faulty_core(fault), wishes, {kClaimsAll});
}

TargetChoice xen_target(const std::string& name, const std::string& edge_map) {
  const auto make = [edge_map] {
    XenOptions options;
    options.xen = xen_binary();
    options.dom0_image = artifact("agent-dom0.elf");
    options.guest_image = artifact("agent.elf");
    if (!edge_map.empty()) options.edge_plugin = artifact("assay-edges.so");
    options.edge_map = edge_map;
    return make_xen_target(options);
  };
  // One QEMU wants the whole machine: a second one would make both slower.
  return {name, name, make, 1, kXenCaseLimit, {kClaimsAll}};
}

TargetChoice connect_target(const std::string& name, const std::string& restart) {
  ConnectOptions options;
  options.name = name.substr(kConnect.size());
  try {
    options.address = connect::parse_address(options.name);
  } catch (const std::invalid_argument& error) {
    throw InputError(fmt::format("--target {}: {}", name, error.what()));
  }
  options.restart_command = restart;
  options.dom0_image = artifact("agent-dom0.elf");
  options.guest_image = artifact("agent.elf");
  // One stream, one user.
  return {name, "connect", [options] { return make_connect_target(options); }, 1, kConnectCaseLimit, {}};
}

void expect_elf(const std::filesystem::path& path) {
  constexpr std::array<char, 4> kElf{'\x7f', 'E', 'L', 'F'};
  std::array<char, 4> start{};
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open() || std::filesystem::is_directory(path)) {
    throw InputError(
        fmt::format("--target {}: cannot be read; it is hv, xen, connect:..., or the path of a core", path.string()));
  }
  if (!file.read(start.data(), start.size()) || start != kElf) {
    throw InputError(fmt::format("--target {}: not an ELF file; a core is a shared object that exports `assay_core`",
                                 path.string()));
  }
}

}  // namespace

TargetChoice choose_target(const std::string& name, const TargetWishes& wishes) {
  if (name == "hv") return bundled_target(name, wishes);
  if (!wishes.fault.empty()) {
    throw InputError(
        fmt::format("--fault {}: only the bundled core has planted faults, not --target {}", wishes.fault, name));
  }
  if (name.starts_with(kConnect)) return connect_target(name, wishes.restart);
  if (name == "xen") return xen_target(name, wishes.edge_map);
  if (name.find('/') == std::string::npos && !name.ends_with(".so")) {
    throw InputError(fmt::format(
        "--target {}: no such target; known are hv, xen, connect:ADDRESS and the path of a core (FILE.so)", name));
  }
  expect_elf(name);
  const std::filesystem::path core = std::filesystem::absolute(name);
  return core_target(name, core.stem().string(), {core}, wishes, {});
}

TargetFactory make_faulty_core(const std::string& fault) {
  return core_factory(faulty_core(fault), HostOptions::Guests::kDirect);
}

std::filesystem::path core_path(const std::string& name) {
  if (name == "hv") return artifact("hv.so");
  if (name == "xen" || name.starts_with(kConnect)) {
    throw InputError(fmt::format(
        "--target {}: this needs a core that runs inside this program: hv, or the path of one (FILE.so). On "
        "the real Xen there are `assay grade`, and `assay save` and `assay restore` of our agent",
        name));
  }
  expect_elf(name);
  return std::filesystem::absolute(name);
}

std::filesystem::path xen_binary() {
  if (const char* given = std::getenv("ASSAY_XEN"); given != nullptr && *given != '\0') return given;
  // build/<preset>/bin is where the program is; the cache is at the root of the tree.
  return default_xen_path(program_folder() / ".." / ".." / "..").lexically_normal();
}

}  // namespace assay
