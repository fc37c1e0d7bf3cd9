#include "hv/mm/guest_access.hpp"

#include <cstring>
#include <limits>

#include "hv/base/host.hpp"
#include "hv/mm/guest_walk.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

namespace {

/// Calls `move(host bytes, offset, count)` for each page of the range; false at the first one that is not accessible.
template <typename Move>
bool for_each_page(const AddressSpace& space, Gva start, size_t bytes, Access access, Move move) {
  size_t done = 0;
  while (done < bytes) {
    const Gva va{start.raw() + done};
    uint8_t* at = guest_bytes(space, va, access);
    if (at == nullptr) return false;
    const size_t left_in_page = kPageSize - (va.raw() & (kPageSize - 1));
    const size_t count = bytes - done < left_in_page ? bytes - done : left_in_page;
    move(at, done, count);
    done += count;
  }
  return true;
}

/// The bytes of the argument of a 32-bit caller; null for guest memory.
uint8_t* wide_bytes(const AddressSpace& space, Gva at, size_t bytes) {
  const uint64_t offset = at.raw() - WideArgument::kAddress;
  const bool is_inside =
      space.wide != nullptr && offset < WideArgument::kBytes && bytes <= WideArgument::kBytes - offset;
  return is_inside ? space.wide->bytes + offset : nullptr;
}

void point(uint32_t kind, const AddressSpace& space) {
  host().point(host().ctx, kind, space.memory);
}

}  // namespace

bool copy_from_guest(const AddressSpace& space, void* to, Gva from, size_t bytes) {
  point(ASSAY_POINT_GUEST_READ, space);
  if (const uint8_t* const wide = wide_bytes(space, from, bytes)) {
    std::memcpy(to, wide, bytes);
    return true;
  }
  auto* out = static_cast<uint8_t*>(to);
  return for_each_page(space, from, bytes, Access::kRead,
                       [out](const uint8_t* at, size_t offset, size_t count) { std::memcpy(out + offset, at, count); });
}

bool copy_to_guest(const AddressSpace& space, Gva to, const void* from, size_t bytes) {
  point(ASSAY_POINT_GUEST_WRITE, space);
  if (uint8_t* const wide = wide_bytes(space, to, bytes)) {
    std::memcpy(wide, from, bytes);
    return true;
  }
  const auto* in = static_cast<const uint8_t*>(from);
  return for_each_page(space, to, bytes, Access::kWrite,
                       [in](uint8_t* at, size_t offset, size_t count) { std::memcpy(at, in + offset, count); });
}

bool clear_guest(const AddressSpace& space, Gva to, size_t bytes) {
  point(ASSAY_POINT_GUEST_WRITE, space);
  return for_each_page(space, to, bytes, Access::kWrite,
                       [](uint8_t* at, size_t, size_t count) { std::memset(at, 0, count); });
}

bool guest_range_ok(const AddressSpace& space, Gva start, uint64_t count, uint64_t size) {
  if (space.memory->kind == GuestKind::kHvm) return true;
  if (size != 0 && count >= std::numeric_limits<uint64_t>::max() / size) return false;
  return start.raw() < uint64_t{1} << 47 || start.raw() >= HYPERVISOR_VIRT_END;
}

}  // namespace hv
