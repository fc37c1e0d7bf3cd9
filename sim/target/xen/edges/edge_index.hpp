/// Blocks of the hypervisor's code as they are executed, and the place in the map of the step from one to the next.
#pragma once

#include <cstdint>
#include <span>

namespace assay::xen {

/// A byte per step; what happened is not 0. Steps that share a place are taken for one.
constexpr uint32_t kEdgeMapBytes = 1u << 18;

/// How a block ends.
enum class BlockEnd : uint8_t {
  kDirect,    ///< the code itself says where it goes on: at `next` or `target`
  kIndirect,  ///< a return, or a jump or call by register or memory
  kLeaves,    ///< into a guest, or back to what was interrupted
};

struct BlockExit {
  BlockEnd end = BlockEnd::kDirect;
  uint64_t target = 0;
};

/// Of the last instruction of a block, at `address`. What is no jump may repeat itself: its target is its own address.
BlockExit exit_of(std::span<const uint8_t> instruction, uint64_t address);

struct Block {
  uint64_t start = 0;
  uint64_t next = 0;  ///< behind its last instruction
  BlockExit exit{};
  uint32_t place = 0;              ///< in the map, however it is reached
  bool is_interrupted_to = false;  ///< known to be entered by exceptions or interrupts
};

/// Spreads addresses over the map.
uint32_t place_of(uint64_t address);

/// The place in the map of `now` after `last`, null for none. An interrupt may come anywhere, and leads back anywhere:
/// only steps that the code takes by itself count with where they come from. Remembers in `now` what it learns.
uint32_t edge_index(const Block* last, Block& now);

}  // namespace assay::xen
