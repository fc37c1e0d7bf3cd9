/// A trace that is kept: a file of its own format, to be read by the same version of it.
///
/// "ASSAYTRC", version (4 bytes), subject (length, bytes), dropped (8), count of events (8), the events, a digest of
/// all that (8). Numbers are little-endian. An event is its time, pCPU, vCPU and kind, then what the kind has.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "sim/trace/trace.hpp"

namespace assay::trace {

/// Not a trace, one of another version, cut short or damaged: what and at which byte, without the file's name.
class TraceFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

constexpr uint32_t kTraceFileVersion = 1;
constexpr size_t kSubjectBytesMax = 64 << 10;

/// A longer subject is cut.
std::string to_bytes(const Trace& trace);
/// Every event of the result keeps what trace.hpp says of it. Throws TraceFileError.
Trace from_bytes(std::span<const std::byte> file);

}  // namespace assay::trace
