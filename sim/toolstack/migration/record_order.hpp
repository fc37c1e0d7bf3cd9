/// Which records may follow which. Source: docs/specs/libxc-migration-stream, chapters 5 and 6.1.
#pragma once

#include <set>

#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/migration/stream_format.hpp"

namespace assay::migration {

/// Follows a stream from its first record to END, on the side that writes it as well as on the one that reads.
class RecordOrder {
 public:
  RecordOrder(DomainType domain, uint32_t version) : domain_(domain), version_(version) {}

  /// The next record is of this type. Throws RecordFault when it may not come here.
  void admit(RecordType type);
  [[nodiscard]] bool is_complete() const { return is_complete_; }

 private:
  [[nodiscard]] bool has(RecordType type) const { return seen_.contains(type); }
  void admit_static() const;
  void admit_state(RecordType type);
  void check_prerequisites(RecordType type) const;
  void check_whole(const std::string& where) const;

  DomainType domain_;
  uint32_t version_;
  bool static_data_ended_ = false;
  bool is_at_checkpoint_ = false;  ///< the last record was one
  bool is_complete_ = false;
  std::set<RecordType> seen_;  ///< of what may come once: since the start, or since the last CHECKPOINT
};

}  // namespace assay::migration
