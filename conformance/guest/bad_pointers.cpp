#include "conformance/guest/bad_pointers.hpp"

#include <array>

#include "sim/abi/xen.hpp"

namespace assay {
namespace {

constexpr std::array kPv64{
    BadPointer{"unmapped, lower half", Gva{0x0000'7000'0000'0000}},
    BadPointer{"null", Gva{0}},
    BadPointer{"first non-canonical address", Gva{0x0000'8000'0000'0000}},
    BadPointer{"last non-canonical address", Gva{0xffff'7fff'ffff'f000}},
    BadPointer{"the hypervisor's own memory", Gva{0xffff'8300'0000'0000}},
    BadPointer{"last page of the address space", Gva{0xffff'ffff'ffff'f000}},
};

// The agent's identity map covers the first GiB: beyond it nothing is mapped, and near its end no memory is populated.
constexpr std::array kPvh{
    BadPointer{"unmapped, lower half", Gva{0x0000'7000'0000'0000}},
    BadPointer{"mapped, but no memory there", Gva{0x3f00'0000}},
    BadPointer{"first non-canonical address", Gva{0x0000'8000'0000'0000}},
    BadPointer{"last non-canonical address", Gva{0xffff'7fff'ffff'f000}},
    BadPointer{"unmapped, upper half", Gva{0xffff'8300'0000'0000}},
    BadPointer{"last page of the address space", Gva{0xffff'ffff'ffff'f000}},
};

}  // namespace

std::span<const BadPointer> bad_pointers(GuestType type) {
  if (type == GuestType::kPv64) return kPv64;
  return kPvh;
}

bool beyond_guest_space(GuestType type, Gva va) {
  constexpr uint64_t kLowerHalfEnd = 0x0000'8000'0000'0000;
  return type == GuestType::kPv64 && va.raw() >= kLowerHalfEnd && va.raw() < HYPERVISOR_VIRT_END;
}

Gva bad_pointer(GuestType type) {
  return bad_pointers(type).front().va;
}

}  // namespace assay
