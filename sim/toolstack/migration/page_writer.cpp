#include "sim/toolstack/migration/page_writer.hpp"

#include "sim/toolstack/migration/guest_p2m.hpp"

namespace assay::migration {

PageWriter::PageWriter(const Tools& tools, DomId domain, uint64_t pages)
    : tools_(tools), domain_(domain), plan_(pages), frames_(pages, GuestP2m::kNoFrame) {}

void PageWriter::take(const PageData& record) {
  const PagePlan::Batch batch = plan_.admit(record);
  if (!batch.populate.empty()) {
    const std::vector<uint64_t> made = tools_.control.populate(domain_, batch.populate);
    for (size_t i = 0; i < made.size(); ++i) frames_[batch.populate[i]] = made[i];
  }
  std::vector<uint64_t> frames;
  for (const uint64_t pfn : batch.content) frames.push_back(frames_[pfn]);
  tools_.window.write(domain_, frames, record.content.view());
}

std::optional<uint64_t> PageWriter::frame_of(uint64_t pfn) const {
  if (!plan_.is_populated(pfn)) return std::nullopt;
  return frames_[pfn];
}

}  // namespace assay::migration
