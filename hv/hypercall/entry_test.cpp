#include "hv/core.hpp"
#include "hv/hypercall/registers.hpp"
#include "hv/hypercall/testing/pv_caller.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv::testing {

namespace {

class EntryTest : public PvCallerTest {
 protected:
  EntryTest() {
    control_->vcpus[0]->regs.code_bits = 64;
    hvm().regs.rip = 0x100;
  }
  Vcpu& hvm() { return *control_->vcpus[0]; }
  Vcpu& pv() { return *pv_->vcpus[0]; }

  /// By the 64-bit convention.
  static int64_t enter(Vcpu& vcpu, uint64_t number, std::array<uint64_t, 5> args = {}) {
    assay_regs& r = vcpu.regs;
    r.rax = number;
    r.rdi = args[0], r.rsi = args[1], r.rdx = args[2], r.r10 = args[3], r.r8 = args[4];
    hypercall_entry(vcpu);
    return static_cast<int64_t>(vcpu.regs.rax);
  }
};

constexpr int64_t kVersion417 = 4 << 16 | 17;

}  // namespace

TEST_F(EntryTest, XenVersion_OfBothGuestTypes) {
  EXPECT_EQ(enter(hvm(), __HYPERVISOR_xen_version), kVersion417);
  EXPECT_EQ(enter(pv(), __HYPERVISOR_xen_version), kVersion417);
}

TEST_F(EntryTest, NumbersWithoutAHandler_AreEnosys) {
  for (const uint64_t number : {uint64_t{11}, uint64_t{38}, uint64_t{43}, uint64_t{48}, uint64_t{50},
                                uint64_t{1000}, ~uint64_t{0}}) {
    EXPECT_EQ(enter(hvm(), number), -XEN_ENOSYS) << number;
    EXPECT_EQ(enter(pv(), number), -XEN_ENOSYS) << number;
  }
}

TEST_F(EntryTest, UpperHalfOfTheNumberCounts) {
  EXPECT_EQ(enter(hvm(), __HYPERVISOR_xen_version | uint64_t{1} << 32), -XEN_ENOSYS);
  EXPECT_EQ(enter(pv(), __HYPERVISOR_xen_version | uint64_t{1} << 32), -XEN_ENOSYS);
}

TEST_F(EntryTest, PvOnlyCalls_AreEnosysToHvm) {
  for (const unsigned number :
       {0u + __HYPERVISOR_set_trap_table, 0u + __HYPERVISOR_mmu_update, 0u + __HYPERVISOR_stack_switch,
        0u + __HYPERVISOR_set_callbacks, 0u + __HYPERVISOR_sched_op_compat, 0u + __HYPERVISOR_update_va_mapping,
        0u + __HYPERVISOR_event_channel_op_compat, 0u + __HYPERVISOR_iret, 0u + __HYPERVISOR_set_segment_base,
        0u + __HYPERVISOR_callback_op}) {
    EXPECT_EQ(enter(hvm(), number), -XEN_ENOSYS) << number;
  }
}

TEST_F(EntryTest, HvmUserModeAndVirtual8086_AreEperm) {
  hvm().regs.cpl = 3;
  EXPECT_EQ(enter(hvm(), __HYPERVISOR_xen_version), -XEN_EPERM);
  hvm().regs.cpl = 0;
  hvm().regs.rflags |= kFlagVirtual8086;
  EXPECT_EQ(enter(hvm(), __HYPERVISOR_xen_version), -XEN_EPERM);
}

TEST_F(EntryTest, Hvm32_UsesTheOtherRegisters_AndHalfTheResult) {
  assay_regs& r = hvm().regs;
  r.code_bits = 32;
  r.rax = 0xffffffff'00000000 | __HYPERVISOR_xen_version;
  r.rbx = XENVER_pagesize;
  r.rcx = 1;  // pagesize takes no argument
  r.rdi = r.rsi = XENVER_version;
  hypercall_entry(hvm());
  EXPECT_EQ(r.rax, static_cast<uint32_t>(-XEN_EINVAL));
}

TEST_F(EntryTest, Continuation_StaysOnTheInstruction) {
  hvm().regs.rip = 0x103;
  pv().regs.rip = 0x102;
  rewind_call(hvm(), 13, {7, 8});
  rewind_call(pv(), 13, {7, 8});
  EXPECT_EQ(hvm().regs.rip, 0x100u);
  EXPECT_EQ(pv().regs.rip, 0x100u);
  EXPECT_EQ(hvm().regs.rax, 13u);
  EXPECT_EQ(hvm().regs.rdi, 7u);
  EXPECT_EQ(hvm().regs.rsi, 8u);
}

TEST_F(EntryTest, PvUserMode_GoesToTheSyscallCallback) {
  assay_regs& r = pv().regs;
  pv().pv->user_cr3 = r.cr3;
  pv().pv->kernel_sp = va(kFreePage + 1);
  pv().pv->syscall_callback = 0x7000;
  pv().pv->syscall_disables_events = true;
  pv().info->evtchn_upcall_mask = 0;
  pv_enter_user(pv());
  r.rip = 0x5002;
  EXPECT_EQ(enter(pv(), 0x1234), 0x1234);  // the number is the user program's business
  EXPECT_EQ(r.rip, 0x7000u);
  EXPECT_EQ(r.rcx, 0x5002u);
  EXPECT_TRUE(pv_in_kernel(pv()));
  EXPECT_EQ(pv().info->evtchn_upcall_mask, 1);
}

TEST_F(EntryTest, PvUserMode_WithoutACallback_IsInvalidOpcodeAtTheInstruction) {
  assay_regs& r = pv().regs;
  pv().pv->user_cr3 = r.cr3;
  pv().pv->kernel_sp = va(kFreePage + 1);
  pv().pv->traps[kVectorInvalidOpcode] = {0x6000, FLAT_KERNEL_CS, 0};
  pv_enter_user(pv());
  r.rip = 0x5002;
  enter(pv(), 0);
  EXPECT_EQ(r.rip, 0x6000u);
  EXPECT_EQ(pv_get<uint64_t>(r.rsp + 16), 0x5000u);
}

TEST_F(EntryTest, Iret_ToTheKernel_RestoresAndUnmasks) {
  assay_regs& r = pv().regs;
  r.rsp = va(kFreePage);
  pv_put(r.rsp, iret_context{.rax = 1,
                             .r11 = 2,
                             .rcx = 3,
                             .flags = 0,
                             .rip = 4,
                             .cs = FLAT_KERNEL_CS & ~3u,
                             .rflags = kFlagInterrupt | kFlagIopl,
                             .rsp = 5,
                             .ss = 0});
  pv().info->evtchn_upcall_mask = 1;
  EXPECT_EQ(enter(pv(), __HYPERVISOR_iret), 1);
  EXPECT_EQ(r.r11, 2u);
  EXPECT_EQ(r.rcx, 3u);
  EXPECT_EQ(r.rip, 4u);
  EXPECT_EQ(r.cs, FLAT_KERNEL_CS | 3);
  EXPECT_EQ(r.ss, 3);
  constexpr uint64_t kAlwaysSet = 2;
  EXPECT_EQ(r.rflags, kFlagInterrupt | kAlwaysSet);
  EXPECT_EQ(r.rsp, 5u);
  EXPECT_TRUE(pv_in_kernel(pv()));
  EXPECT_EQ(pv().info->evtchn_upcall_mask, 0);
}

TEST_F(EntryTest, Iret_ToUserModeWithoutARoot_CrashesTheDomain) {
  pv().regs.rsp = va(kFreePage);
  iret_context frame{};
  frame.cs = FLAT_USER_CS;
  pv_put(pv().regs.rsp, frame);
  enter(pv(), __HYPERVISOR_iret);
  EXPECT_EQ(pv_->shutdown_code, SHUTDOWN_crash);
}

TEST_F(EntryTest, Iret_WithoutAFrame_CrashesTheDomain) {
  pv().regs.rsp = kUnmapped;
  enter(pv(), __HYPERVISOR_iret);
  EXPECT_EQ(pv_->shutdown_code, SHUTDOWN_crash);
}

}  // namespace hv::testing
