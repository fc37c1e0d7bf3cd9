#include "sim/toolstack/migration/stream_error.hpp"

#include "sim/base/hex.hpp"

namespace assay::migration {

namespace {

std::string place(uint64_t record, const std::string& name) {
  return name.empty() ? "headers" : "record " + std::to_string(record) + " (" + name + ")";
}

}  // namespace

StreamError::StreamError(uint64_t record, const std::string& record_name, uint64_t offset, const std::string& what,
                         const std::string& expected)
    : std::runtime_error("migration stream, " + place(record, record_name) + " at offset " + hex(offset) + ": " + what +
                         "; expected " + expected),
      record_(record),
      offset_(offset) {}

}  // namespace assay::migration
