/// Machine code as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace assay::unicorn {

struct TextInstruction {
  uint64_t address = 0;
  uint8_t bytes = 0;
  std::string text;  ///< "mov eax, 0x1d"
};

/// The whole instructions at the front of `code`, which lies at `address`. `code_bits`: 16, 32 or 64.
std::vector<TextInstruction> disassemble(std::span<const std::byte> code, uint64_t address, unsigned code_bits);

}  // namespace assay::unicorn
