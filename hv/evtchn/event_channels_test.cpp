#include "hv/evtchn/event_channels.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "hv/base/testing/fake_host.hpp"

namespace hv::testing {

namespace {

/// Remembers what the component asked for.
class FakeSink final : public UpcallSink {
 public:
  void mark_pending(uint32_t vcpu_id, uint32_t selector_bit) override { marked.push_back({vcpu_id, selector_bit}); }
  void raise_upcall(uint32_t) override { ADD_FAILURE() << "an upcall without a selector bit"; }
  void wake_pollers(Port port) override { polled.push_back(port); }
  [[nodiscard]] bool vcpu_exists(uint32_t vcpu_id) const override { return vcpu_id < 2; }

  struct Mark {
    uint32_t vcpu_id, bit;
    friend bool operator==(Mark, Mark) = default;
  };
  std::vector<Mark> marked;
  std::vector<Port> polled;
};

struct Side {
  EventChannels channels;
  FakeSink sink;
  shared_info_t shared{};
};

class EventChannelTest : public ::testing::Test {
 protected:
  EventChannelTest() {
    arena_init();
    set_up(a_, DomId{1});
    set_up(b_, DomId{2});
  }

  ~EventChannelTest() override {
    EXPECT_EQ(audit(a_) + audit(b_), "");
    EXPECT_EQ(evtchn_close_all(a_.channels, never, nullptr), ResetProgress::kDone);
    EXPECT_EQ(evtchn_close_all(b_.channels, never, nullptr), ResetProgress::kDone);
    evtchn_free_memory(a_.channels);
    evtchn_free_memory(b_.channels);
    EXPECT_EQ(arena_in_use(), 0u);
  }

  static void set_up(Side& side, DomId id, uint32_t max_port = 5000) {
    side.channels.id = id;
    side.channels.sink = &side.sink;
    side.channels.shared = &side.shared;
    EXPECT_TRUE(evtchn_init(side.channels, max_port, 4).ok());
  }

  static std::string audit(Side& side) {
    std::string text;
    evtchn_audit(
        side.channels, [](void* to, const char* line) { *static_cast<std::string*>(to) += line; }, &text);
    return text;
  }

  static bool never(void*) { return false; }
  static bool always(void*) { return true; }

  Port unbound(Side& side, DomId remote) {
    const Result<Port> port = evtchn_alloc_unbound(side.channels, remote, true);
    EXPECT_TRUE(port.ok());
    return *port;
  }

  /// A pair: the port in a_, then the one in b_; the event of the bind is taken.
  std::pair<Port, Port> connect() {
    const Port in_a = unbound(a_, b_.channels.id);
    const Result<Port> in_b = evtchn_bind_interdomain(b_.channels, a_.channels, in_a);
    EXPECT_TRUE(in_b.ok());
    b_.shared.evtchn_pending[0] = 0;
    b_.sink = {};
    return {in_a, *in_b};
  }

  evtchn_status_t status(Side& side, Port port) {
    evtchn_status_t status{};
    EXPECT_TRUE(evtchn_status(side.channels, port, true, status).ok());
    return status;
  }

  FakeHost host_;
  Side a_, b_;
};

bool bit(const xen_ulong_t (&words)[64], Port port) {
  return (words[port.raw() / 64] >> (port.raw() % 64) & 1) != 0;
}

void set_bit(xen_ulong_t (&words)[64], Port port) {
  words[port.raw() / 64] |= uint64_t{1} << (port.raw() % 64);
}

}  // namespace

TEST_F(EventChannelTest, Alloc_HandsOutTheLowestFreePort_NeverZero) {
  EXPECT_EQ(unbound(a_, DomId{9}), Port{1});
  EXPECT_EQ(unbound(a_, DomId{9}), Port{2});
  EXPECT_TRUE(evtchn_close(a_.channels, Port{1}).ok());
  EXPECT_EQ(unbound(a_, DomId{9}), Port{1});
  EXPECT_EQ(unbound(a_, DomId{9}), Port{3});
}

TEST_F(EventChannelTest, Alloc_NotPermitted_IsEperm_PortStaysFree) {
  EXPECT_EQ(evtchn_alloc_unbound(a_.channels, DomId{9}, false).status(), fail(XEN_EPERM));
  EXPECT_EQ(a_.channels.active_ports, 0u);
  EXPECT_EQ(unbound(a_, DomId{9}), Port{1});
}

TEST_F(EventChannelTest, Alloc_FullComesBeforePermission_IsEnospc) {
  a_.channels.max_port = 2;
  unbound(a_, DomId{9});
  unbound(a_, DomId{9});
  EXPECT_EQ(evtchn_alloc_unbound(a_.channels, DomId{9}, false).status(), fail(XEN_ENOSPC));
}

TEST_F(EventChannelTest, Alloc_EveryPortOfTheAbi_ThenEnospc) {
  for (uint32_t i = 1; i < kPorts2Level; ++i) ASSERT_EQ(unbound(a_, DomId{9}), Port{i});
  EXPECT_EQ(evtchn_alloc_unbound(a_.channels, DomId{9}, true).status(), fail(XEN_ENOSPC));
  EXPECT_EQ(a_.channels.valid_ports, kPorts2Level);
}

TEST_F(EventChannelTest, Alloc_Dying_IsEinval) {
  a_.channels.dying = true;
  EXPECT_EQ(evtchn_alloc_unbound(a_.channels, DomId{9}, true).status(), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_bind_ipi(a_.channels, 0).status(), fail(XEN_EINVAL));
}

TEST_F(EventChannelTest, Alloc_ArenaFull_IsEnomem_NothingChanges) {
  for (uint32_t i = 1; i < kPortsPerBucket; ++i) unbound(a_, DomId{9});
  std::vector<std::pair<void*, size_t>> hogs;
  for (size_t size = FakeHost::kArenaBytes; size >= 32; size /= 2) {
    while (void* hog = arena_alloc(size)) hogs.emplace_back(hog, size);
  }
  EXPECT_EQ(evtchn_alloc_unbound(a_.channels, DomId{9}, true).status(), fail(XEN_ENOMEM));
  EXPECT_EQ(a_.channels.valid_ports, kPortsPerBucket);
  for (const auto& [hog, size] : hogs) arena_free(hog, size);
}

TEST_F(EventChannelTest, Status_ValidRangeGrowsByBuckets) {
  evtchn_status_t status{};
  EXPECT_TRUE(evtchn_status(a_.channels, Port{0}, true, status).ok());
  EXPECT_EQ(status.status, uint32_t{EVTCHNSTAT_closed});
  EXPECT_TRUE(evtchn_status(a_.channels, Port{63}, true, status).ok());
  EXPECT_EQ(evtchn_status(a_.channels, Port{64}, true, status), fail(XEN_EINVAL));
  for (int i = 0; i < 64; ++i) unbound(a_, DomId{9});
  EXPECT_TRUE(evtchn_status(a_.channels, Port{127}, true, status).ok());
  EXPECT_EQ(evtchn_status(a_.channels, Port{128}, true, status), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_status(a_.channels, Port{~0u}, true, status), fail(XEN_EINVAL));
}

TEST_F(EventChannelTest, Status_NotPermitted_IsEperm_AfterThePortCheck) {
  evtchn_status_t status{};
  EXPECT_EQ(evtchn_status(a_.channels, Port{5}, false, status), fail(XEN_EPERM));
  EXPECT_EQ(evtchn_status(a_.channels, Port{64}, false, status), fail(XEN_EINVAL));
}

TEST_F(EventChannelTest, BindInterdomain_BothSidesNameEachOther_LocalIsPending) {
  const Port in_a = unbound(a_, b_.channels.id);
  const Result<Port> in_b = evtchn_bind_interdomain(b_.channels, a_.channels, in_a);
  ASSERT_TRUE(in_b.ok());
  EXPECT_TRUE(bit(b_.shared.evtchn_pending, *in_b));
  EXPECT_FALSE(bit(a_.shared.evtchn_pending, in_a));
  EXPECT_EQ(b_.sink.marked, (std::vector<FakeSink::Mark>{{0, 0}}));
  const evtchn_status_t seen_a = status(a_, in_a);
  EXPECT_EQ(seen_a.status, uint32_t{EVTCHNSTAT_interdomain});
  EXPECT_EQ(seen_a.u.interdomain.dom, 2);
  EXPECT_EQ(seen_a.u.interdomain.port, in_b->raw());
  EXPECT_EQ(status(b_, *in_b).u.interdomain.port, in_a.raw());
}

TEST_F(EventChannelTest, BindInterdomain_PortNotOpenForUs_IsEinval_LocalPortFree) {
  const Port for_other = unbound(a_, DomId{7});
  const Port connected = connect().first;
  const uint32_t before = b_.channels.active_ports;
  for (const Port port : {for_other, connected, Port{0}, Port{40}, Port{64}, Port{~0u}}) {
    EXPECT_EQ(evtchn_bind_interdomain(b_.channels, a_.channels, port).status(), fail(XEN_EINVAL));
  }
  EXPECT_EQ(b_.channels.active_ports, before);
}

TEST_F(EventChannelTest, BindInterdomain_NoLocalPort_ComesFirst) {
  b_.channels.max_port = 0;
  EXPECT_EQ(evtchn_bind_interdomain(b_.channels, a_.channels, Port{~0u}).status(), fail(XEN_ENOSPC));
}

TEST_F(EventChannelTest, BindInterdomain_Loopback_Works) {
  const Port first = unbound(a_, a_.channels.id);
  const Result<Port> second = evtchn_bind_interdomain(a_.channels, a_.channels, first);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(evtchn_send(a_.channels, *second).ok());
  EXPECT_TRUE(bit(a_.shared.evtchn_pending, first));
  EXPECT_TRUE(evtchn_close(a_.channels, first).ok());
  EXPECT_EQ(status(a_, *second).status, uint32_t{EVTCHNSTAT_unbound});
  EXPECT_EQ(status(a_, *second).u.unbound.dom, 1);
}

TEST_F(EventChannelTest, BindVirq_ChecksInOrder) {
  EXPECT_EQ(evtchn_bind_virq(a_.channels, NR_VIRQS, 9).status(), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_bind_virq(a_.channels, VIRQ_CONSOLE, 1).status(), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_bind_virq(a_.channels, VIRQ_TIMER, 2).status(), fail(XEN_ENOENT));
  const Result<Port> timer = evtchn_bind_virq(a_.channels, VIRQ_TIMER, 1);
  ASSERT_TRUE(timer.ok());
  a_.channels.max_port = timer->raw();
  EXPECT_EQ(evtchn_bind_virq(a_.channels, VIRQ_TIMER, 1).status(), fail(XEN_EEXIST));
  EXPECT_EQ(evtchn_bind_virq(a_.channels, VIRQ_TIMER, 0).status(), fail(XEN_ENOSPC));
}

TEST_F(EventChannelTest, BindVirq_OncePerVcpu_NotifiesThatVcpu) {
  const Result<Port> on_0 = evtchn_bind_virq(a_.channels, VIRQ_TIMER, 0);
  const Result<Port> on_1 = evtchn_bind_virq(a_.channels, VIRQ_TIMER, 1);
  ASSERT_TRUE(on_0.ok() && on_1.ok());
  EXPECT_NE(*on_0, *on_1);
  evtchn_raise_virq(a_.channels, 1, VIRQ_TIMER);
  EXPECT_TRUE(bit(a_.shared.evtchn_pending, *on_1));
  EXPECT_FALSE(bit(a_.shared.evtchn_pending, *on_0));
  EXPECT_EQ(a_.sink.marked, (std::vector<FakeSink::Mark>{{1, 0}}));
  EXPECT_EQ(status(a_, *on_1).vcpu, 1u);
  EXPECT_EQ(status(a_, *on_1).u.virq, uint32_t{VIRQ_TIMER});
}

TEST_F(EventChannelTest, RaiseVirq_Unbound_IsDropped_ClosedOneBindsAgain) {
  evtchn_raise_virq(a_.channels, 0, VIRQ_DEBUG);
  EXPECT_TRUE(a_.sink.polled.empty());
  const Result<Port> port = evtchn_bind_virq(a_.channels, VIRQ_DEBUG, 0);
  ASSERT_TRUE(port.ok() && evtchn_close(a_.channels, *port).ok());
  evtchn_raise_virq(a_.channels, 0, VIRQ_DEBUG);
  EXPECT_TRUE(a_.sink.polled.empty());
  EXPECT_TRUE(evtchn_bind_virq(a_.channels, VIRQ_DEBUG, 0).ok());
}

TEST_F(EventChannelTest, GlobalVirq_Moved_IsClosedFromVcpu0sRow) {
  const Result<Port> port = evtchn_bind_virq(a_.channels, VIRQ_CONSOLE, 0);
  ASSERT_TRUE(port.ok() && evtchn_bind_vcpu(a_.channels, *port, 1).ok());
  evtchn_raise_virq(a_.channels, 0, VIRQ_CONSOLE);
  EXPECT_EQ(a_.sink.marked, (std::vector<FakeSink::Mark>{{1, 0}}));
  EXPECT_TRUE(evtchn_close(a_.channels, *port).ok());
  EXPECT_TRUE(evtchn_bind_virq(a_.channels, VIRQ_CONSOLE, 0).ok());
}

TEST_F(EventChannelTest, BindIpi_SendNotifiesItsVcpu_CannotMove) {
  EXPECT_EQ(evtchn_bind_ipi(a_.channels, 2).status(), fail(XEN_ENOENT));
  const Result<Port> port = evtchn_bind_ipi(a_.channels, 1);
  ASSERT_TRUE(port.ok());
  EXPECT_TRUE(evtchn_bind_ipi(a_.channels, 1).ok());
  EXPECT_TRUE(evtchn_send(a_.channels, *port).ok());
  EXPECT_EQ(a_.sink.marked, (std::vector<FakeSink::Mark>{{1, 0}}));
  EXPECT_EQ(evtchn_bind_vcpu(a_.channels, *port, 0), fail(XEN_EINVAL));
  EXPECT_EQ(status(a_, *port).status, uint32_t{EVTCHNSTAT_ipi});
}

TEST_F(EventChannelTest, BindPirq_OnlyOnce) {
  const Result<Port> port = evtchn_bind_pirq(a_.channels, 5);
  ASSERT_TRUE(port.ok());
  EXPECT_EQ(evtchn_bind_pirq(a_.channels, 5).status(), fail(XEN_EEXIST));
  EXPECT_EQ(status(a_, *port).u.pirq, 5u);
  EXPECT_EQ(evtchn_send(a_.channels, *port), fail(XEN_EINVAL));
}

TEST_F(EventChannelTest, Send_OnlyUnboundInterdomainAndIpi) {
  const Port waiting = unbound(a_, DomId{9});
  const Result<Port> virq = evtchn_bind_virq(a_.channels, VIRQ_DEBUG, 0);
  EXPECT_TRUE(evtchn_send(a_.channels, waiting).ok());
  EXPECT_TRUE(a_.sink.polled.empty());
  for (const Port port : {Port{0}, *virq, Port{40}, Port{64}, Port{~0u}}) {
    EXPECT_EQ(evtchn_send(a_.channels, port), fail(XEN_EINVAL)) << port.raw();
  }
}

TEST_F(EventChannelTest, Send_Masked_SetsPendingOnly_PollersLookAnyway) {
  const auto [in_a, in_b] = connect();
  set_bit(b_.shared.evtchn_mask, in_b);
  EXPECT_TRUE(evtchn_send(a_.channels, in_a).ok());
  EXPECT_TRUE(bit(b_.shared.evtchn_pending, in_b));
  EXPECT_TRUE(b_.sink.marked.empty());
  EXPECT_EQ(b_.sink.polled, std::vector<Port>{in_b});
  EXPECT_TRUE(evtchn_unmask(b_.channels, in_b).ok());
  EXPECT_FALSE(bit(b_.shared.evtchn_mask, in_b));
  EXPECT_EQ(b_.sink.marked.size(), 1u);
  EXPECT_TRUE(evtchn_unmask(b_.channels, in_b).ok());
  EXPECT_EQ(b_.sink.marked.size(), 1u) << "unmasking an unmasked port raises nothing";
}

TEST_F(EventChannelTest, Send_PendingAlready_SuppressesEverything) {
  const auto [in_a, in_b] = connect();
  EXPECT_TRUE(evtchn_send(a_.channels, in_a).ok());
  EXPECT_TRUE(evtchn_send(a_.channels, in_a).ok());
  EXPECT_EQ(b_.sink.marked.size(), 1u);
  EXPECT_EQ(b_.sink.polled.size(), 1u);
}

TEST_F(EventChannelTest, Send_HighPort_MarksItsWord) {
  for (int i = 1; i < 130; ++i) unbound(b_, DomId{9});
  const auto [in_a, in_b] = connect();
  ASSERT_EQ(in_b, Port{130});
  b_.shared.evtchn_pending[2] = 0;
  EXPECT_TRUE(evtchn_send(a_.channels, in_a).ok());
  EXPECT_EQ(b_.shared.evtchn_pending[2], uint64_t{1} << 2);
  EXPECT_EQ(b_.sink.marked, (std::vector<FakeSink::Mark>{{0, 2}}));
}

TEST_F(EventChannelTest, Unmask_FreePort_IsNothing_NoPort_IsEinval) {
  set_bit(a_.shared.evtchn_mask, Port{5});
  EXPECT_TRUE(evtchn_unmask(a_.channels, Port{5}).ok());
  EXPECT_TRUE(bit(a_.shared.evtchn_mask, Port{5}));
  EXPECT_EQ(evtchn_unmask(a_.channels, Port{64}), fail(XEN_EINVAL));
}

TEST_F(EventChannelTest, Close_FreeReservedOrMissing_IsEinval) {
  for (const Port port : {Port{0}, Port{5}, Port{64}, Port{~0u}}) {
    EXPECT_EQ(evtchn_close(a_.channels, port), fail(XEN_EINVAL));
  }
}

TEST_F(EventChannelTest, Close_PeerBecomesUnboundForTheCloser_BitsAreTreatedAsTheAbiSays) {
  const auto [in_a, in_b] = connect();
  ASSERT_TRUE(evtchn_bind_vcpu(a_.channels, in_a, 1).ok());
  ASSERT_TRUE(evtchn_send(b_.channels, in_b).ok());
  set_bit(a_.shared.evtchn_mask, in_a);
  ASSERT_TRUE(evtchn_close(a_.channels, in_a).ok());
  EXPECT_FALSE(bit(a_.shared.evtchn_pending, in_a));
  EXPECT_TRUE(bit(a_.shared.evtchn_mask, in_a));
  EXPECT_EQ(status(a_, in_a).status, uint32_t{EVTCHNSTAT_closed});
  EXPECT_EQ(status(b_, in_b).status, uint32_t{EVTCHNSTAT_unbound});
  EXPECT_EQ(status(b_, in_b).u.unbound.dom, 1);
  EXPECT_EQ(status(a_, unbound(a_, DomId{9})).vcpu, 0u) << "a new binding starts on vCPU 0";
}

TEST_F(EventChannelTest, BindVcpu_ChecksTheVcpuFirst) {
  EXPECT_EQ(evtchn_bind_vcpu(a_.channels, Port{64}, 2), fail(XEN_ENOENT));
  EXPECT_EQ(evtchn_bind_vcpu(a_.channels, Port{64}, 1), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_bind_vcpu(a_.channels, Port{5}, 1), fail(XEN_EINVAL));
  const Result<Port> timer = evtchn_bind_virq(a_.channels, VIRQ_TIMER, 0);
  EXPECT_EQ(evtchn_bind_vcpu(a_.channels, *timer, 1), fail(XEN_EINVAL));
  const Port waiting = unbound(a_, DomId{9});
  EXPECT_TRUE(evtchn_bind_vcpu(a_.channels, waiting, 1).ok());
  EXPECT_EQ(status(a_, waiting).vcpu, 1u);
}

TEST_F(EventChannelTest, XenConsumer_RunsInsteadOfPending_GuestCannotTouchThePort) {
  static Port consumed{};
  const Result<Port> port = evtchn_alloc_for_xen(a_.channels, 0, b_.channels.id,
                                                 [](EventChannels&, uint32_t, Port which) { consumed = which; });
  ASSERT_TRUE(port.ok());
  const Result<Port> peer = evtchn_bind_interdomain(b_.channels, a_.channels, *port);
  ASSERT_TRUE(peer.ok() && evtchn_send(b_.channels, *peer).ok());
  EXPECT_EQ(consumed, *port);
  EXPECT_FALSE(bit(a_.shared.evtchn_pending, *port));
  evtchn_status_t out{};
  EXPECT_EQ(evtchn_status(a_.channels, *port, false, out), fail(XEN_EACCES));
  EXPECT_EQ(evtchn_close(a_.channels, *port), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_send(a_.channels, *port), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_bind_vcpu(a_.channels, *port, 1), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_poll(a_.channels, *port).status(), fail(XEN_EINVAL));
  b_.shared.evtchn_pending[0] = 0;
  evtchn_notify_via_xen(a_.channels, *port);
  EXPECT_TRUE(bit(b_.shared.evtchn_pending, *peer));
}

TEST_F(EventChannelTest, Reset_ClosesEveryPortOfTheGuest_NotTheHypervisors) {
  const Port in_b = connect().second;
  ASSERT_TRUE(evtchn_bind_virq(a_.channels, VIRQ_TIMER, 0).ok());
  const Result<Port> kept = evtchn_alloc_for_xen(a_.channels, 0, DomId{9}, [](EventChannels&, uint32_t, Port) {});
  const Result<ResetProgress> done = evtchn_reset(a_.channels, false, never, nullptr);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(*done, ResetProgress::kDone);
  EXPECT_EQ(a_.channels.active_ports, 1u);
  EXPECT_EQ(status(b_, in_b).status, uint32_t{EVTCHNSTAT_unbound});
  EXPECT_TRUE(evtchn_close(a_.channels, *kept, true).ok());
}

TEST_F(EventChannelTest, Reset_Preempted_GoesOnOnlyAsContinuation) {
  for (int i = 1; i < 200; ++i) unbound(a_, DomId{9});
  EXPECT_EQ(evtchn_reset(a_.channels, true, never, nullptr).status(), fail(XEN_EBUSY));
  const Result<ResetProgress> first = evtchn_reset(a_.channels, false, always, nullptr);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, ResetProgress::kPreempted);
  EXPECT_EQ(evtchn_reset(a_.channels, false, never, nullptr).status(), fail(XEN_EBUSY));
  const Result<ResetProgress> last = evtchn_reset(a_.channels, true, never, nullptr);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(*last, ResetProgress::kDone);
  EXPECT_EQ(a_.channels.active_ports, 0u);
}

TEST_F(EventChannelTest, Reset_PortOpenedMeanwhile_IsEagain) {
  for (int i = 1; i < 200; ++i) unbound(a_, DomId{9});
  ASSERT_TRUE(evtchn_reset(a_.channels, false, always, nullptr).ok());
  unbound(a_, DomId{9});
  EXPECT_EQ(evtchn_reset(a_.channels, true, never, nullptr).status(), fail(XEN_EAGAIN));
}

TEST_F(EventChannelTest, Poll_PendingMaskedOrNot_MissingIsEinval) {
  const auto [in_a, in_b] = connect();
  set_bit(b_.shared.evtchn_mask, in_b);
  EXPECT_FALSE(*evtchn_poll(b_.channels, in_b));
  ASSERT_TRUE(evtchn_send(a_.channels, in_a).ok());
  EXPECT_TRUE(*evtchn_poll(b_.channels, in_b));
  for (const Port port : {Port{0}, Port{50}, Port{64}, Port{~0u}}) {
    EXPECT_EQ(evtchn_poll(b_.channels, port).status(), fail(XEN_EINVAL));
  }
}

TEST_F(EventChannelTest, Audit_FindsABrokenPair) {
  const auto [in_a, in_b] = connect();
  EventChannel& channel = channel_of(b_.channels, in_b);
  channel.value += 1;
  EXPECT_NE(audit(b_), "");
  channel.value -= 1;
  a_.channels.active_ports += 1;
  EXPECT_NE(audit(a_), "");
  a_.channels.active_ports -= 1;
}

}  // namespace hv::testing
