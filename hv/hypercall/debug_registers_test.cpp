#include "hv/hypercall/testing/pv_caller.hpp"

namespace hv::testing {

namespace {

/// Values as the real Xen gave them.
class DebugRegistersTest : public PvCallerTest {
 protected:
  int64_t set(uint64_t number, uint64_t value) { return call(*pv_, do_set_debugreg, {number, value}); }
  int64_t get(uint64_t number) { return call(*pv_, do_get_debugreg, {number}); }
  assay_regs& regs() { return pv_->vcpus[0]->regs; }
};

}  // namespace

TEST_F(DebugRegistersTest, Addresses_ButNotOfTheHypervisor) {
  EXPECT_EQ(set(0, uint64_t{1} << 40), 0);
  EXPECT_EQ(get(0), int64_t{1} << 40);
  EXPECT_EQ(set(0, HYPERVISOR_VIRT_START), -XEN_EPERM);
  EXPECT_EQ(set(3, HYPERVISOR_VIRT_END), 0);
  EXPECT_EQ(get(0), int64_t{1} << 40);
}

TEST_F(DebugRegistersTest, ReservedBitsAreAsHardwareHasThem_UnderBothNames) {
  EXPECT_EQ(set(4, 0), 0);
  EXPECT_EQ(get(6), 0xffff0ff0);
  EXPECT_EQ(set(5, 0), 0);
  EXPECT_EQ(get(7), 0x400);
  EXPECT_EQ(set(6, uint64_t{1} << 32), -XEN_EINVAL);
  EXPECT_EQ(set(7, uint64_t{1} << 32), -XEN_EINVAL);
}

TEST_F(DebugRegistersTest, Dr7_RefusesWhatTheHypervisorNeeds) {
  constexpr uint64_t kIoBreakpoint = 2u << 16;
  EXPECT_EQ(set(7, 1u << 13), -XEN_EPERM);
  EXPECT_EQ(set(7, kIoBreakpoint), -XEN_EPERM);
  regs().cr4 |= 8;
  EXPECT_EQ(set(7, kIoBreakpoint), 0);
}

TEST_F(DebugRegistersTest, RegistersThatDoNotExist_AreEnodev) {
  EXPECT_EQ(set(8, 0), -XEN_ENODEV);
  EXPECT_EQ(get(8), -XEN_ENODEV);
  regs().cr4 |= 8;
  EXPECT_EQ(set(4, 0), -XEN_ENODEV);
  EXPECT_EQ(get(5), -XEN_ENODEV);
}

TEST_F(DebugRegistersTest, FpuTaskswitch_IsCr0Ts) {
  EXPECT_EQ(call(*pv_, do_fpu_taskswitch, {1}), 0);
  EXPECT_EQ(regs().cr0 & 8, 8u);
  EXPECT_EQ(call(*pv_, do_fpu_taskswitch, {0}), 0);
  EXPECT_EQ(regs().cr0 & 8, 0u);
}

}  // namespace hv::testing
