/// Changes to a migration stream, record by record: what stays a stream gets further into a restorer than bytes that
/// are flipped anywhere.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/targets/entropy.hpp"
#include "sim/toolstack/migration/records.hpp"

namespace assay::fuzz {

struct RawRecord {
  uint32_t type = 0;
  migration::Bytes body;
};

/// Headers, then records with whatever they hold.
struct RawStream {
  migration::Bytes headers;
  std::vector<RawRecord> records;

  /// Of a stream that is one.
  static RawStream parse(std::span<const std::byte> bytes);
  [[nodiscard]] migration::Bytes bytes() const;
};

enum class EditKind : uint8_t {
  kSetWord,      ///< 8 bytes of a body
  kSetHalf,      ///< 4 of them
  kFlipBit,      ///< of a body
  kDrop,         ///< a record
  kRepeat,       ///< once more, at another place
  kSwap,         ///< with another
  kSetType,      ///< of a record
  kResize,       ///< a body
  kSetPage,      ///< an entry of PAGE_DATA: its pfn, or its type
  kCheckpoint,   ///< put in
  kEntry,        ///< an entry of a page's content, as a page table has it
  kCutBehind,    ///< the stream ends in this record
  kFlipHeaders,  ///< of image and domain
  kCount
};

/// kEditBytes of an input, whatever they are.
struct Edit {
  uint8_t kind = 0;
  uint8_t record = 0;
  uint16_t where = 0;
  uint64_t value = 0;
};

constexpr size_t kEditBytes = 12;
constexpr size_t kEditsMax = 8;

std::vector<Edit> edits_from(std::string_view input);
std::string to_input(const std::vector<Edit>& edits);
std::vector<Edit> mutated(std::vector<Edit> edits, Entropy& entropy);

/// The stream with all of them made, one after the other; every one can be made.
migration::Bytes edited(const RawStream& stream, const std::vector<Edit>& edits);

}  // namespace assay::fuzz
