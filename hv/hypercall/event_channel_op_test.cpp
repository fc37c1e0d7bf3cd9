/// event_channel_op as a guest makes it: arguments, who may ask, which error comes first. The operations themselves are
/// tested in hv/evtchn.
#include "hv/hypercall/testing/caller.hpp"

namespace hv::testing {

namespace {

class EventChannelOpTest : public CallerTest {
 protected:
  EventChannelOpTest()
      : guest_(make(DomId{1}, GuestKind::kHvm, 2)), other_(make(DomId{2}, GuestKind::kHvm, 1, false, 3)) {}

  Port alloc(Domain& caller, domid_t dom, domid_t remote) {
    evtchn_alloc_unbound_t alloc{dom, remote, 0};
    EXPECT_EQ(event_op(caller, EVTCHNOP_alloc_unbound, alloc), 0);
    return Port{alloc.port};
  }

  Domain* guest_;
  Domain* other_;
};

}  // namespace

TEST_F(EventChannelOpTest, UnknownCommand_IsEnosys_BadPointer_IsEfault) {
  EXPECT_EQ(call(*guest_, do_event_channel_op, {99, kArgument}), -XEN_ENOSYS);
  for (uint64_t command = 0; command <= 14; ++command) {
    EXPECT_EQ(call(*guest_, do_event_channel_op, {command, kNowhere}), -XEN_EFAULT) << command;
  }
}

TEST_F(EventChannelOpTest, CommandIsA32BitNumber) {
  evtchn_send_t send{63};
  put(*guest_, kArgument, send);
  EXPECT_EQ(call(*guest_, do_event_channel_op, {EVTCHNOP_send | uint64_t{1} << 32, kArgument}), -XEN_EINVAL);
}

TEST_F(EventChannelOpTest, AllocUnbound_SelfByBothNames) {
  EXPECT_EQ(alloc(*guest_, DOMID_SELF, 7), Port{1});
  EXPECT_EQ(alloc(*guest_, 1, DOMID_SELF), Port{2});
  EXPECT_EQ(channel_of(*guest_->events, Port{1}).remote_id, DomId{7});
  EXPECT_EQ(channel_of(*guest_->events, Port{2}).remote_id, DomId{1});
}

TEST_F(EventChannelOpTest, AllocUnbound_UnknownThenFullThenForeign) {
  evtchn_alloc_unbound_t alloc_op{77, 1, 0};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_alloc_unbound, alloc_op), -XEN_ESRCH);
  alloc_op.dom = DOMID_IO;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_alloc_unbound, alloc_op), -XEN_ESRCH);
  alloc_op.dom = 2;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_alloc_unbound, alloc_op), -XEN_EPERM);
  for (int i = 0; i < 3; ++i) alloc(*control_, 2, 1);
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_alloc_unbound, alloc_op), -XEN_ENOSPC);
  EXPECT_EQ(event_op(*control_, EVTCHNOP_alloc_unbound, alloc_op), -XEN_ENOSPC);
}

TEST_F(EventChannelOpTest, AllocUnbound_CopyBackFault_LeavesThePort) {
  // The argument's last member lies in the next, missing page.
  const uint64_t at_end = kRamPages * kPageSize - offsetof(evtchn_alloc_unbound_t, port);
  evtchn_alloc_unbound_t alloc_op{DOMID_SELF, 7, 0};
  std::memcpy(stage2_bytes(guest_->memory, Gpa{at_end}, true), &alloc_op, offsetof(evtchn_alloc_unbound_t, port));
  EXPECT_EQ(call(*guest_, do_event_channel_op, {EVTCHNOP_alloc_unbound, at_end}), -XEN_EFAULT);
  EXPECT_EQ(guest_->events->active_ports, 0u) << "the read of the argument fails first";
}

TEST_F(EventChannelOpTest, BindInterdomain_UnknownDomain_IsEsrch_Then_Works) {
  const Port port = alloc(*other_, DOMID_SELF, 1);
  evtchn_bind_interdomain_t bind{77, port.raw(), 0};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_bind_interdomain, bind), -XEN_ESRCH);
  bind.remote_dom = 2;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_bind_interdomain, bind), 0);
  evtchn_send_t send{bind.local_port};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_send, send), 0);
  EXPECT_NE(other_->shared_info()->evtchn_pending[0], 0u);
  EXPECT_EQ(other_->vcpus[0]->info->evtchn_upcall_pending, 1);
  EXPECT_EQ(other_->vcpus[0]->info->evtchn_pending_sel, 1u);
}

TEST_F(EventChannelOpTest, BindVirqIpiPirq_FillThePort) {
  evtchn_bind_virq_t virq{VIRQ_TIMER, 1, 0};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_bind_virq, virq), 0);
  EXPECT_EQ(virq.port, 1u);
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_bind_virq, virq), -XEN_EEXIST);
  evtchn_bind_ipi_t ipi{5, 0};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_bind_ipi, ipi), -XEN_ENOENT);
  ipi.vcpu = 0;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_bind_ipi, ipi), 0);
  EXPECT_EQ(ipi.port, 2u);
  evtchn_bind_pirq_t pirq{100'000, 0, 0};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_bind_pirq, pirq), -XEN_EINVAL);
  pirq.pirq = 9;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_bind_pirq, pirq), 0) << "an HVM guest's pirq is a number without a line";
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_bind_pirq, pirq), -XEN_EEXIST);
}

TEST_F(EventChannelOpTest, Status_OrderOfErrors) {
  evtchn_status_t status{};
  status.dom = 77;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_status, status), -XEN_ESRCH);
  status.dom = 2;
  status.port = 64;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_status, status), -XEN_EINVAL);
  status.port = 1;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_status, status), -XEN_EPERM);
  EXPECT_EQ(event_op(*control_, EVTCHNOP_status, status), 0);
  EXPECT_EQ(status.status, uint32_t{EVTCHNSTAT_closed});
}

TEST_F(EventChannelOpTest, Reset_ForeignNeedsPrivilegeAndAPause) {
  evtchn_reset_t reset{77};
  EXPECT_EQ(event_op(*control_, EVTCHNOP_reset, reset), -XEN_ESRCH);
  reset.dom = 2;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_reset, reset), -XEN_EPERM);
  alloc(*other_, DOMID_SELF, 1);
  EXPECT_EQ(event_op(*control_, EVTCHNOP_reset, reset), 0) << "a new domain is paused by its controller";
  EXPECT_EQ(other_->events->active_ports, 0u);
  EXPECT_EQ(domctl(XEN_DOMCTL_unpausedomain, DomId{2}), 0);
  EXPECT_EQ(event_op(*control_, EVTCHNOP_reset, reset), -XEN_EINVAL);
}

TEST_F(EventChannelOpTest, Reset_OfAllPorts_IsPreemptible) {
  for (int i = 1; i < 200; ++i) alloc(*control_, DOMID_SELF, 1);
  sched_pcpu(0).reschedule = true;  // somebody waits for the pCPU
  evtchn_reset_t reset{DOMID_SELF};
  EXPECT_EQ(event_op(*control_, EVTCHNOP_reset, reset), 0);
  EXPECT_EQ(continuations_, 3u);
  EXPECT_EQ(control_->events->active_ports, 0u);
  EXPECT_EQ(call(*control_, do_event_channel_op, {14, kArgument}), -XEN_EBUSY);
}

TEST_F(EventChannelOpTest, FifoOperations_OfATwoLevelDomain) {
  evtchn_expand_array_t expand{0};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_expand_array, expand), -XEN_EOPNOTSUPP);
  evtchn_set_priority_t priority{64, 3};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_set_priority, priority), -XEN_EINVAL);
  priority.port = 1;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_set_priority, priority), -XEN_ENOSYS);
}

TEST_F(EventChannelOpTest, InitControl_TellsTheLinkBits_OnSuccessOnly) {
  evtchn_init_control_t init{};
  init.control_gfn = ~uint64_t{0};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_init_control, init), -XEN_EINVAL);
  EXPECT_EQ(init.link_bits, 0);
  init.control_gfn = 5;
  init.vcpu = 1;
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_init_control, init), 0);
  EXPECT_EQ(init.link_bits, EVTCHN_FIFO_LINK_BITS);
  EXPECT_NE(guest_->events->fifo, nullptr);
  evtchn_expand_array_t expand{6};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_expand_array, expand), 0);
  evtchn_reset_t reset{DOMID_SELF};
  EXPECT_EQ(event_op(*guest_, EVTCHNOP_reset, reset), 0);
  EXPECT_EQ(guest_->events->fifo, nullptr);
}

TEST_F(EventChannelOpTest, Compat_TheArgumentCarriesTheCommand) {
  evtchn_op_t op{};
  op.cmd = EVTCHNOP_alloc_unbound;
  op.u.alloc_unbound = {DOMID_SELF, 2, 0};
  put(*guest_, kArgument, op);
  EXPECT_EQ(call(*guest_, do_event_channel_op_compat, {kArgument}), 0);
  EXPECT_EQ(get<evtchn_op_t>(*guest_, kArgument).u.alloc_unbound.port, 1u);
  op.cmd = EVTCHNOP_reset;
  put(*guest_, kArgument, op);
  EXPECT_EQ(call(*guest_, do_event_channel_op_compat, {kArgument}), -XEN_ENOSYS);
  EXPECT_EQ(call(*guest_, do_event_channel_op_compat, {kNowhere}), -XEN_EFAULT);
}

TEST_F(EventChannelOpTest, DyingDomain_TakesNoPorts) {
  other_->dying = DyingState::kDying;
  other_->events->dying = true;
  other_->memory.dying = true;
  evtchn_alloc_unbound_t alloc_op{2, 1, 0};
  EXPECT_EQ(event_op(*control_, EVTCHNOP_alloc_unbound, alloc_op), -XEN_EINVAL);
}

}  // namespace hv::testing
