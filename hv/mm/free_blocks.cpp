#include "hv/mm/free_blocks.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv {

namespace {

std::array<FrameList, kOrderMax + 1> blocks;
uint64_t free_count = 0;

void push(Mfn mfn, unsigned order) {
  FrameInfo& info = frame_info(mfn);
  info.free_order = static_cast<uint8_t>(order + 1);
  FrameList& list = blocks[order];
  info.prev = 0;
  info.next = static_cast<uint32_t>(list.head.raw());
  if (list.head == Mfn{}) {
    list.tail = mfn;
  } else {
    frame_info(list.head).prev = static_cast<uint32_t>(mfn.raw());
  }
  list.head = mfn;
  ++list.count;
}

void pull(Mfn mfn, unsigned order) {
  list_remove(blocks[order], mfn);
  frame_info(mfn).free_order = 0;
}

bool is_free_block(Mfn mfn, unsigned order) {
  return frame_valid(mfn) && frame_info(mfn).state == FrameState::kFree && frame_info(mfn).free_order == order + 1;
}

/// A free block of at least `order` whose first 2^order frames lie below `limit`.
Mfn find(unsigned order, uint64_t limit, unsigned& found_order) {
  for (unsigned candidate = order; candidate <= kOrderMax; ++candidate) {
    for (Mfn mfn = blocks[candidate].head; mfn != Mfn{}; mfn = Mfn{frame_info(mfn).next}) {
      if (mfn.raw() + (uint64_t{1} << order) > limit) continue;
      found_order = candidate;
      return mfn;
    }
  }
  return kInvalidMfn;
}

}  // namespace

void free_blocks_init(Mfn first, uint64_t end) {
  blocks = {};
  free_count = 0;
  uint64_t frame = first.raw();
  HV_ASSERT(frame != 0);
  while (frame < end) {
    const auto aligned = static_cast<unsigned>(std::countr_zero(frame));
    const auto fitting = static_cast<unsigned>(std::bit_width(end - frame)) - 1;
    const unsigned order = std::min({aligned, fitting, kOrderMax});
    give_block(Mfn{frame}, order);
    frame += uint64_t{1} << order;
  }
}

Mfn take_block(unsigned order, uint64_t limit) {
  if (order > kOrderMax) return kInvalidMfn;
  unsigned have = 0;
  const Mfn mfn = find(order, limit, have);
  if (mfn == kInvalidMfn) return mfn;
  pull(mfn, have);
  while (have > order) {
    --have;
    push(Mfn{mfn.raw() + (uint64_t{1} << have)}, have);
  }
  free_count -= uint64_t{1} << order;
  return mfn;
}

void give_block(Mfn mfn, unsigned order) {
  free_count += uint64_t{1} << order;
  while (order < kOrderMax) {
    const Mfn buddy{mfn.raw() ^ (uint64_t{1} << order)};
    if (!is_free_block(buddy, order)) break;
    pull(buddy, order);
    mfn = Mfn{mfn.raw() & ~(uint64_t{1} << order)};
    ++order;
  }
  push(mfn, order);
}

uint64_t free_block_frames() {
  return free_count;
}

void visit_free_blocks(void (*visit)(void*, Mfn, unsigned), void* context) {
  for (unsigned order = 0; order <= kOrderMax; ++order) {
    for (Mfn mfn = blocks[order].head; mfn != Mfn{}; mfn = Mfn{frame_info(mfn).next}) visit(context, mfn, order);
  }
}

}  // namespace hv
