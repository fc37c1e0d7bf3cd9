#include "hv/core.hpp"
#include "hv/hypercall/testing/caller.hpp"

namespace hv::testing {

namespace {

class MulticallTest : public CallerTest {
 protected:
  static constexpr xen_ulong_t kUntouched = 0xaaaa;

  MulticallTest() {
    vcpu().regs.code_bits = 64;
    vcpu().regs.rip = 0x103;
  }
  Vcpu& vcpu() { return *control_->vcpus[0]; }
  static uint64_t at(unsigned index) { return kBuffer + index * sizeof(multicall_entry_t); }

  void entry(unsigned index, uint64_t number, std::initializer_list<uint64_t> args = {}) {
    multicall_entry_t e{};
    e.op = number;
    e.result = kUntouched;
    std::ranges::copy(args, e.args);
    put(*control_, at(index), e);
  }
  int64_t result(unsigned index) { return static_cast<int64_t>(get<multicall_entry_t>(*control_, at(index)).result); }
  int64_t run(uint64_t list, uint64_t count) {
    vcpu().regs.rax = __HYPERVISOR_multicall;
    vcpu().regs.rdi = list;
    vcpu().regs.rsi = count;
    hypercall_entry(vcpu());
    return static_cast<int64_t>(vcpu().regs.rax);
  }
};

}  // namespace

TEST_F(MulticallTest, EveryEntryRuns_WhateverTheOthersReturn) {
  entry(0, __HYPERVISOR_xen_version, {XENVER_version});
  entry(1, 1000);
  entry(2, __HYPERVISOR_multicall);
  entry(3, __HYPERVISOR_xen_version, {XENVER_pagesize});
  EXPECT_EQ(run(kBuffer, 4), 0);
  EXPECT_EQ(result(0), 4 << 16 | 17);
  EXPECT_EQ(result(1), -XEN_ENOSYS);
  EXPECT_EQ(result(2), -XEN_EINVAL);
  EXPECT_EQ(result(3), 4096);
  EXPECT_FALSE(vcpu().in_multicall);
}

TEST_F(MulticallTest, NoEntries_IsFine_WhereverTheListIs) {
  EXPECT_EQ(run(kNowhere, 0), 0);
}

TEST_F(MulticallTest, ListThatEndsInNowhere_IsEfaultAfterTheFirst) {
  const uint64_t list = kRamPages * kPageSize - sizeof(multicall_entry_t);
  multicall_entry_t e{};
  e.op = __HYPERVISOR_xen_version;
  put(*control_, list, e);
  EXPECT_EQ(run(list, 2), -XEN_EFAULT);
  EXPECT_EQ(get<multicall_entry_t>(*control_, list).result, xen_ulong_t{4 << 16 | 17});
}

TEST_F(MulticallTest, Preempted_ResumesBehindWhatIsDone) {
  for (unsigned i = 0; i < 3; ++i) entry(i, __HYPERVISOR_sched_op, {SCHEDOP_yield});
  EXPECT_EQ(run(kBuffer, 3), __HYPERVISOR_multicall);  // a yield asks the batch to stop
  EXPECT_EQ(vcpu().regs.rip, 0x100u);
  EXPECT_EQ(vcpu().regs.rdi, at(1));
  EXPECT_EQ(vcpu().regs.rsi, 2u);
  EXPECT_EQ(result(0), 0);
  EXPECT_EQ(result(1), static_cast<int64_t>(kUntouched));
}

TEST_F(MulticallTest, EntryThatIsContinued_IsRewrittenInPlace) {
  entry(0, __HYPERVISOR_console_io, {CONSOLEIO_write, 200, kArgument});
  entry(1, __HYPERVISOR_xen_version);
  sched_pcpu(0).reschedule = true;
  EXPECT_EQ(run(kBuffer, 2), __HYPERVISOR_multicall);
  EXPECT_EQ(vcpu().regs.rdi, at(0));
  EXPECT_EQ(vcpu().regs.rsi, 2u);
  sched_switch(sched_pcpu(0));
  vcpu().regs.rip = 0x103;
  EXPECT_EQ(run(vcpu().regs.rdi, vcpu().regs.rsi), 0);
  EXPECT_EQ(result(0), 0);
  EXPECT_EQ(result(1), 4 << 16 | 17);
}

/// Nobody else may begin one meanwhile, so it is another hypercall that the entry makes then.
TEST_F(MulticallTest, LogDirtyOperationThatIsContinued_IsAnotherCallThen) {
  Domain* tracked = make(DomId{1}, GuestKind::kHvm, 1);
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_shadow_op;
  op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
  op.domain = tracked->id.raw();
  op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_CLEAN;
  op.u.shadow_op.pages = uint64_t{1} << 20;
  put(*control_, kArgument, op);
  entry(0, __HYPERVISOR_domctl, {kArgument});
  sched_pcpu(0).reschedule = true;
  EXPECT_EQ(run(kBuffer, 1), __HYPERVISOR_multicall);
  EXPECT_EQ(get<multicall_entry_t>(*control_, at(0)).op, __HYPERVISOR_arch_1);
  sched_switch(sched_pcpu(0));
  vcpu().regs.rip = 0x103;
  EXPECT_EQ(run(kBuffer, 1), 0);
  EXPECT_EQ(result(0), 0);
  EXPECT_EQ(get<xen_domctl_t>(*control_, kArgument).u.shadow_op.pages, uint64_t{1} << 20);
}

}  // namespace hv::testing
