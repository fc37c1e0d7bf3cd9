#include "hv/vcpu/pv_segments.hpp"

#include <cstring>

#include "hv/base/host.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

constexpr uint16_t kPrivilege = 3;
constexpr uint16_t kLocal = 1u << 2;
constexpr uint64_t kEntriesPerFrame = kPageSize / sizeof(uint64_t);

// Fields of a descriptor.
constexpr uint64_t kReadable = 1ull << 41;  ///< code: readable; data: writable
constexpr uint64_t kCode = 1ull << 43;
constexpr uint64_t kNotSystem = 1ull << 44;
constexpr uint64_t kPresent = 1ull << 47;
constexpr unsigned kPrivilegeShift = 45;

uint64_t base_of(uint64_t descriptor) {
  return (descriptor >> 16 & 0xff'ffff) | (descriptor >> 56 & 0xff) << 24;
}

bool is_data_for_ring3(uint64_t descriptor) {
  if ((descriptor & kPresent) == 0 || (descriptor & kNotSystem) == 0) return false;
  if ((descriptor >> kPrivilegeShift & kPrivilege) != kPrivilege) return false;
  return (descriptor & kCode) == 0 || (descriptor & kReadable) != 0;
}

/// 0, which no register can be loaded with, when the table has no such entry.
uint64_t descriptor_at(Vcpu& vcpu, uint16_t selector) {
  const PvState& pv = *vcpu.pv;
  const uint64_t index = selector >> 3;
  uint64_t descriptor = 0;
  if ((selector & kLocal) != 0) {
    if (index >= pv.ldt_entries) return 0;
    const Gva at{pv.ldt_base + index * sizeof descriptor};
    return read_guest(address_space(vcpu), descriptor, at) ? descriptor : 0;
  }
  if (index >= pv.gdt_entries) return 0;
  const uint8_t* const table = frame_bytes(Mfn{pv.gdt_frames[index / kEntriesPerFrame]});
  std::memcpy(&descriptor, table + index % kEntriesPerFrame * sizeof descriptor, sizeof descriptor);
  return descriptor;
}

/// The old selectors, for the failsafe frame.
struct Selectors {
  uint64_t ds, es, fs, gs;
};

bool enter_failsafe(Vcpu& vcpu, const Selectors& old) {
  const PvState& pv = *vcpu.pv;
  Bounce bounce{pv.failsafe_callback, pv.failsafe_disables_events};
  bounce.extra = {old.ds, old.es, old.fs, old.gs};
  bounce.has_extra = true;
  return pv_bounce(vcpu, bounce);
}

}  // namespace

bool pv_selector_loadable(Vcpu& vcpu, uint16_t selector, uint64_t& base) {
  base = 0;
  switch (selector | kPrivilege) {
    case kPrivilege:
    case FLAT_RING3_DS32:
    case FLAT_RING3_CS32:
    case FLAT_RING3_CS64:
      return true;
    default:
      break;
  }
  const uint64_t descriptor = descriptor_at(vcpu, selector);
  base = base_of(descriptor);
  return is_data_for_ring3(descriptor);
}

bool pv_load_segments(Vcpu& vcpu) {
  if (!vcpu.pv->segments_stale) return true;
  vcpu.pv->segments_stale = false;
  assay_regs& regs = vcpu.regs;
  const Selectors old{regs.ds, regs.es, regs.fs, regs.gs};
  bool all_loaded = true;
  for (uint16_t* selector : {&regs.ds, &regs.es, &regs.fs, &regs.gs}) {
    uint64_t base = 0;
    if (pv_selector_loadable(vcpu, *selector, base)) continue;
    *selector = 0;
    all_loaded = false;
  }
  return all_loaded || enter_failsafe(vcpu, old);
}

}  // namespace hv
