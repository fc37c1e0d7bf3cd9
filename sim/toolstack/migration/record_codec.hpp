/// Bodies of records as bytes, and back.
#pragma once

#include <span>

#include "sim/toolstack/migration/records.hpp"
#include "sim/toolstack/migration/stream_error.hpp"

namespace assay::migration {

/// A body in one piece: bytes of its own, or the pages of the record where they lie, what is said of them in front.
struct EncodedBody {
  Bytes own;
  std::span<const std::byte> bytes;
};
/// Without padding. Throws RecordFault for a record that is none of the specification, or that has no content.
EncodedBody encode_in_place(const Record& record);
/// The same, apart from the record.
Bytes encode(const Record& record);
/// Throws RecordFault. `type` is one that the specification knows. Reserved fields may hold anything. Pages lie in
/// `body`.
Record decode(RecordType type, std::span<const std::byte> body);

}  // namespace assay::migration
