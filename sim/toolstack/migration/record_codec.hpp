/// Bodies of records as bytes, and back.
#pragma once

#include <span>

#include "sim/toolstack/migration/records.hpp"
#include "sim/toolstack/migration/stream_error.hpp"

namespace assay::migration {

/// Without padding. Throws RecordFault for a record that is none of the specification, or that has no content.
Bytes encode(const Record& record);
/// Throws RecordFault. `type` is one that the specification knows. Reserved fields may hold anything.
Record decode(RecordType type, std::span<const std::byte> body);

}  // namespace assay::migration
