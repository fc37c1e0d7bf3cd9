/// Strong types of the core. Nothing converts by itself; `raw()` is the only way out.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace hv {

template <typename Tag, typename Rep>
class Strong {
 public:
  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep raw() const { return value_; }
  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  Rep value_{};
};

using Mfn = Strong<struct MfnTag, uint64_t>;  ///< machine frame
using Gfn = Strong<struct GfnTag, uint64_t>;  ///< what a guest calls a frame: mfn for PV, guest-physical for HVM
using Gva = Strong<struct GvaTag, uint64_t>;  ///< guest linear address
using Gpa = Strong<struct GpaTag, uint64_t>;  ///< guest-physical address of an HVM guest
using DomId = Strong<struct DomIdTag, uint16_t>;
using Port = Strong<struct PortTag, uint32_t>;  ///< event channel port

constexpr Gva operator+(Gva va, uint64_t bytes) { return Gva{va.raw() + bytes}; }

constexpr Mfn kInvalidMfn{~uint64_t{0}};
constexpr Gfn kInvalidGfn{~uint64_t{0}};

constexpr uint64_t kPageSize = 4096;
constexpr unsigned kPageShift = 12;

/// Absolute virtual time and durations, in ns.
using Ns = uint64_t;
constexpr Ns kNever = ~Ns{0};
constexpr Ns kMillisecond = 1'000'000;

}  // namespace hv
