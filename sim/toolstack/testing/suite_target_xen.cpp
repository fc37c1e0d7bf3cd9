#include "sim/target/xen/testing.hpp"
#include "sim/toolstack/testing/suite_target.hpp"

namespace assay::toolstack::testing {

const char* suite_target_name() {
  return "xen";
}

SuiteTarget boot_suite_target() {
  const XenOptions options = xen::test_options();
  try {
    return {make_xen_target(options), "", options.dom0_vcpus};
  } catch (const TargetUnavailable& missing) {
    return {nullptr, missing.what(), 0};
  }
}

}  // namespace assay::toolstack::testing
