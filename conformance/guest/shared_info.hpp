/// shared_info and vcpu_info as a guest sees and changes them: by its own loads, stores and locked instructions,
/// without hypercalls. 2-level event channels, 64-bit layout.
#pragma once

#include "sim/abi/xen.hpp"
#include "sim/target/target.hpp"

namespace assay {

class SharedInfo {
 public:
  /// `through` is the vCPU that executes the accesses; any of the domain's will do.
  explicit SharedInfo(Vcpu& through) : vcpu_(&through) {}

  [[nodiscard]] bool pending(EvtchnPort port) const;
  [[nodiscard]] bool masked(EvtchnPort port) const;
  /// Each sets or clears one bit atomically and returns what it was before.
  bool set_pending(EvtchnPort port);
  bool clear_pending(EvtchnPort port);
  bool mask(EvtchnPort port);
  /// Clears the mask bit only: unlike EVTCHNOP_unmask, an event that is pending already raises nothing.
  bool unmask(EvtchnPort port);

  /// evtchn_pending_sel of a vCPU: bit n stands for ports 64n..64n+63.
  [[nodiscard]] uint64_t selector(uint32_t vcpu) const;
  [[nodiscard]] bool selected(EvtchnPort port, uint32_t vcpu) const;
  uint64_t take_selector(uint32_t vcpu);  ///< reads and clears it in one step
  [[nodiscard]] uint8_t upcall_pending(uint32_t vcpu) const;
  uint8_t set_upcall_pending(uint32_t vcpu, uint8_t value);  ///< returns the old value
  [[nodiscard]] uint8_t upcall_mask(uint32_t vcpu) const;
  uint8_t set_upcall_mask(uint32_t vcpu, uint8_t value);  ///< returns the old value

  /// Forgets one event: pending bit, selector bit and upcall-pending byte. For the space between two steps of a case.
  void acknowledge(EvtchnPort port, uint32_t vcpu);

  [[nodiscard]] shared_info_t all() const;
  [[nodiscard]] vcpu_info_t of_vcpu(uint32_t vcpu) const;

 private:
  [[nodiscard]] Gva word(uint64_t array_offset, EvtchnPort port) const;
  bool change_bit(uint64_t array_offset, EvtchnPort port, bool set);
  [[nodiscard]] bool bit(uint64_t array_offset, EvtchnPort port) const;
  uint64_t change(assay_atomic kind, Gva va, unsigned width_bytes, uint64_t operand);
  Vcpu* vcpu_;
};

}  // namespace assay
