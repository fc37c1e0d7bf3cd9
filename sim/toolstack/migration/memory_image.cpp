#include "sim/toolstack/migration/memory_image.hpp"

#include <xxh_x86dispatch.h>

#include <algorithm>
#include <numeric>

#include "sim/toolstack/migration/page_reader.hpp"

namespace assay::migration {

void MemoryImage::add(const PageData& record) {
  uint64_t offset = 0;
  for (const PageEntry& entry : record.pages) {
    if (entry.pfn >= pages_.size()) pages_.resize(entry.pfn + 1);
    pages_[entry.pfn].reset();
    if (entry.type == PageType::kInvalid) continue;
    pages_[entry.pfn] = Page{0, entry.type};
    if (!has_content(entry.type)) continue;
    pages_[entry.pfn]->digest = XXH3_64bits(record.content.view().subspan(offset, kPageSize).data(), kPageSize);
    offset += kPageSize;
  }
}

uint64_t MemoryImage::pages() const {
  return static_cast<uint64_t>(std::ranges::count_if(pages_, [](const auto& page) { return page.has_value(); }));
}

std::optional<MemoryImage::Page> MemoryImage::page(uint64_t pfn) const {
  return pfn < pages_.size() ? pages_[pfn] : std::nullopt;
}

std::string MemoryImage::difference(const MemoryImage& other, const std::vector<uint64_t>& but_for) const {
  constexpr uint64_t kNamed = 8;
  uint64_t count = 0;
  std::string names;
  for (uint64_t pfn = 0; pfn < std::max(pages_.size(), other.pages_.size()); ++pfn) {
    if (page(pfn) == other.page(pfn) || std::ranges::find(but_for, pfn) != but_for.end()) continue;
    if (count++ < kNamed) names += " " + std::to_string(pfn);
  }
  return count == 0 ? "" : std::to_string(count) + " pages differ, of these pfns:" + names;
}

std::vector<uint64_t> rewritten_pfns(const GuestSpace& space) {
  const auto pfn = [&](Gva va) { return (va.raw() - space.va_offset) >> kPageShift; };
  if (space.p2m == Gva{}) return {};
  std::vector<uint64_t> pfns{pfn(space.start_info)};
  for (uint64_t at = 0; at < space.pages; at += kP2mEntriesPerFrame) {
    pfns.push_back(pfn(space.p2m) + at / kP2mEntriesPerFrame);
  }
  return pfns;
}

MemoryImage image_of_stream(ByteSource& source) {
  StreamReader reader(source);
  MemoryImage image;
  while (const auto record = reader.next_in_place()) {
    if (const auto* const pages = std::get_if<PageData>(&*record)) image.add(*pages);
  }
  return image;
}

MemoryImage image_of_domain(const Tools& tools, DomId domain, const std::vector<uint64_t>& frames, bool is_pv) {
  constexpr uint64_t kBatchPages = 256;
  const GuestP2m p2m = is_pv ? make_p2m(frames) : GuestP2m{};
  const PageReader reader(tools, domain, is_pv ? &p2m : nullptr);
  MemoryImage image;
  PageRoom room;
  std::vector<uint64_t> pfns(frames.size());
  std::iota(pfns.begin(), pfns.end(), 0);
  for (uint64_t first = 0; first < pfns.size(); first += kBatchPages) {
    image.add(reader.read(std::span(pfns).subspan(first, std::min(kBatchPages, pfns.size() - first)), room));
  }
  tools.window.unmap();
  return image;
}

}  // namespace assay::migration
