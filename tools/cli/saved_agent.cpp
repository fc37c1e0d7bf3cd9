#include "tools/cli/saved_agent.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "conformance/runner/assemble.hpp"
#include "sim/base/paths.hpp"
#include "sim/input/input_error.hpp"
#include "sim/saved/agent_guest.hpp"
#include "sim/saved/saved_files.hpp"
#include "tools/cli/saved_trouble.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

constexpr uint64_t kAgentLimitMs = 10;

GuestSpec spec_of(const SaveFlags& flags) {
  GuestSpec spec;
  spec.type = flags.guest == "pvh" ? GuestType::kPvh : GuestType::kPv64;
  spec.pages = static_cast<uint32_t>(flags.run.memory_mib * kPagesOfMib);
  spec.vcpus = spec.vcpus_online = flags.run.vcpus;
  return spec;
}

void check_flags(const SaveFlags& flags) {
  if (!flags.until.empty()) throw InputError("--until: the agent prints nothing; --limit says how long it runs");
  if (!flags.run.initrd.empty() || !flags.run.command_line.empty() || flags.run.type != "auto") {
    throw InputError("--initrd, --cmdline and --type are for a KERNEL; the agent's type is that of --guest");
  }
  if (flags.way.is_live && flags.guest == "pv64") {
    throw InputError(
        "--live --guest pv64: writes of PV domains cannot be followed without shadow page tables; use --guest pvh");
  }
  if (flags.run.vcpus > ASSAY_AGENT_VCPUS_MAX) {
    throw InputError(fmt::format("--vcpus {}: the agent has at most {}", flags.run.vcpus, ASSAY_AGENT_VCPUS_MAX));
  }
}

/// The agent's image, and a target that runs it as machine code: what an executor knows by itself cannot be moved.
struct Bench {
  Bench(const std::string& name, uint64_t seed) : image(AgentImage::load(artifact("agent.elf"))), target(make(name)) {
    target->begin_case(seed);
    tell_waiting(name, "it has started; the guest's memory goes through its hypercalls");
  }
  static std::unique_ptr<Target> make(const std::string& name) {
    const TargetChoice choice = choose_target(name, {.guest = "unicorn"});
    tell_waiting(name, "waiting for the hypervisor to start");
    return choice.make();
  }
  /// Cores take no time that anybody would notice.
  static void tell_waiting(const std::string& name, const char* what) {
    if (name == "xen" || name.starts_with("connect:")) fmt::print(stderr, "assay: {}: {}\n", name, what);
  }
  AgentImage image;
  std::unique_ptr<Target> target;
};

void work_with(AgentGuest& guest, uint64_t limit_ms, const Interruption& interruption) {
  for (uint64_t ms = 0; ms < limit_ms; ++ms) {
    if (interruption.has_arrived()) throw Stopped{};
    guest.work(1);
  }
}

/// What of the stream is memory. Sent again counts again.
std::string pages_in_words(const migration::SaveReport& report) {
  if (report.rounds.size() < 2) return fmt::format("{} pages of memory", report.pages);
  return fmt::format("{} pages of memory in {} rounds of {}", report.pages, report.rounds.size(),
                     fmt::join(report.rounds, ", "));
}

void save_into(AgentGuest& guest, SavedFilesWriter& files, const std::string& name, const SaveWay& way,
               const Interruption& interruption) {
  StoppableSink sink(files, interruption);
  SavedGuest saved = guest.save(sink, way);
  saved.made_by = suite_version();
  files.commit(saved);
  const migration::SaveReport& report = guest.report();
  fmt::print("saved: {} on {}, count {}; {}, {} bytes in {}\n", to_string(saved.spec.type), saved.saved_on,
             saved.agent->count, pages_in_words(report), report.bytes, name);
  if (!report.left_out.empty()) {
    fmt::print("not saved, as the hypervisor has no operation for it: {}\n", fmt::join(report.left_out, ", "));
  }
}

}  // namespace

ExitCode save_agent(const SaveFlags& flags, const Interruption& interruption) {
  check_flags(flags);
  SavedFilesWriter files(flags.out, flags.force);
  const Bench bench(flags.run.target, flags.run.seed);
  AgentGuest guest(*bench.target, bench.image, spec_of(flags), flags.run.seed);
  work_with(guest, flags.run.limit_ms, interruption);
  save_into(guest, files, flags.out, flags.way, interruption);
  return kExitExpected;
}

ExitCode restore_agent(const RestoreFlags& flags, const SavedGuest& saved, const Interruption& interruption) {
  if (!flags.until.empty()) throw InputError("--until: the agent prints nothing; --limit says how long it runs");
  std::optional<SavedFilesWriter> files;
  if (!flags.out.empty()) files.emplace(flags.out, flags.force);
  FileSource file(flags.file);
  StoppableSource source(file, interruption);
  const Bench bench(flags.target, saved.agent->pattern_seed);
  AgentGuest guest(*bench.target, bench.image, saved, source);
  fmt::print("restored: {} of {}, count {}\n", to_string(saved.spec.type), saved.saved_on, guest.count());
  if (!guest.left_out().empty()) {
    fmt::print("not restored, as the hypervisor has no operation for it: {}\n", fmt::join(guest.left_out(), ", "));
  }
  work_with(guest, flags.limit_ms == 0 ? kAgentLimitMs : flags.limit_ms, interruption);
  if (const std::string trouble = guest.trouble(); !trouble.empty()) {
    fmt::print(stderr, "assay: the restored guest is not what it was: {}\n", trouble);
    return kExitUnexpected;
  }
  fmt::print("it goes on: memory as it was, count {}\n", guest.count());
  if (files) save_into(guest, *files, flags.out, {}, interruption);
  return kExitExpected;
}

}  // namespace assay
