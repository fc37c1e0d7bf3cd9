#include "hv/mm/descriptors.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"

namespace hv {

namespace {

constexpr uint64_t kPresent = uint64_t{1} << 47;
constexpr uint64_t kCodeOrData = uint64_t{1} << 44;
constexpr uint64_t kLevel = uint64_t{3} << 45;
constexpr unsigned kTypeShift = 40;
constexpr uint64_t kTypeMask = 15;
constexpr uint64_t kUpperHalf = 0;  ///< type: of a 16-byte descriptor, harmless
constexpr uint64_t kCallGate = 12;
/// Of a call gate: bits that have to be zero in its second word.
constexpr uint64_t kGateReserved = uint64_t{0xe0} << 32;
/// Of the 8192 selectors of a GDT, those from here on are the hypervisor's. Source: FIRST_RESERVED_GDT_ENTRY.
constexpr uint64_t kReservedFirst = 7168;
constexpr uint64_t kTargetLevel = uint64_t{3} << 16;
constexpr uint64_t kLocalTable = 4;  ///< selector bit
constexpr uint64_t kPerFrame = kPageSize / sizeof(uint64_t);

bool may_be_called(uint64_t selector) {
  return selector >> 3 < kReservedFirst + (fault("pv.call_gate_off_by_one") ? 1 : 0) || (selector & kLocalTable) != 0;
}

}  // namespace

bool fix_descriptor(uint64_t& descriptor) {
  if ((descriptor & kPresent) == 0) return true;
  const uint64_t type = descriptor >> kTypeShift & kTypeMask;
  if ((descriptor & kCodeOrData) != 0) {
    descriptor |= kLevel;
    return true;
  }
  if (type == kUpperHalf) return true;
  if (type != kCallGate || (descriptor & kGateReserved) != 0 || !may_be_called(descriptor >> 16 & 0xffff)) return false;
  // Level 0: ring 3 faults when it uses the gate, and the fault says which one. The target is ring 3 as well.
  descriptor = (descriptor & ~kLevel) | kTargetLevel;
  return true;
}

bool fix_descriptors(Mfn frame) {
  auto* descriptors = reinterpret_cast<uint64_t*>(frame_bytes(frame));
  for (uint64_t i = 0; i < kPerFrame; ++i) {
    if (!fix_descriptor(descriptors[i])) return false;
  }
  return true;
}

}  // namespace hv
