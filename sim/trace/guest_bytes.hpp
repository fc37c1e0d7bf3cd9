/// Reads a guest's memory for a trace: through its page tables, without setting a bit in them.
#pragma once

#include <cstddef>
#include <span>

#include "sim/guest/memory/guest_memory.hpp"

namespace assay::trace {

class GuestBytes {
 public:
  GuestBytes(uint8_t* memory, uint64_t frames) : memory_(memory, frames) {}
  /// How many bytes at the front of `bytes` are mapped for the vCPU as it is now.
  size_t read(const assay_run& run, uint64_t va, std::span<std::byte> bytes);

 private:
  GuestMemory memory_;
};

}  // namespace assay::trace
