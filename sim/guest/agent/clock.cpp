#include "sim/guest/agent/agent.hpp"

namespace agent {

uint64_t raw_tsc() {
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
  return static_cast<uint64_t>(high) << 32 | low;
}

// The record may change under our feet: an odd or changed version means "read again".
// Source: public/xen.h, struct vcpu_time_info.
uint64_t system_time_ns(const State& self) {
  const volatile vcpu_time_info& time = self.info->time;
  for (;;) {
    const uint32_t version = time.version;
    asm volatile("" ::: "memory");
    uint64_t delta = raw_tsc() - time.tsc_timestamp;
    const int8_t shift = time.tsc_shift;
    delta = shift >= 0 ? delta << shift : delta >> -shift;
    __extension__ using Wide = unsigned __int128;
    const uint64_t scaled = static_cast<uint64_t>(static_cast<Wide>(delta) * time.tsc_to_system_mul >> 32);
    const uint64_t now = time.system_time + scaled;
    asm volatile("" ::: "memory");
    if ((version & 1) == 0 && version == time.version) return now;
  }
}

}  // namespace agent
