#include "conformance/guest/fifo_queues.hpp"

namespace assay {

int64_t FifoQueues::init_control(uint32_t vcpu, uint32_t offset) {
  return init_control_at(vcpu, vcpu_->domain().alloc_pages(1), offset);
}

int64_t FifoQueues::init_control_at(uint32_t vcpu, Gva page, uint32_t offset) {
  const int64_t result = channels_.init_control(vcpu_->domain().gfn_of(page), offset, vcpu).result;
  if (result != 0) return result;
  if (blocks_.size() <= vcpu) {
    blocks_.resize(vcpu + 1);
    next_.resize(vcpu + 1);
  }
  blocks_[vcpu] = page + offset;
  return result;
}

int64_t FifoQueues::expand_array_with(Gva page) {
  const int64_t result = channels_.expand_array(vcpu_->domain().gfn_of(page));
  if (result == 0) pages_.push_back(page);
  return result;
}

Gva FifoQueues::word_va(EvtchnPort port) const {
  return pages_.at(port.raw() / kFifoWordsPerPage) + port.raw() % kFifoWordsPerPage * sizeof(event_word_t);
}

bool FifoQueues::set_bit(EvtchnPort port, unsigned bit) {
  const auto old = vcpu_->atomic(ASSAY_ATOMIC_OR, word_va(port), sizeof(event_word_t), uint64_t{1} << bit);
  return (old.value >> bit & 1) != 0;
}

bool FifoQueues::clear_bit(EvtchnPort port, unsigned bit) {
  const uint64_t kept = ~(uint64_t{1} << bit) & 0xffff'ffff;
  const auto old = vcpu_->atomic(ASSAY_ATOMIC_AND, word_va(port), sizeof(event_word_t), kept);
  return (old.value >> bit & 1) != 0;
}

evtchn_fifo_control_block_t FifoQueues::block(uint32_t vcpu) const {
  return vcpu_->read<evtchn_fifo_control_block_t>(blocks_.at(vcpu));
}

uint32_t FifoQueues::take_ready(uint32_t vcpu) {
  return static_cast<uint32_t>(vcpu_->atomic(ASSAY_ATOMIC_XCHG, blocks_.at(vcpu), sizeof(uint32_t), 0).value);
}

event_word_t FifoQueues::unlink(EvtchnPort port) {
  constexpr event_word_t kGone = 1u << EVTCHN_FIFO_LINKED | EVTCHN_FIFO_LINK_MASK;
  const auto old = vcpu_->atomic(ASSAY_ATOMIC_AND, word_va(port), sizeof(event_word_t), ~kGone);
  return static_cast<event_word_t>(old.value);
}

bool FifoQueues::take_ready_bit(uint32_t vcpu, uint32_t priority) {
  const uint64_t bit = uint64_t{1} << priority;
  const auto old = vcpu_->atomic(ASSAY_ATOMIC_AND, blocks_.at(vcpu), sizeof(uint32_t), ~bit & 0xffff'ffff);
  return (old.value & bit) != 0;
}

std::optional<EvtchnPort> FifoQueues::take(uint32_t vcpu, uint32_t priority) {
  uint32_t& next = next_.at(vcpu).at(priority);
  const EvtchnPort port = next != 0 ? EvtchnPort{next} : head(vcpu, priority);
  if (port == EvtchnPort{0}) return std::nullopt;
  next = unlink(port) & EVTCHN_FIFO_LINK_MASK;
  clear_bit(port, EVTCHN_FIFO_PENDING);
  return port;
}

std::vector<uint32_t> FifoQueues::drain(uint32_t vcpu, uint32_t priority, uint32_t limit) {
  std::vector<uint32_t> taken;
  while (taken.size() < limit && (next_.at(vcpu).at(priority) != 0 || take_ready_bit(vcpu, priority))) {
    const std::optional<EvtchnPort> port = take(vcpu, priority);
    if (!port.has_value()) break;
    taken.push_back(port->raw());
  }
  return taken;
}

FifoQueues start_fifo(CaseContext& c, Vcpu& vcpu, uint32_t vcpus) {
  FifoQueues queues(vcpu);
  for (uint32_t i = 0; i < vcpus; ++i) c.require_eq(queues.init_control(i), 0, "set-up: control block");
  c.require_eq(queues.expand_array(), 0, "set-up: event words");
  return queues;
}

}  // namespace assay
