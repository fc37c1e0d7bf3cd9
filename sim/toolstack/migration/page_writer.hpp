/// Gives a new domain the memory that PAGE_DATA records describe.
#pragma once

#include <optional>

#include "sim/toolstack/migration/page_plan.hpp"
#include "sim/toolstack/migration/saver.hpp"

namespace assay::migration {

class PageWriter {
 public:
  /// For pfns 0..pages-1.
  PageWriter(const Tools& tools, DomId domain, uint64_t pages);

  /// Throws RecordFault as PagePlan does, or ToolstackError.
  void take(const PageData& record);

  [[nodiscard]] const PagePlan& plan() const { return plan_; }
  /// What the domain's type names the page by; nothing when it has no memory.
  [[nodiscard]] std::optional<uint64_t> frame_of(uint64_t pfn) const;
  /// By pfn, GuestP2m::kNoFrame for one without memory.
  [[nodiscard]] const std::vector<uint64_t>& frames() const { return frames_; }

 private:
  Tools tools_;
  DomId domain_;
  PagePlan plan_;
  std::vector<uint64_t> frames_;
};

}  // namespace assay::migration
