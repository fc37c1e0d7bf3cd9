/// A stream that is not as the specification says.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace assay::migration {

/// "migration stream, record 4 (PAGE_DATA) at offset 0x58: count is 0; expected at least 1".
class StreamError : public std::runtime_error {
 public:
  /// Record 0 is the first one behind the headers. `record_name` is empty for the headers themselves.
  StreamError(uint64_t record, const std::string& record_name, uint64_t offset, const std::string& what,
              const std::string& expected);
  [[nodiscard]] uint64_t record() const { return record_; }
  [[nodiscard]] uint64_t offset() const { return offset_; }

 private:
  uint64_t record_, offset_;
};

/// The source has ended before the stream has.
class StreamCut : public StreamError {
 public:
  using StreamError::StreamError;
};

/// What is wrong with a record, before it is known where in a stream that is.
struct RecordFault {
  std::string what, expected;
};

}  // namespace assay::migration
