/// Time records as a guest reads them. Source: public/xen.h, struct vcpu_time_info and the wall clock of shared_info.
#pragma once

#include "sim/abi/xen.hpp"
#include "sim/target/target.hpp"

namespace assay {

/// A record that was not being changed while it was read, of vCPU `vcpu` or wherever it lies.
inline vcpu_time_info_t stable_record(Vcpu& through, Gva at) {
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries; ++i) {
    const auto record = through.read<vcpu_time_info_t>(at);
    const auto version = through.read<uint32_t>(at + offsetof(vcpu_time_info_t, version));
    if ((record.version & 1) == 0 && version == record.version) return record;
  }
  throw HarnessFault("a time record never comes to rest");
}

inline Gva time_record_of(const Domain& guest, uint32_t vcpu) {
  return guest.vcpu_info(vcpu) + offsetof(vcpu_info_t, time);
}

/// System time in ns at `tsc`, by the rule of the header: a negative shift is one to the right.
inline uint64_t pvclock_ns(const vcpu_time_info_t& record, uint64_t tsc) {
  uint64_t delta = tsc - record.tsc_timestamp;
  delta = record.tsc_shift < 0 ? delta >> -record.tsc_shift : delta << record.tsc_shift;
  __extension__ using Wide = unsigned __int128;
  return record.system_time + static_cast<uint64_t>(static_cast<Wide>(delta) * record.tsc_to_system_mul >> 32);
}

struct WallClock {
  uint32_t version;
  uint64_t seconds;  ///< since 1970, when system time was 0
  uint32_t ns;
};

inline WallClock wall_clock(Vcpu& through) {
  const Gva at = through.domain().shared_info();
  const auto low = through.read<uint32_t>(at + offsetof(shared_info_t, wc_sec));
  const auto high = through.read<uint32_t>(at + offsetof(shared_info_t, wc_sec_hi));
  return {through.read<uint32_t>(at + offsetof(shared_info_t, wc_version)), uint64_t{high} << 32 | low,
          through.read<uint32_t>(at + offsetof(shared_info_t, wc_nsec))};
}

}  // namespace assay
