/// The buddy allocator under frame_alloc: free blocks of 2^order frames, naturally aligned, linked through the frame
/// table. Only the head of a block is ever touched, so taking over a machine costs nothing per frame.
#pragma once

#include <cstdint>

#include "hv/base/types.hpp"

namespace hv {

/// Takes over frames [first, end) of a fresh machine.
void free_blocks_init(Mfn first, uint64_t end);

/// A block that lies below frame `limit`; kInvalidMfn when there is none. Its frames are still in state kFree.
Mfn take_block(unsigned order, uint64_t limit);
/// Gives back a block whose frames are in state kFree again; merges it with its free buddies.
void give_block(Mfn mfn, unsigned order);

uint64_t free_block_frames();
/// Walks the free blocks for an audit: visits head and order of each.
void visit_free_blocks(void (*visit)(void*, Mfn, unsigned), void* context);

}  // namespace hv
