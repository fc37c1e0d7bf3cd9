/// What the tests of target `xen` share: one booted target for all of them, and the reason to skip when there is none.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "sim/abi/xen.hpp"
#include "sim/target/xen/target_xen.hpp"

namespace assay::xen {

/// Options by environment: ASSAY_XEN names the hypervisor, as for the other programs of the project.
XenOptions test_options();

/// A booted target; throws TargetUnavailable when this machine has no QEMU or no Xen binary.
std::unique_ptr<Target> boot_for_test(const std::string& xen_arguments = "");

/// Skips the test with the reason when QEMU or the Xen binary is absent; any other failure fails it.
class XenTest : public ::testing::Test {
 protected:
  void SetUp() override;
};

/// As XenTest, on a target that is booted once per process and cleaned before each test.
class BootedXenTest : public XenTest {
 protected:
  void SetUp() override;
  Target& target() { return *shared_target(); }
  Vcpu& dom0_vcpu() { return target().dom0().vcpu(0); }

 private:
  static std::unique_ptr<Target>& shared_target();
};

/// How `action` found the target dead; nothing when it did not.
template <typename Action>
std::optional<TargetDied::How> death_of(const Action& action) {
  try {
    action();
  } catch (const TargetDied& died) {
    return died.how();
  }
  return std::nullopt;
}

}  // namespace assay::xen
