#include "sim/scenario/host_options.hpp"

#include <fmt/format.h>

#include "sim/scenario/keys.hpp"

namespace assay::scenario {
namespace {

constexpr uint64_t kDom0Bytes = 16u << 20;
/// It maps the images that it writes.
constexpr uint64_t kDom0BytesWithKernels = 64u << 20;
/// What the hypervisor needs for each of them.
constexpr uint64_t kMibBesideKernel = 16;
constexpr uint64_t kCoreBytes = 48u << 20;
constexpr uint64_t kBytesPerDomain = 48u << 10, kBytesPerVcpu = 4u << 10;
constexpr uint64_t kArenaBytes = 64u << 20, kArenaPerDomain = 64u << 10, kArenaPerVcpu = 16u << 10;

}  // namespace

HostOptions host_options(const Scenario& scenario, const std::filesystem::path& core, const std::string& command_line) {
  uint64_t vcpus = 0, pages = 0, kernel_bytes = 0;
  for (const DomainSpec& domain : scenario.domains) {
    vcpus += domain.vcpus.size();
    pages += domain.written_pages();
    if (domain.kernel) kernel_bytes += (domain.kernel->memory_mib + kMibBesideKernel) << 20;
  }
  const uint64_t domains = scenario.domains.size();
  HostOptions options;
  options.core = core;
  options.pcpus = scenario.pcpus + scenario.pcpus_together;
  options.threads_per_core = scenario.threads_per_core;
  options.cores_per_socket = scenario.cores_per_socket;
  options.dom0_vcpus = 1;
  options.dom0_bytes = kernel_bytes == 0 ? kDom0Bytes : kDom0BytesWithKernels;
  options.memory_bytes = options.dom0_bytes + kernel_bytes + kCoreBytes + domains * kBytesPerDomain +
                         vcpus * kBytesPerVcpu + pages * kPageSize;
  options.memory_bytes = options.memory_bytes / kPageSize * kPageSize;
  options.arena_bytes = kArenaBytes + domains * kArenaPerDomain + vcpus * kArenaPerVcpu;
  // As Xen's own option has it: it makes nodes of a machine that has one.
  options.command_line = command_line;
  const auto say = [&](const std::string& option) {
    options.command_line += (options.command_line.empty() ? "" : " ") + option;
  };
  if (scenario.pcpus_together > 1) {
    say(fmt::format("sched-gran={}", keys::kGranularities.at(static_cast<size_t>(scenario.granularity))));
  }
  if (scenario.nodes > 1) say(fmt::format("numa=fake={}", scenario.nodes));
  return options;
}

}  // namespace assay::scenario
