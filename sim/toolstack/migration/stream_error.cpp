#include "sim/toolstack/migration/stream_error.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace assay::migration {

namespace {

std::string hex(uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%" PRIx64, value);
  return text.data();
}

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
