#include "sim/toolstack/migration/page_plan.hpp"

#include <algorithm>
#include <string>

#include "sim/toolstack/migration/fault.hpp"
#include "sim/toolstack/migration/stream_error.hpp"

namespace assay::migration {

PagePlan::Batch PagePlan::admit(const PageData& record) {
  for (const PageEntry& page : record.pages) {
    const auto name = [&] { return "pfn " + std::to_string(page.pfn); };
    if (page.pfn >= pages()) throw RecordFault{name(), "one of the domain's " + std::to_string(pages()) + " pages"};
    if (page.type == PageType::kBroken) throw RecordFault{name() + " is broken", "memory that works"};
  }
  Batch batch;
  for (const PageEntry& page : record.pages) {
    types_[page.pfn] = page.type;
    if (page.type == PageType::kInvalid) continue;
    if (!is_populated_[page.pfn]) batch.populate.push_back(page.pfn);
    if (!fault("stream.frame_populated_twice")) is_populated_[page.pfn] = true;
    if (has_content(page.type)) batch.content.push_back(page.pfn);
  }
  for (const uint64_t pfn : batch.populate) is_populated_[pfn] = true;
  if (fault("stream.holes_shift_content") && batch.content.size() < record.pages.size() && !batch.content.empty()) {
    std::ranges::rotate(batch.content, batch.content.begin() + 1);
  }
  return batch;
}

}  // namespace assay::migration
