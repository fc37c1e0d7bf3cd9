/// A set of pCPU numbers, iterated in ascending order.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "sim/port/port.h"

namespace assay {

class PcpuSet {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  void add(uint32_t pcpu) { words_[pcpu / 64] |= 1ull << (pcpu % 64); }
  void remove(uint32_t pcpu) { words_[pcpu / 64] &= ~(1ull << (pcpu % 64)); }
  void clear() { words_ = {}; }
  [[nodiscard]] bool has(uint32_t pcpu) const { return ((words_[pcpu / 64] >> (pcpu % 64)) & 1) != 0; }
  [[nodiscard]] bool empty() const { return (words_[0] | words_[1] | words_[2] | words_[3]) == 0; }

  friend bool operator==(const PcpuSet&, const PcpuSet&) = default;
  friend PcpuSet operator&(PcpuSet a, const PcpuSet& b) {
    for (uint32_t i = 0; i < kWords; ++i) a.words_[i] &= b.words_[i];
    return a;
  }

  [[nodiscard]] uint32_t count() const {
    int total = 0;
    for (const uint64_t word : words_) total += std::popcount(word);
    return static_cast<uint32_t>(total);
  }

  /// Smallest member at or above `from`, kNone when there is none.
  [[nodiscard]] uint32_t at_or_above(uint32_t from) const {
    for (uint32_t i = from / 64; i < kWords; ++i) {
      const uint64_t rest = i == from / 64 ? words_[i] & (~0ull << (from % 64)) : words_[i];
      if (rest != 0) return i * 64 + static_cast<uint32_t>(std::countr_zero(rest));
    }
    return kNone;
  }

  /// The member after `last`, round robin; kNone when the set is empty.
  [[nodiscard]] uint32_t after(uint32_t last) const {
    if (last < 63 && (words_[1] | words_[2] | words_[3]) == 0) {  // up to 64 pCPUs: the common case
      const uint64_t rest = words_[0] & (~0ull << (last + 1));
      const uint64_t from = rest != 0 ? rest : words_[0];
      return from == 0 ? kNone : static_cast<uint32_t>(std::countr_zero(from));
    }
    const uint32_t next = at_or_above(last + 1);
    return next != kNone ? next : at_or_above(0);
  }

  /// The member with `index` smaller members. `index` must be below count().
  [[nodiscard]] uint32_t nth(uint32_t index) const {
    uint32_t member = at_or_above(0);
    for (; index != 0; --index) member = at_or_above(member + 1);
    return member;
  }

 private:
  static constexpr uint32_t kWords = ASSAY_PCPUS_MAX / 64;
  std::array<uint64_t, kWords> words_{};
};

}  // namespace assay
