/// Bodies of records as bytes, and back.
#pragma once

#include <span>

#include "sim/toolstack/migration/records.hpp"
#include "sim/toolstack/migration/stream_error.hpp"

namespace assay::migration {

/// A body in two parts: pages are those of the record, where they lie.
struct EncodedBody {
  Bytes fields;
  std::span<const std::byte> pages;
  [[nodiscard]] uint64_t size() const { return fields.size() + pages.size(); }
};
/// Without padding. Throws RecordFault for a record that is none of the specification, or that has no content.
EncodedBody encode_in_place(const Record& record);
/// The same in one piece.
Bytes encode(const Record& record);
/// Throws RecordFault. `type` is one that the specification knows. Reserved fields may hold anything. Pages lie in
/// `body`.
Record decode(RecordType type, std::span<const std::byte> body);

}  // namespace assay::migration
