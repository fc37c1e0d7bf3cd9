#include "sim/toolstack/migration/page_plan.hpp"

#include <string>

#include "sim/toolstack/migration/stream_error.hpp"

namespace assay::migration {

PagePlan::Batch PagePlan::admit(const PageData& record) {
  for (const PageEntry& page : record.pages) {
    const std::string name = "pfn " + std::to_string(page.pfn);
    if (page.pfn >= pages()) throw RecordFault{name, "one of the domain's " + std::to_string(pages()) + " pages"};
    if (page.type == PageType::kBroken) throw RecordFault{name + " is broken", "memory that works"};
  }
  Batch batch;
  for (const PageEntry& page : record.pages) {
    types_[page.pfn] = page.type;
    if (page.type == PageType::kInvalid) continue;
    if (!is_populated_[page.pfn]) batch.populate.push_back(page.pfn);
    is_populated_[page.pfn] = true;
    if (has_content(page.type)) batch.content.push_back(page.pfn);
  }
  return batch;
}

}  // namespace assay::migration
