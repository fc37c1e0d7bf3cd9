/// What guests do, as data: generated, mutated, shrunk, kept in files, and played by a family (family.hpp).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::fuzz {

struct Family;

/// From here on an argument is a literal: the same whatever there is when it is played.
constexpr uint16_t kLiteral = 0x8000;
constexpr uint16_t literal(uint64_t value) {
  return static_cast<uint16_t>(kLiteral | value);
}

/// One operation. Its arguments below kLiteral are choices, not values: the family makes a port, a page or a domain of
/// them that fits what there is when it is played, more often than not. So any numbers make sense. Played, choices that
/// depended on what there was become literals, so that what is taken out before does not change what they mean.
struct Operation {
  uint8_t kind = 0;   ///< index into the family's kinds
  uint8_t actor = 0;  ///< which of the vCPUs that take part
  std::array<uint16_t, 3> arg{};
  friend auto operator<=>(const Operation&, const Operation&) = default;
};

/// Of an operation as bytes.
constexpr size_t kOperationBytes = 8;

using Sequence = std::vector<Operation>;

/// "send@0(3) close@1(0)": kinds by name, trailing zeros left out.
std::string to_text(const Family& family, const Sequence& sequence);
/// Throws std::invalid_argument that says what is wrong, and where.
Sequence sequence_from_text(const Family& family, std::string_view text);

/// kOperationBytes an operation, little endian; kinds beyond the family's are taken modulo, an incomplete operation at
/// the end is dropped. Every byte string is a sequence.
Sequence sequence_from_bytes(const Family& family, std::string_view bytes);
std::string to_bytes(const Sequence& sequence);

}  // namespace assay::fuzz
