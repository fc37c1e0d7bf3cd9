#include "sim/base/paths.hpp"
#include "sim/target/host/target_host.hpp"
#include "sim/toolstack/testing/suite_target.hpp"

namespace assay::toolstack::testing {

const char* suite_target_name() {
  return "hv";
}

SuiteTarget boot_suite_target() {
  HostOptions options;
  options.core = artifact("hv.so");
  return {make_host_target(options), "", options.dom0_vcpus};
}

}  // namespace assay::toolstack::testing
