/// FIFO event channels as a guest keeps them: its control blocks, its event words, and how it takes events off the
/// queues. By its own loads, stores and locked instructions, except where a function names a hypercall.
/// Source: public/event_channel.h, "FIFO ABI".
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "conformance/context.hpp"
#include "conformance/guest/event_channels.hpp"
#include "sim/target/target.hpp"

namespace assay {

constexpr uint32_t kFifoPriorities = EVTCHN_FIFO_MAX_QUEUES;
constexpr uint32_t kFifoDefault = EVTCHN_FIFO_PRIORITY_DEFAULT;
constexpr uint32_t kFifoWordsPerPage = kPageSize / sizeof(event_word_t);
constexpr event_word_t kWordPending = 1u << EVTCHN_FIFO_PENDING;
constexpr event_word_t kWordMasked = 1u << EVTCHN_FIFO_MASKED;
constexpr event_word_t kWordLinked = 1u << EVTCHN_FIFO_LINKED;
constexpr event_word_t kWordBusy = 1u << EVTCHN_FIFO_BUSY;
/// An event that was announced and not taken yet, and nothing behind it.
constexpr event_word_t kWordQueued = kWordPending | kWordLinked;

class FifoQueues {
 public:
  /// `through` is the vCPU that executes everything; any of the domain's will do.
  explicit FifoQueues(Vcpu& through) : vcpu_(&through), channels_(through) {}

  /// EVTCHNOP_init_control with a zeroed page of its own.
  int64_t init_control(uint32_t vcpu, uint32_t offset = 0);
  /// The same with a page that the caller has chosen.
  int64_t init_control_at(uint32_t vcpu, Gva page, uint32_t offset);
  /// EVTCHNOP_expand_array with a zeroed page: nothing pending, nothing masked.
  int64_t expand_array() { return expand_array_with(vcpu_->domain().alloc_pages(1)); }
  int64_t expand_array_with(Gva page);

  /// The word of a port whose page has been added.
  [[nodiscard]] event_word_t word(EvtchnPort port) const { return vcpu_->read<event_word_t>(word_va(port)); }
  void set_word(EvtchnPort port, event_word_t value) { vcpu_->write(word_va(port), value); }
  [[nodiscard]] Gva word_va(EvtchnPort port) const;
  [[nodiscard]] bool pending(EvtchnPort port) const { return has(port, EVTCHN_FIFO_PENDING); }
  [[nodiscard]] bool masked(EvtchnPort port) const { return has(port, EVTCHN_FIFO_MASKED); }
  [[nodiscard]] bool linked(EvtchnPort port) const { return has(port, EVTCHN_FIFO_LINKED); }
  [[nodiscard]] EvtchnPort link(EvtchnPort port) const { return EvtchnPort{word(port) & EVTCHN_FIFO_LINK_MASK}; }
  /// One bit, atomically; returns what it was. Unmasking so announces nothing: that takes EVTCHNOP_unmask.
  bool set_bit(EvtchnPort port, unsigned bit);
  bool clear_bit(EvtchnPort port, unsigned bit);
  bool mask(EvtchnPort port) { return set_bit(port, EVTCHN_FIFO_MASKED); }

  [[nodiscard]] Gva block_va(uint32_t vcpu) const { return blocks_.at(vcpu); }
  [[nodiscard]] evtchn_fifo_control_block_t block(uint32_t vcpu) const;
  [[nodiscard]] uint32_t ready(uint32_t vcpu) const { return block(vcpu).ready; }
  [[nodiscard]] EvtchnPort head(uint32_t vcpu, uint32_t priority) const {
    return EvtchnPort{block(vcpu).head[priority]};
  }
  /// Clears ready bits and returns what they were, as a handler does before it looks at the heads.
  uint32_t take_ready(uint32_t vcpu);

  /// Takes the next port of a queue off it and clears its PENDING, as a guest's handler does: it follows links, and
  /// looks at the head in the control block only when it has come to the end of them. Nothing when that is 0.
  std::optional<EvtchnPort> take(uint32_t vcpu, uint32_t priority = kFifoDefault);
  /// All that is queued, in order: while there are links, or the ready bit says that there is a new head. At most
  /// `limit`.
  std::vector<uint32_t> drain(uint32_t vcpu, uint32_t priority = kFifoDefault, uint32_t limit = 64);

 private:
  [[nodiscard]] bool has(EvtchnPort port, unsigned bit) const { return (word(port) >> bit & 1) != 0; }
  /// Clears one ready bit; returns what it was.
  bool take_ready_bit(uint32_t vcpu, uint32_t priority);
  /// Takes LINKED and the link away in one step; returns the word before.
  event_word_t unlink(EvtchnPort port);

  Vcpu* vcpu_;
  EventChannels channels_;
  std::vector<Gva> blocks_;
  std::vector<std::array<uint32_t, kFifoPriorities>> next_;  ///< port that the last link led to; 0 = at the end
  std::vector<Gva> pages_;
};

/// A guest with the FIFO ABI: control blocks of vCPUs 0..`vcpus`-1 and one page of words. A failure ends the case.
FifoQueues start_fifo(CaseContext& c, Vcpu& vcpu, uint32_t vcpus = 1);

}  // namespace assay
