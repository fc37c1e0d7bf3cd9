#include <cstdlib>

#include "sim/base/paths.hpp"
#include "sim/target/xen/target_xen.hpp"
#include "sim/toolstack/testing/suite_target.hpp"

namespace assay::toolstack::testing {

const char* suite_target_name() {
  return "xen";
}

SuiteTarget boot_suite_target() {
  XenOptions options;
  const char* xen = std::getenv("ASSAY_XEN");
  options.xen = xen != nullptr ? xen : ASSAY_XEN_DEFAULT;
  options.dom0_image = artifact("agent-dom0.elf");
  options.guest_image = artifact("agent.elf");
  try {
    return {make_xen_target(options), "", options.dom0_vcpus};
  } catch (const TargetUnavailable& missing) {
    return {nullptr, missing.what(), 0};
  }
}

}  // namespace assay::toolstack::testing
