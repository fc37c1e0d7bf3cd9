#include "hv/evtchn/fifo.hpp"

#include <set>
#include <vector>

#include "hv/mm/testing/machine.hpp"

namespace hv::testing {

namespace {

constexpr event_word_t kPending = 1u << EVTCHN_FIFO_PENDING;
constexpr event_word_t kMasked = 1u << EVTCHN_FIFO_MASKED;
constexpr event_word_t kLinked = 1u << EVTCHN_FIFO_LINKED;
constexpr event_word_t kBusy = 1u << EVTCHN_FIFO_BUSY;
constexpr event_word_t kQueued = kPending | kLinked;
constexpr uint32_t kDefault = EVTCHN_FIFO_PRIORITY_DEFAULT;

class FakeSink final : public UpcallSink {
 public:
  void mark_pending(uint32_t, uint32_t) override { ++selectors; }
  void raise_upcall(uint32_t vcpu_id) override { raised.push_back(vcpu_id); }
  void wake_pollers(Port port) override { polled.push_back(port); }
  [[nodiscard]] bool vcpu_exists(uint32_t vcpu_id) const override { return vcpu_id < 2; }

  uint32_t selectors = 0;
  std::vector<uint32_t> raised;
  std::vector<Port> polled;
};

/// One domain with two vCPUs, of which the first has a control block and the ports a page of words.
class FifoTest : public MemoryTest {
 protected:
  FifoTest() {
    channels_.id = DomId{1};
    channels_.sink = &sink_;
    channels_.shared = &shared_;
    EXPECT_TRUE(evtchn_init(channels_, ~0u, 2).ok());
  }
  ~FifoTest() override {
    EXPECT_EQ(evtchn_audit(
                  channels_, [](void*, const char* line) { ADD_FAILURE() << line; }, nullptr),
              0u);
    EXPECT_EQ(evtchn_close_all(
                  channels_, [](void*) { return false; }, nullptr),
              ResetProgress::kDone);
    evtchn_free_memory(channels_);
  }

  Gfn frame() { return Gfn{page(pv_).raw()}; }
  void start() {
    const Gfn block = frame();
    const Gfn words = frame();
    ASSERT_TRUE(evtchn_init_control(channels_, pv_, 0, block, 64).ok());
    ASSERT_TRUE(evtchn_expand_array(channels_, pv_, words).ok());
    block_ = reinterpret_cast<evtchn_fifo_control_block_t*>(frame_bytes(Mfn{block.raw()}) + 64);
    words_ = frame_as<event_word_t>(Mfn{words.raw()});
  }
  Port ipi(uint32_t vcpu_id = 0) {
    const Result<Port> port = evtchn_bind_ipi(channels_, vcpu_id);
    EXPECT_TRUE(port.ok());
    return *port;
  }
  void send(Port port) { EXPECT_TRUE(evtchn_send(channels_, port).ok()); }
  event_word_t& word(Port port) { return words_[port.raw()]; }
  /// As a guest's handler does.
  std::vector<uint32_t> drain(uint32_t priority = kDefault) {
    std::vector<uint32_t> taken;
    block_->ready &= ~(1u << priority);
    while (block_->head[priority] != 0) {
      const Port port{block_->head[priority]};
      block_->head[priority] = word(port) & EVTCHN_FIFO_LINK_MASK;
      word(port) &= ~(kQueued | EVTCHN_FIFO_LINK_MASK);
      taken.push_back(port.raw());
    }
    return taken;
  }

  EventChannels channels_;
  FakeSink sink_;
  shared_info_t shared_{};
  evtchn_fifo_control_block_t* block_ = nullptr;
  event_word_t* words_ = nullptr;
};

}  // namespace

TEST_F(FifoTest, InitControl_ChecksInOrder_AndStaysTwoLevel) {
  EXPECT_EQ(evtchn_init_control(channels_, pv_, 2, frame(), 1), fail(XEN_ENOENT));
  EXPECT_EQ(evtchn_init_control(channels_, pv_, 0, frame(), kPageSize - 64), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_init_control(channels_, pv_, 0, frame(), 4), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_init_control(channels_, pv_, 0, Gfn{~0ull}, 0), fail(XEN_EINVAL));
  EXPECT_EQ(channels_.delivery, &two_level());
  EXPECT_EQ(channels_.fifo, nullptr);
  EXPECT_EQ(evtchn_expand_array(channels_, pv_, frame()), fail(XEN_EOPNOTSUPP));
  EXPECT_EQ(evtchn_set_priority(channels_, ipi(), 3), fail(XEN_ENOSYS));
}

TEST_F(FifoTest, InitControl_OncePerVcpu) {
  start();
  EXPECT_EQ(evtchn_init_control(channels_, pv_, 0, frame(), 0), fail(XEN_EINVAL));
  EXPECT_TRUE(evtchn_init_control(channels_, pv_, 1, frame(), kPageSize - sizeof(evtchn_fifo_control_block_t)).ok());
}

TEST_F(FifoTest, Switch_KeepsEventsUntilThereAreWords) {
  const Port port = ipi();
  const Port quiet = ipi();
  send(port);
  start();
  EXPECT_EQ(word(port), kQueued);
  EXPECT_EQ(word(quiet), 0u);
  EXPECT_EQ(block_->head[kDefault], port.raw());
  EXPECT_EQ(block_->ready, 1u << kDefault);
  EXPECT_EQ(sink_.raised, std::vector<uint32_t>{0});
}

TEST_F(FifoTest, Send_LinksInOrder_OneUpcallPerReadyBit) {
  start();
  const Port a = ipi();
  const Port b = ipi();
  const Port c = ipi();
  for (const Port port : {b, a, c, b}) send(port);
  EXPECT_EQ(word(b), kQueued | a.raw());
  EXPECT_EQ(word(a), kQueued | c.raw());
  EXPECT_EQ(sink_.raised.size(), 1u);
  EXPECT_EQ(sink_.polled, (std::vector<Port>{b, a, c}));
  EXPECT_EQ(drain(), (std::vector<uint32_t>{b.raw(), a.raw(), c.raw()}));
  send(c);
  EXPECT_EQ(word(c), kQueued) << "the last one again: linked to nothing, not to itself";
  EXPECT_EQ(block_->head[kDefault], c.raw());
  EXPECT_EQ(sink_.raised.size(), 2u);
  EXPECT_EQ(sink_.selectors, 0u);
}

TEST_F(FifoTest, Masked_IsPendingOnly_UnmaskLinks) {
  start();
  const Port port = ipi();
  word(port) = kMasked;
  send(port);
  EXPECT_EQ(word(port), kMasked | kPending);
  EXPECT_EQ(sink_.polled, std::vector<Port>{port});
  EXPECT_TRUE(*evtchn_poll(channels_, port));
  EXPECT_TRUE(evtchn_unmask(channels_, port).ok());
  EXPECT_EQ(word(port), kQueued);
  EXPECT_EQ(sink_.raised, std::vector<uint32_t>{0});
}

TEST_F(FifoTest, NoBlock_DropsTheEvent_NoWord_KeepsIt) {
  start();
  const Port elsewhere = ipi(1);
  send(elsewhere);
  EXPECT_EQ(word(elsewhere), 0u);
  for (uint32_t number = 2; number <= kWordsPerPage; ++number) ipi();
  const Port beyond{kWordsPerPage};
  send(beyond);
  EXPECT_FALSE(*evtchn_poll(channels_, beyond));
  const Gfn second = frame();
  ASSERT_TRUE(evtchn_expand_array(channels_, pv_, second).ok());
  EXPECT_EQ(frame_as<event_word_t>(Mfn{second.raw()})[0], kQueued);
}

TEST_F(FifoTest, Priority_CountsForTheNextEvent_AndIsForgottenByAClose) {
  start();
  const Port port = ipi();
  EXPECT_EQ(evtchn_set_priority(channels_, Port{9}, 99), fail(XEN_EACCES));
  EXPECT_EQ(evtchn_set_priority(channels_, Port{64}, 0), fail(XEN_EINVAL));
  EXPECT_EQ(evtchn_set_priority(channels_, port, 16), fail(XEN_EINVAL));
  send(port);
  ASSERT_TRUE(evtchn_set_priority(channels_, port, 15).ok());
  send(port);
  EXPECT_EQ(block_->head[15], 0u);
  drain();
  send(port);
  EXPECT_EQ(block_->head[15], port.raw());
  const Port other = ipi();
  send(other);
  EXPECT_EQ(block_->head[kDefault], other.raw()) << "the queue that the last one has left is empty";
  EXPECT_EQ(word(port), kQueued);
  drain(15);
  ASSERT_TRUE(evtchn_close(channels_, port).ok());
  EXPECT_EQ(ipi(), port);
  drain();
  send(port);
  EXPECT_EQ(block_->head[kDefault], port.raw());
}

TEST_F(FifoTest, LinkedPort_IsNotHandedOut_TheHintDoesNotForgetIt) {
  start();
  const Port port = ipi();
  send(port);
  ASSERT_TRUE(evtchn_close(channels_, port).ok());
  EXPECT_EQ(word(port), kLinked);
  EXPECT_EQ(ipi(), Port{port.raw() + 1});
  drain();
  EXPECT_EQ(ipi(), port);
}

TEST_F(FifoTest, GuestUnlinksTheTailMeanwhile_TheHeadIsWritten) {
  start();
  const Port first = ipi();
  const Port second = ipi();
  send(first);
  // Between the look at the tail's word and its change.
  host_.on_point = [&](uint32_t kind, const void* object) {
    if (kind == ASSAY_POINT_GUEST_WRITE && object == &word(first)) word(first) &= ~kLinked;
  };
  send(second);
  host_.on_point = nullptr;
  EXPECT_EQ(word(first), kPending) << "no link, and not BUSY any more";
  EXPECT_EQ(block_->head[kDefault], second.raw());
  EXPECT_EQ(word(second), kQueued);
}

TEST_F(FifoTest, GuestNeverStopsChangingTheTail_TheSendEnds) {
  start();
  const Port first = ipi();
  const Port second = ipi();
  send(first);
  host_.on_point = [&](uint32_t kind, const void* object) {
    if (kind == ASSAY_POINT_GUEST_WRITE && object == &word(first)) word(first) ^= kMasked;
  };
  send(second);
  host_.on_point = nullptr;
  EXPECT_EQ(word(first) & kBusy, 0u);
  EXPECT_EQ(block_->head[kDefault], second.raw());
}

TEST_F(FifoTest, ManyPorts_UpToTheAbisLimit) {
  EventChannels& channels = channels_;
  start();
  channels.max_port = kPorts2Level + 3;
  for (uint32_t number = 1; number <= channels.max_port; ++number) ASSERT_EQ(ipi(), Port{number});
  EXPECT_EQ(evtchn_bind_ipi(channels, 0).status(), fail(XEN_ENOSPC));
  EXPECT_EQ(channels.delivery->ports_max(), 1u << 17);
}

TEST_F(FifoTest, Expand_128Pages_ThenEnospc_AndResetLetsThemGo) {
  start();
  const Gfn again = frame();
  for (uint32_t number = 1; number < kFifoPagesMax; ++number) {
    ASSERT_TRUE(evtchn_expand_array(channels_, pv_, again).ok());
  }
  EXPECT_EQ(evtchn_expand_array(channels_, pv_, again), fail(XEN_ENOSPC));
  EXPECT_EQ(evtchn_expand_array(channels_, pv_, Gfn{~0ull}), fail(XEN_ENOSPC));
  const uint32_t held = frame_info(Mfn{again.raw()}).type_refs;
  EXPECT_EQ(held, kFifoPagesMax - 1);
  ipi();
  ASSERT_TRUE(evtchn_reset(
                  channels_, false, [](void*) { return false; }, nullptr)
                  .ok());
  EXPECT_EQ(frame_info(Mfn{again.raw()}).type_refs, 0u);
  EXPECT_EQ(channels_.delivery, &two_level());
  const Port port = ipi();
  send(port);
  EXPECT_NE(shared_.evtchn_pending[0], 0u);
}

}  // namespace hv::testing
