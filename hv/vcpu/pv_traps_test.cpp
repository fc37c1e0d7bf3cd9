#include "hv/vcpu/pv_traps.hpp"

#include "hv/hypercall/testing/pv_caller.hpp"
#include "hv/vcpu/time.hpp"

namespace hv::testing {

namespace {

class PvTrapsTest : public PvCallerTest {
 protected:
  static constexpr uint64_t kHandler = 0xffffffff'80001000;
  static constexpr uint64_t kRip = 0xffffffff'80002000;

  PvTrapsTest() {
    vcpu().regs.rip = kRip;
    vcpu().regs.rsp = stack_top() - 8;  // not aligned to 16
    vcpu().regs.rcx = 0xc;
    vcpu().regs.r11 = 0x11;
    vcpu().regs.cs = FLAT_KERNEL_CS;
    vcpu().regs.ss = FLAT_KERNEL_SS;
    vcpu().info->evtchn_upcall_mask = 0;
  }

  Vcpu& vcpu() { return *pv_->vcpus[0]; }
  static uint64_t stack_top() { return va(kFreePage + 1); }
  uint64_t word(unsigned index) { return pv_get<uint64_t>(vcpu().regs.rsp + index * 8); }
  void go_to_user() {
    vcpu().pv->user_cr3 = vcpu().regs.cr3;
    vcpu().pv->kernel_sp = stack_top();
    pv_enter_user(vcpu());
  }
};

}  // namespace

TEST_F(PvTrapsTest, Bounce_FromTheKernel_PushesOnItsStack) {
  const uint64_t rsp = vcpu().regs.rsp;
  vcpu().regs.rflags |= kFlagTrap | kFlagAlignment;
  ASSERT_TRUE(pv_bounce(vcpu(), {kHandler, true}));
  EXPECT_EQ(vcpu().regs.rsp, (rsp & ~uint64_t{15}) - 7 * 8);
  EXPECT_EQ(word(0), 0xcu);
  EXPECT_EQ(word(1), 0x11u);
  EXPECT_EQ(word(2), kRip);
  EXPECT_EQ(word(3), uint64_t{FLAT_KERNEL_CS & ~3u});  // mask clear, RPL 0: kernel
  EXPECT_NE(word(4) & kFlagInterrupt, 0u);
  EXPECT_NE(word(4) & kFlagTrap, 0u);
  EXPECT_EQ(word(5), rsp);
  EXPECT_EQ(word(6), uint64_t{FLAT_KERNEL_SS});
  EXPECT_EQ(vcpu().regs.rip, kHandler);
  EXPECT_EQ(vcpu().regs.rflags & (kFlagTrap | kFlagAlignment), 0u);
  EXPECT_EQ(vcpu().info->evtchn_upcall_mask, 1);
}

TEST_F(PvTrapsTest, Bounce_SavesTheMaskBesideCs_AndShowsItAsIf) {
  vcpu().info->evtchn_upcall_mask = 1;
  ASSERT_TRUE(pv_bounce(vcpu(), {kHandler}));
  EXPECT_EQ(word(3) >> 32, 1u);
  EXPECT_EQ(word(4) & kFlagInterrupt, 0u);
}

TEST_F(PvTrapsTest, Bounce_FromUserMode_UsesTheKernelStackAndRoot) {
  const uint64_t kernel_cr3 = vcpu().regs.cr3;
  vcpu().regs.gs_base = 1, vcpu().regs.gs_base_kernel = 2;
  go_to_user();
  EXPECT_EQ(vcpu().regs.gs_base, 2u);
  vcpu().regs.rsp = 0x1234;
  ASSERT_TRUE(pv_bounce(vcpu(), {kHandler}));
  EXPECT_TRUE(pv_in_kernel(vcpu()));
  EXPECT_EQ(vcpu().regs.cr3, kernel_cr3);
  EXPECT_EQ(vcpu().regs.gs_base, 1u);
  EXPECT_EQ(vcpu().regs.rsp, stack_top() - 7 * 8);
  EXPECT_EQ(word(3) & 3, 3u);
  EXPECT_EQ(word(5), 0x1234u);
}

TEST_F(PvTrapsTest, RunstateArea_ThatUserModeDoesNotMap_IsWrittenOnTheWayIn) {
  const uint64_t area = va(kFreePage + 2);
  vcpu().runstate_area = Gva{area};
  go_to_user();
  vcpu().regs.cr3 = 0;
  publish_runstate(vcpu());
  pv_enter_kernel(vcpu());
  EXPECT_EQ(pv_get<vcpu_runstate_info_t>(area).state, RUNSTATE_offline);
}

TEST_F(PvTrapsTest, Bounce_WithoutHandlerOrStack_IsRefused) {
  EXPECT_FALSE(pv_bounce(vcpu(), {0}));
  vcpu().regs.rsp = kUnmapped;
  EXPECT_FALSE(pv_bounce(vcpu(), {kHandler}));
  vcpu().regs.rsp = HYPERVISOR_VIRT_START + 0x1000;
  EXPECT_FALSE(pv_bounce(vcpu(), {kHandler}));
}

TEST_F(PvTrapsTest, PageFault_TellsTheGuestsOwnModesApart) {
  constexpr uint32_t kUserBit = 4;
  vcpu().pv->traps[kVectorPageFault] = {kHandler, FLAT_KERNEL_CS, 0};
  ASSERT_TRUE(pv_raise(vcpu(), kVectorPageFault, true, kUserBit | 2, 0xdead));
  EXPECT_EQ(word(2), 2u);
  EXPECT_EQ(vcpu().info->arch.cr2, 0xdeadu);
  go_to_user();
  ASSERT_TRUE(pv_raise(vcpu(), kVectorPageFault, true, 0, 0xbeef));
  EXPECT_EQ(word(2), kUserBit);
}

TEST_F(PvTrapsTest, Raise_ObeysTheGatesFlag) {
  vcpu().pv->traps[3] = {kHandler, FLAT_KERNEL_CS, 0};
  ASSERT_TRUE(pv_raise(vcpu(), 3, false, 0));
  EXPECT_EQ(vcpu().info->evtchn_upcall_mask, 0);
  vcpu().pv->traps[3].flags = 4;
  ASSERT_TRUE(pv_raise(vcpu(), 3, false, 0));
  EXPECT_EQ(vcpu().info->evtchn_upcall_mask, 1);
  EXPECT_FALSE(pv_raise(vcpu(), 5, false, 0));
}

TEST_F(PvTrapsTest, Deliver_NmiFirst_ThenTheEventUnderItsMask) {
  vcpu().pv->nmi_callback = kHandler;
  vcpu().pv->event_callback = kHandler + 16;
  vcpu().info->evtchn_upcall_pending = 1;
  vcpu_send_nmi(vcpu());
  ASSERT_TRUE(pv_deliver(vcpu()));
  EXPECT_EQ(vcpu().regs.rip, kHandler);  // events are masked until the NMI handler is done
  vcpu_send_nmi(vcpu());
  ASSERT_TRUE(pv_deliver(vcpu()));
  EXPECT_TRUE(vcpu().pv->nmi_pending);  // no NMI inside an NMI
  vcpu().info->evtchn_upcall_mask = 0;
  ASSERT_TRUE(pv_deliver(vcpu()));
  EXPECT_EQ(vcpu().regs.rip, kHandler + 16);
}

TEST_F(PvTrapsTest, Deliver_WithoutACallback_IsRefused) {
  vcpu().info->evtchn_upcall_pending = 1;
  EXPECT_FALSE(pv_deliver(vcpu()));
}

TEST(PvTraps, Canonical_AtItsEdges) {
  EXPECT_TRUE(canonical(0x0000'7fff'ffff'ffff));
  EXPECT_FALSE(canonical(0x0000'8000'0000'0000));
  EXPECT_FALSE(canonical(0xffff'7fff'ffff'ffff));
  EXPECT_TRUE(canonical(0xffff'8000'0000'0000));
}

}  // namespace hv::testing
