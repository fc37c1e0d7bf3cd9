#include "hv/mm/m2p.hpp"

#include <bit>
#include <cstring>

#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv {

namespace {

constexpr unsigned kExtentOrder = 9;
constexpr uint64_t kExtentBytes = kPageSize << kExtentOrder;
constexpr uint64_t kFramesPerExtent = kExtentBytes / sizeof(uint64_t);

Mfn table{};
uint32_t extents = 0;
/// One L3 and one L2 of the core's own, shared by every L4: 512 extents, enough for 512 GiB of machine memory.
Mfn shared_l3{};

uint64_t& entry(Mfn mfn) {
  return frame_as<uint64_t>(table)[mfn.raw()];
}

/// Makes the frames mappable read-only by whoever may name DOMID_XEN: a typed reference of no type that nobody drops.
void give_to_core_memory(uint64_t frames) {
  for (uint64_t i = 0; i < frames; ++i) {
    FrameInfo& info = frame_info(Mfn{table.raw() + i});
    info.owner = &core_memory();
    info.refs = 1;
    info.type_refs = 1;
  }
}

}  // namespace

void m2p_init() {
  extents = static_cast<uint32_t>((host().frames + kFramesPerExtent - 1) / kFramesPerExtent);
  HV_ASSERT(extents <= kPteCount);
  const unsigned order = kExtentOrder + static_cast<unsigned>(std::bit_width(extents - 1));
  table = alloc_core_frames(order);
  HV_ASSERT(table != kInvalidMfn);
  std::memset(frame_bytes(table), 0xff, host().frames * sizeof(uint64_t));
  give_to_core_memory(uint64_t{extents} << kExtentOrder);

  shared_l3 = alloc_core_frames(0);
  const Mfn l2 = alloc_core_frames(0);
  HV_ASSERT(shared_l3 != kInvalidMfn && l2 != kInvalidMfn);
  constexpr uint64_t kFlags = kPtePresent | kPteUser | kPteAccessed | kPteDirty;
  frame_as<uint64_t>(shared_l3)[0] = make_pte(l2, kFlags);
  for (uint32_t i = 0; i < extents; ++i) frame_as<uint64_t>(l2)[i] = make_pte(m2p_extent(i), kFlags | kPteLarge);
}

void m2p_set(Mfn mfn, uint64_t pfn) {
  HV_ASSERT(frame_valid(mfn));
  entry(mfn) = pfn;
}

uint64_t m2p_get(Mfn mfn) {
  HV_ASSERT(frame_valid(mfn));
  return entry(mfn);
}

uint32_t m2p_extents() {
  return extents;
}

Mfn m2p_extent(uint32_t index) {
  HV_ASSERT(index < extents);
  return Mfn{table.raw() + (uint64_t{index} << kExtentOrder)};
}

void m2p_map_into(Mfn l4) {
  auto* slots = frame_as<uint64_t>(l4);
  slots[kHypervisorSlotFirst] = make_pte(shared_l3, kPtePresent | kPteUser | kPteAccessed);
  for (unsigned slot = kHypervisorSlotFirst + 1; slot <= kHypervisorSlotLast; ++slot) slots[slot] = 0;
}

}  // namespace hv
