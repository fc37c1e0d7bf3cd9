#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

constexpr uint64_t kPendingAt = offsetof(shared_info_t, evtchn_pending);
constexpr uint64_t kMaskAt = offsetof(shared_info_t, evtchn_mask);
constexpr unsigned kWordBits = 64;

uint64_t bit_of(EvtchnPort port) {
  return uint64_t{1} << (port.raw() % kWordBits);
}

}  // namespace

Gva SharedInfo::word(uint64_t array_offset, EvtchnPort port) const {
  if (port.raw() >= EVTCHN_2L_NR_CHANNELS) throw HarnessFault("2-level event channels have no such port");
  return vcpu_->domain().shared_info() + array_offset + port.raw() / kWordBits * sizeof(uint64_t);
}

bool SharedInfo::bit(uint64_t array_offset, EvtchnPort port) const {
  return (vcpu_->read<uint64_t>(word(array_offset, port)) & bit_of(port)) != 0;
}

uint64_t SharedInfo::change(assay_atomic kind, Gva va, unsigned width_bytes, uint64_t operand) {
  const auto old = vcpu_->atomic(kind, va, width_bytes, operand);
  if (!old.ok()) throw HarnessFault("shared_info is not accessible to its own guest");
  return old.value;
}

bool SharedInfo::change_bit(uint64_t array_offset, EvtchnPort port, bool set) {
  const Gva at = word(array_offset, port);
  const uint64_t old = set ? change(ASSAY_ATOMIC_OR, at, sizeof(uint64_t), bit_of(port))
                           : change(ASSAY_ATOMIC_AND, at, sizeof(uint64_t), ~bit_of(port));
  return (old & bit_of(port)) != 0;
}

bool SharedInfo::pending(EvtchnPort port) const {
  return bit(kPendingAt, port);
}
bool SharedInfo::masked(EvtchnPort port) const {
  return bit(kMaskAt, port);
}
bool SharedInfo::set_pending(EvtchnPort port) {
  return change_bit(kPendingAt, port, true);
}
bool SharedInfo::clear_pending(EvtchnPort port) {
  return change_bit(kPendingAt, port, false);
}
bool SharedInfo::mask(EvtchnPort port) {
  return change_bit(kMaskAt, port, true);
}
bool SharedInfo::unmask(EvtchnPort port) {
  return change_bit(kMaskAt, port, false);
}

uint64_t SharedInfo::selector(uint32_t vcpu) const {
  return of_vcpu(vcpu).evtchn_pending_sel;
}

bool SharedInfo::selected(EvtchnPort port, uint32_t vcpu) const {
  return ((selector(vcpu) >> (port.raw() / kWordBits)) & 1) != 0;
}

uint64_t SharedInfo::take_selector(uint32_t vcpu) {
  const Gva at = vcpu_->domain().vcpu_info(vcpu) + offsetof(vcpu_info_t, evtchn_pending_sel);
  return change(ASSAY_ATOMIC_XCHG, at, sizeof(uint64_t), 0);
}

uint8_t SharedInfo::upcall_pending(uint32_t vcpu) const {
  return of_vcpu(vcpu).evtchn_upcall_pending;
}

uint8_t SharedInfo::set_upcall_pending(uint32_t vcpu, uint8_t value) {
  const Gva at = vcpu_->domain().vcpu_info(vcpu) + offsetof(vcpu_info_t, evtchn_upcall_pending);
  return static_cast<uint8_t>(change(ASSAY_ATOMIC_XCHG, at, 1, value));
}

uint8_t SharedInfo::upcall_mask(uint32_t vcpu) const {
  return of_vcpu(vcpu).evtchn_upcall_mask;
}

uint8_t SharedInfo::set_upcall_mask(uint32_t vcpu, uint8_t value) {
  const Gva at = vcpu_->domain().vcpu_info(vcpu) + offsetof(vcpu_info_t, evtchn_upcall_mask);
  return static_cast<uint8_t>(change(ASSAY_ATOMIC_XCHG, at, 1, value));
}

void SharedInfo::acknowledge(EvtchnPort port, uint32_t vcpu) {
  clear_pending(port);
  const Gva at = vcpu_->domain().vcpu_info(vcpu) + offsetof(vcpu_info_t, evtchn_pending_sel);
  change(ASSAY_ATOMIC_AND, at, sizeof(uint64_t), ~(uint64_t{1} << (port.raw() / kWordBits)));
  set_upcall_pending(vcpu, 0);
}

shared_info_t SharedInfo::all() const {
  return vcpu_->read<shared_info_t>(vcpu_->domain().shared_info());
}

vcpu_info_t SharedInfo::of_vcpu(uint32_t vcpu) const {
  return vcpu_->read<vcpu_info_t>(vcpu_->domain().vcpu_info(vcpu));
}

}  // namespace assay
