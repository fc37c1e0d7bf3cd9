#include "sim/hosts/guest_calls.hpp"

#include <cstddef>

namespace assay::hosts {

bool GuestCalls::take_event(uint32_t port) const {
  constexpr uint32_t kBits = 64;
  const Gva word = guest_->shared_info() + offsetof(shared_info, evtchn_pending) + port / kBits * sizeof(uint64_t);
  const uint64_t bit = uint64_t{1} << port % kBits;
  const Outcome<uint64_t> before = vcpu().atomic(ASSAY_ATOMIC_AND, word, sizeof(uint64_t), ~bit);
  return before.ok() && (before.value & bit) != 0;
}

shared_info GuestCalls::read_shared_info() const {
  return vcpu().read<shared_info>(guest_->shared_info());
}

}  // namespace assay::hosts
