/// Reads a migration stream, which may come from anybody.
#pragma once

#include <optional>

#include "sim/toolstack/migration/byte_channel.hpp"
#include "sim/toolstack/migration/record_order.hpp"
#include "sim/toolstack/migration/records.hpp"
#include "sim/toolstack/migration/stream_writer.hpp"

namespace assay::migration {

/// Holds one record at a time, of kBodyBytesMax at most.
class StreamReader {
 public:
  /// Reads both headers. `source` must outlive the reader. Throws StreamError, as all of it does: StreamCut where the
  /// source ends too early.
  explicit StreamReader(ByteSource& source);

  [[nodiscard]] const DomainHeader& domain() const { return domain_; }
  [[nodiscard]] uint32_t version() const { return version_; }
  /// The next record; optional ones that nobody knows are passed over. Nothing behind END.
  std::optional<Record> next();
  /// The same, but pages lie where they came: until the next call, or for as long as the source's bytes stay if that
  /// ends before.
  std::optional<Record> next_in_place();
  /// Where the record is that next() returned last.
  struct Place {
    uint64_t record = 0;  ///< its number
    std::string name;     ///< empty: the headers
    uint64_t offset = 0;
    /// For whoever finds something wrong with what it says.
    [[nodiscard]] StreamError fault(const std::string& what, const std::string& expected) const;
  };
  [[nodiscard]] const Place& place() const { return place_; }
  /// The source ends here, too.
  void must_end();
  [[nodiscard]] uint64_t optional_records() const { return optional_records_; }
  [[nodiscard]] uint64_t bytes_read() const { return offset_; }

 private:
  void read_image_header();
  void read_domain_header();
  void read_exactly(std::span<std::byte> out, const std::string& of);
  void pass_over(uint64_t bytes);
  std::span<const std::byte> take_body(uint64_t bytes);
  Record read_body(RecordType type, uint64_t bytes);
  template <typename T>
  T read(const std::string& of);
  [[noreturn]] void refuse(const std::string& what, const std::string& expected) const;

  ByteSource* source_;
  DomainHeader domain_;
  uint32_t version_ = 0;
  std::optional<RecordOrder> order_;
  Place place_;
  uint64_t offset_ = 0;  ///< what was read so far
  uint64_t optional_records_ = 0;
  Bytes body_;
};

}  // namespace assay::migration
