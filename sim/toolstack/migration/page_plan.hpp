/// What a restorer has to do for the PAGE_DATA records that come in. Pure: no hypercall is made here.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/toolstack/migration/records.hpp"

namespace assay::migration {

class PagePlan {
 public:
  /// For pfns 0..pages-1.
  explicit PagePlan(uint64_t pages) : types_(pages, PageType::kInvalid), is_populated_(pages) {}

  struct Batch {
    std::vector<uint64_t> populate;  ///< those that have no memory yet, each once
    std::vector<uint64_t> content;   ///< page k of the record's content belongs to pfn content[k]
  };
  /// Throws RecordFault: a pfn out of range, or a page that cannot be restored.
  Batch admit(const PageData& record);

  [[nodiscard]] uint64_t pages() const { return types_.size(); }
  /// As the last record that had the page said; kInvalid for one that never came.
  [[nodiscard]] PageType type(uint64_t pfn) const { return types_.at(pfn); }
  [[nodiscard]] bool is_populated(uint64_t pfn) const { return pfn < pages() && is_populated_[pfn]; }

 private:
  std::vector<PageType> types_;
  std::vector<bool> is_populated_;
};

}  // namespace assay::migration
