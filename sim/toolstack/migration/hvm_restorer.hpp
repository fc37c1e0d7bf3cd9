/// A PVH domain that is restored.
#pragma once

#include "sim/toolstack/migration/page_writer.hpp"
#include "sim/toolstack/migration/restorer.hpp"

namespace assay::migration {

/// Functions that take a record throw RecordFault when it does not fit; all throw ToolstackError.
class HvmRestorer {
 public:
  /// Gives the domain its paging pool, too.
  HvmRestorer(const Tools& tools, DomId domain, const GuestSpec& spec, const RestoreLimits& limits);

  void take(const PageData& record) { pages_.take(record); }
  void take(const HvmParams& record);
  void take_context(const Bytes& context);
  /// All has come.
  void finish();

  [[nodiscard]] const std::vector<uint64_t>& frames() const { return pages_.frames(); }
  [[nodiscard]] const std::optional<RestoredRing>& store() const { return store_; }
  [[nodiscard]] const std::optional<RestoredRing>& console() const { return console_; }

 private:
  /// A port of its own for a ring at `gfn`, if that is one.
  [[nodiscard]] std::optional<RestoredRing> make_ring(uint64_t gfn, uint32_t port_param) const;
  Tools tools_;
  DomId domain_;
  PageWriter pages_;
  Bytes context_;
  uint64_t store_gfn_ = 0, console_gfn_ = 0;
  std::optional<RestoredRing> store_, console_;
};

}  // namespace assay::migration
