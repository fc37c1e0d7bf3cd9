#include "sim/target/xen/testing.hpp"

#include <cstdlib>

#include "sim/base/paths.hpp"
#include "sim/target/xen/machine.hpp"

namespace assay::xen {

XenOptions test_options() {
  XenOptions options;
  const char* xen = std::getenv("ASSAY_XEN");
  options.xen = xen != nullptr ? xen : ASSAY_XEN_DEFAULT;
  options.dom0_image = artifact("agent-dom0.elf");
  options.guest_image = artifact("agent.elf");
  return options;
}

std::unique_ptr<Target> boot_for_test(const std::string& xen_arguments) {
  XenOptions options = test_options();
  options.xen_arguments = xen_arguments;
  return make_xen_target(options);
}

void XenTest::SetUp() {
  try {
    check_available(test_options());
  } catch (const TargetUnavailable& missing) {
    GTEST_SKIP() << missing.what();
  }
}

std::unique_ptr<Target>& BootedXenTest::shared_target() {
  static std::unique_ptr<Target> target;
  return target;
}

void BootedXenTest::SetUp() {
  XenTest::SetUp();
  if (IsSkipped()) return;
  if (!shared_target()) shared_target() = boot_for_test();
  target().begin_case(0);
}

}  // namespace assay::xen
