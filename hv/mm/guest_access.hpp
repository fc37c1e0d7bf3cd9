/// Copies between the core and the memory of a guest, by the guest's own addresses. Every frame is found through the
/// guest's page tables (PV64: cr3 in machine frames, user bit required, never through the hypervisor's own range; HVM:
/// cr3 in guest frames when CR0.PG is set, otherwise the address is guest-physical, then the second-stage table), so a
/// bad pointer is a false result, never a crash.
#pragma once

#include <cstddef>
#include <type_traits>

#include "hv/base/types.hpp"
#include "hv/mm/domain_memory.hpp"
#include "sim/port/port.h"

namespace hv {

/// An argument of a 32-bit caller in the layout that handlers know, while its call is under way: at an address that the
/// caller's own pointers cannot reach.
struct WideArgument {
  static constexpr uint64_t kAddress = 0xffff'8000'0000'0000;  ///< in the hypervisor's range
  static constexpr size_t kBytes = 64;
  uint8_t bytes[kBytes];
};

/// Whose addresses: a domain's memory and the registers that define its address space.
struct AddressSpace {
  DomainMemory* memory;
  const assay_regs* regs;
  WideArgument* wide = nullptr;
};

/// All or nothing is not promised: on false an unknown part has been copied, as on hardware.
[[nodiscard]] bool copy_from_guest(const AddressSpace& space, void* to, Gva from, size_t bytes);
[[nodiscard]] bool copy_to_guest(const AddressSpace& space, Gva to, const void* from, size_t bytes);
[[nodiscard]] bool clear_guest(const AddressSpace& space, Gva to, size_t bytes);

/// True when an array at `start` could be guest memory at all: for PV64 `start` is canonical and outside the
/// hypervisor's range 0xffff800000000000..0xffff87ffffffffff, and its size does not overflow. Says nothing about
/// presence, nor about where the array ends: a copy that gets there fails there. HVM: always true.
[[nodiscard]] bool guest_range_ok(const AddressSpace& space, Gva start, uint64_t count, uint64_t size);

template <typename T>
[[nodiscard]] bool read_guest(const AddressSpace& space, T& value, Gva from) {
  static_assert(std::is_trivially_copyable_v<T>);
  return copy_from_guest(space, &value, from, sizeof(T));
}
template <typename T>
[[nodiscard]] bool write_guest(const AddressSpace& space, Gva to, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return copy_to_guest(space, to, &value, sizeof(T));
}

}  // namespace hv
