/// The FIFO ABI: per vCPU and priority one queue of ports, linked through one word per port in the guest's memory.
/// Source: public/event_channel.h, "FIFO ABI", and the design that it follows (docs/misc, event channel FIFO).
#include "hv/evtchn/fifo.hpp"

#include "hv/base/fault.hpp"

namespace hv {

namespace {

constexpr event_word_t kPending = 1u << EVTCHN_FIFO_PENDING;
constexpr event_word_t kMasked = 1u << EVTCHN_FIFO_MASKED;
constexpr event_word_t kLinked = 1u << EVTCHN_FIFO_LINKED;
constexpr event_word_t kBusy = 1u << EVTCHN_FIFO_BUSY;
constexpr event_word_t kLink = EVTCHN_FIFO_LINK_MASK;

/// A guest that keeps changing a word while it is BUSY does not keep the ABI; it must not keep us either.
constexpr int kLinkAttempts = 4;

/// One locked instruction: true when the bit was set before.
bool test_and_set(event_word_t& word, event_word_t bit) {
  const bool was_set = (word & bit) != 0;
  word |= bit;
  return was_set;
}

/// Appends `port` behind the port of this word. False when the guest has taken that one off its queue already.
/// BUSY tells the guest that LINKED has to stay for a moment.
bool append(event_word_t& tail, Port port) {
  for (int attempt = 0; attempt < kLinkAttempts; ++attempt) {
    const event_word_t before = tail;
    if ((before & kLinked) == 0) break;
    between_guest_accesses(&tail);
    if (tail == before) {
      const event_word_t dropped = fault("fifo.link_mixed_with_old") ? kBusy : kBusy | kLink;
      tail = (before & ~dropped) | port.raw();
      return true;
    }
    tail |= kBusy;
  }
  tail &= ~kBusy;
  return false;
}

/// Puts a port that has just become LINKED into the queue of its vCPU and priority. The queues' lock is held.
void enqueue(EventChannels& channels, EventChannel& channel, Port port) {
  Fifo& fifo = *channels.fifo;
  // It was the end of a queue and the guest has taken it off: that queue is empty.
  uint32_t& last_tail = fifo.vcpus[channel.queued_vcpu].tail[channel.queued_priority];
  if (last_tail == port.raw() && !fault("fifo.moved_port_stays_tail")) last_tail = 0;
  channel.queued_vcpu = channel.notify_vcpu;
  channel.queued_priority = channel.priority;

  FifoVcpu& vcpu = fifo.vcpus[channel.queued_vcpu];
  uint32_t& tail = vcpu.tail[channel.queued_priority];
  const bool appended = tail != 0 && append(*fifo_word(fifo, Port{tail}), port);
  tail = port.raw();
  if (appended) return;
  const bool late = fault("fifo.head_written_late");
  if (!late) vcpu.block->head[channel.queued_priority] = port.raw();
  between_guest_accesses(vcpu.block);
  // The guest clears the ready bit before it looks at the head: an upcall only for a queue that it may not look at.
  if (!test_and_set(vcpu.block->ready, 1u << channel.queued_priority)) {
    channels.sink->raise_upcall(channel.queued_vcpu);
  }
  if (late) vcpu.block->head[channel.queued_priority] = port.raw();
}

class FifoDelivery final : public Delivery {
 public:
  [[nodiscard]] uint32_t ports_max() const override { return kPortsFifo; }
  [[nodiscard]] bool has_priorities() const override { return true; }

  void set_pending(EventChannels& channels, EventChannel& channel, Port port) const override {
    event_word_t* word = fifo_word(*channels.fifo, port);
    if (word == nullptr) {
      channel.saved_pending = true;
      return;
    }
    // Whoever waits for events of a vCPU gives it a control block first: until then they are lost.
    if (channels.fifo->vcpus[channel.notify_vcpu].block == nullptr) return;
    const bool was_pending = announce(channels, channel, port, *word);
    if (!was_pending) channels.sink->wake_pollers(port);
  }

  void clear_pending(EventChannels& channels, EventChannel&, Port port) const override {
    if (event_word_t* word = fifo_word(*channels.fifo, port); word != nullptr) *word &= ~kPending;
  }

  void unmask(EventChannels& channels, EventChannel& channel, Port port) const override {
    event_word_t* word = fifo_word(*channels.fifo, port);
    if (word == nullptr) return;
    *word &= ~kMasked;
    between_guest_accesses(word);
    if ((*word & kPending) != 0) set_pending(channels, channel, port);
  }

  [[nodiscard]] bool is_pending(const EventChannels& channels, Port port) const override {
    const event_word_t* word = fifo_word(*channels.fifo, port);
    return word != nullptr && (*word & kPending) != 0;
  }

  [[nodiscard]] bool is_busy(const EventChannels& channels, Port port) const override {
    const event_word_t* word = fifo_word(*channels.fifo, port);
    return word != nullptr && (*word & kLinked) != 0 && !fault("fifo.busy_port_reused");
  }

 private:
  /// Whether it was pending before.
  static bool announce(EventChannels& channels, EventChannel& channel, Port port, event_word_t& word) {
    const LockGuard guard(channels.fifo->lock);
    const bool was_pending = test_and_set(word, kPending);
    between_guest_accesses(&word);
    // Only now: whoever clears MASKED later than this look sees PENDING.
    const bool wanted = (word & kMasked) == 0 || fault("fifo.masked_event_linked");
    if (wanted && !test_and_set(word, kLinked)) enqueue(channels, channel, port);
    return was_pending;
  }
};

constexpr FifoDelivery kFifo;

}  // namespace

const Delivery& fifo() {
  return kFifo;
}

}  // namespace hv
