/// A PVH domain that is restored.
#pragma once

#include "sim/toolstack/migration/page_writer.hpp"
#include "sim/toolstack/migration/restorer.hpp"

namespace assay::migration {

/// Functions that take a record throw RecordFault when it does not fit; all throw ToolstackError.
class HvmRestorer {
 public:
  /// Gives the domain its paging pool, too.
  HvmRestorer(const Tools& tools, DomId domain, const GuestSpec& spec);

  void take(const PageData& record) { pages_.take(record); }
  void take(const HvmParams& record) const;
  void take_context(const Bytes& context);
  /// All has come.
  void finish();

  [[nodiscard]] const std::vector<uint64_t>& frames() const { return pages_.frames(); }

 private:
  Tools tools_;
  DomId domain_;
  PageWriter pages_;
  Bytes context_;
};

}  // namespace assay::migration
