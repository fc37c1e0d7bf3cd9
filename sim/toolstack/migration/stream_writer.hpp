/// Writes a migration stream.
#pragma once

#include "sim/toolstack/migration/byte_channel.hpp"
#include "sim/toolstack/migration/record_order.hpp"
#include "sim/toolstack/migration/records.hpp"

namespace assay::migration {

struct DomainHeader {
  DomainType type = DomainType::kPv;
  uint32_t xen_major = 0, xen_minor = 0;
  bool operator==(const DomainHeader&) const = default;
};

class StreamWriter {
 public:
  /// Writes both headers. `sink` must outlive the writer.
  StreamWriter(ByteSink& sink, const DomainHeader& domain);

  /// HarnessFault for a record that is none, or that may not come here: the specification is the caller's to keep.
  void write(const Record& record);
  [[nodiscard]] uint64_t bytes_written() const { return written_; }

 private:
  void put(std::span<const std::byte> bytes);
  ByteSink* sink_;
  RecordOrder order_;
  uint64_t written_ = 0;
};

}  // namespace assay::migration
