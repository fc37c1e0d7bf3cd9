#include "sim/target/xen/edges/edge_index.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace assay::xen {
namespace {

constexpr uint64_t kSpread = 0x9e37'79b9'7f4a'7c15;  // of consecutive numbers: 2^64 by the golden ratio
constexpr unsigned kPlaceBits = 18;
static_assert(kEdgeMapBytes == 1u << kPlaceBits);

bool is_prefix(uint8_t byte) {
  static constexpr std::array<uint8_t, 10> kLegacy{0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3};
  return (byte & 0xf0) == 0x40 || std::ranges::find(kLegacy, byte) != kLegacy.end();
}

template <typename Offset>
uint64_t relative(std::span<const uint8_t> instruction, uint64_t address) {
  Offset offset{};
  std::memcpy(&offset, instruction.data() + instruction.size() - sizeof offset, sizeof offset);
  return address + instruction.size() + static_cast<uint64_t>(int64_t{offset});
}

/// Opcodes of two bytes: jcc, sysret, sysexit, vmrun.
BlockExit exit_of_two(std::span<const uint8_t> opcode, std::span<const uint8_t> instruction, uint64_t address) {
  if (opcode.size() < 2) return {BlockEnd::kDirect, address};
  if ((opcode[1] & 0xf0) == 0x80) return {BlockEnd::kDirect, relative<int32_t>(instruction, address)};
  const bool is_vmrun = opcode.size() > 2 && opcode[1] == 0x01 && opcode[2] == 0xd8;
  if (is_vmrun || opcode[1] == 0x07 || opcode[1] == 0x35) return {BlockEnd::kLeaves, 0};
  return {BlockEnd::kDirect, address};
}

bool is_call_or_jump_by_operand(std::span<const uint8_t> opcode) {
  if (opcode.size() < 2 || opcode[0] != 0xff) return false;
  const unsigned kind = (opcode[1] >> 3) & 7u;
  return kind >= 2 && kind <= 5;
}

}  // namespace

BlockExit exit_of(std::span<const uint8_t> instruction, uint64_t address) {
  const auto first = std::ranges::find_if_not(instruction, is_prefix);
  const auto opcode = instruction.subspan(static_cast<size_t>(first - instruction.begin()));
  if (opcode.empty()) return {BlockEnd::kDirect, address};
  switch (opcode[0]) {
    case 0x0f:
      return exit_of_two(opcode, instruction, address);
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xeb:
      return {BlockEnd::kDirect, relative<int8_t>(instruction, address)};
    case 0xe8:
    case 0xe9:
      return {BlockEnd::kDirect, relative<int32_t>(instruction, address)};
    case 0xc2:
    case 0xc3:
    case 0xca:
    case 0xcb:
      return {BlockEnd::kIndirect, 0};
    case 0xcf:
      return {BlockEnd::kLeaves, 0};
    default:
      break;
  }
  if ((opcode[0] & 0xf0) == 0x70) return {BlockEnd::kDirect, relative<int8_t>(instruction, address)};
  return {is_call_or_jump_by_operand(opcode) ? BlockEnd::kIndirect : BlockEnd::kDirect, address};
}

uint32_t place_of(uint64_t address) {
  return static_cast<uint32_t>((address * kSpread) >> (64 - kPlaceBits));
}

uint32_t edge_index(const Block* last, Block& now) {
  if (last == nullptr || last->exit.end == BlockEnd::kLeaves) return now.place;
  if (last->exit.end == BlockEnd::kDirect && now.start != last->next && now.start != last->exit.target) {
    now.is_interrupted_to = true;
  }
  return now.is_interrupted_to ? now.place : last->place >> 1 ^ now.place;
}

}  // namespace assay::xen
