/// The guest's own clock and its interrupt state, as the agent reads and sets them.
#include "sim/abi/xen.hpp"
#include "sim/guest/direct/direct_guest.hpp"
#include "sim/guest/vectors.hpp"

namespace assay {

namespace {
constexpr uint64_t kNsPerMs = 1'000'000;
}  // namespace

/// What rdtsc reads: the core may have said that this guest's counter is not the machine's.
uint64_t DirectGuest::tsc() const {
  __extension__ using Wide = unsigned __int128;
  if (tsc_khz_ == 0) return machine_.tsc(now_ns_) + tsc_offset_;
  return static_cast<uint64_t>(Wide{now_ns_} * tsc_khz_ / kNsPerMs) + tsc_offset_;
}

// Source: public/xen.h, struct vcpu_time_info.
uint64_t DirectGuest::system_time() {
  const auto time = get<vcpu_time_info_t>(state_.info_va + offsetof(vcpu_info_t, time));
  uint64_t delta = tsc() - time.tsc_timestamp;
  delta = time.tsc_shift >= 0 ? delta << time.tsc_shift : delta >> -time.tsc_shift;
  __extension__ using Wide = unsigned __int128;
  return time.system_time + static_cast<uint64_t>(static_cast<Wide>(delta) * time.tsc_to_system_mul >> 32);
}

bool DirectGuest::upcalls_enabled() {
  if (!is_pv()) return (regs_->rflags & kFlagInterrupt) != 0;
  return get<uint8_t>(state_.info_va + offsetof(vcpu_info_t, evtchn_upcall_mask)) == 0;
}

void DirectGuest::set_upcalls(bool enabled) {
  if (is_pv()) {
    put<uint8_t>(state_.info_va + offsetof(vcpu_info_t, evtchn_upcall_mask), enabled ? 0 : 1);
  } else if (enabled) {
    regs_->rflags |= kFlagInterrupt;
  } else {
    regs_->rflags &= ~kFlagInterrupt;
  }
}

}  // namespace assay
