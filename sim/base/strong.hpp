/// Strong integer types of the harness: no implicit conversion between frame numbers, ids and addresses.
#pragma once

#include <compare>
#include <cstdint>

namespace assay {

template <typename Tag, typename Rep>
class Strong {
 public:
  using rep = Rep;
  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep raw() const { return value_; }
  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  Rep value_{};
};

/// Guest virtual address.
using Gva = Strong<struct GvaTag, uint64_t>;
/// Guest frame number: machine frame for a PV guest, guest-physical frame for a PVH guest.
using Gfn = Strong<struct GfnTag, uint64_t>;
/// Pseudo-physical frame number: contiguous from 0 in every guest.
using Pfn = Strong<struct PfnTag, uint64_t>;
/// Machine frame number.
using Mfn = Strong<struct MfnTag, uint64_t>;
using DomId = Strong<struct DomIdTag, uint16_t>;
using EvtchnPort = Strong<struct EvtchnPortTag, uint32_t>;
using GrantRef = Strong<struct GrantRefTag, uint32_t>;

constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kPagesOfMib = (1 << 20) / kPageSize;
constexpr unsigned kPageShift = 12;

constexpr Gva operator+(Gva va, uint64_t bytes) {
  return Gva{va.raw() + bytes};
}

}  // namespace assay
