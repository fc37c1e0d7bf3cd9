/// Flags of a mapping as pins.
#pragma once

#include "hv/base/fault.hpp"
#include "hv/grant/grant_table.hpp"

namespace hv {

/// The kinds of use in GNTMAP_* flags, at most one for the host and one for devices.
struct PinSet {
  bool host;
  bool device;
  bool readonly;

  [[nodiscard]] PinKind host_kind() const { return readonly ? PinKind::kHostRead : PinKind::kHostWrite; }
  [[nodiscard]] PinKind device_kind() const { return readonly ? PinKind::kDeviceRead : PinKind::kDeviceWrite; }
  [[nodiscard]] bool would_overflow(const Pins& pins) const {
    const uint32_t most = Pins::kPinsMax + (fault("grant.pins_off_by_one") ? 1u : 0u);
    return (host && pins[host_kind()] >= most) || (device && pins[device_kind()] >= most);
  }
  void add_to(Pins& pins) const {
    if (host) ++pins[host_kind()];
    if (device) ++pins[device_kind()];
  }
  void take_from(Pins& pins) const {
    HV_ASSERT((!host || pins[host_kind()] > 0) && (!device || pins[device_kind()] > 0));
    if (host) --pins[host_kind()];
    if (device) --pins[device_kind()];
  }
};

constexpr PinSet pins_of(uint32_t flags) {
  return {(flags & GNTMAP_host_map) != 0, (flags & GNTMAP_device_map) != 0, (flags & GNTMAP_readonly) != 0};
}

/// A handle names its granter no longer.
void forget_granter(GrantTable& granter);

}  // namespace hv
