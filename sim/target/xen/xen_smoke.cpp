/// Boots the real hypervisor, makes hypercalls from dom0 and prints their rate: the quickest look at this target.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/target/agent/host_clock.hpp"
#include "sim/target/xen/target_xen.hpp"

namespace {

int run(const char* xen, uint64_t calls) {
  assay::XenOptions options;
  options.xen = xen;
  options.dom0_image = assay::artifact("agent-dom0.elf");
  options.guest_image = assay::artifact("agent.elf");
  const uint64_t boot_start = assay::agents::host_now_ns();
  const auto target = assay::make_xen_target(options);
  const uint64_t start = assay::agents::host_now_ns();
  std::printf("boot_ms %llu\nversion %s\n", static_cast<unsigned long long>((start - boot_start) / 1'000'000),
              target->info().version.c_str());
  assay::Vcpu& vcpu = target->dom0().vcpu(0);
  for (uint64_t i = 0; i < calls; ++i) {
    if (vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}) <= 0) return EXIT_FAILURE;
  }
  const uint64_t elapsed_ns = assay::agents::host_now_ns() - start;
  std::printf("hypercalls_per_s %llu\n", static_cast<unsigned long long>(calls * 1'000'000'000 / elapsed_ns));
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: xen-smoke XEN-BINARY\n", stderr);
    return 64;
  }
  constexpr uint64_t kCalls = 200'000;
  try {
    return run(argv[1], kCalls);
  } catch (const assay::TargetUnavailable& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 69;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
