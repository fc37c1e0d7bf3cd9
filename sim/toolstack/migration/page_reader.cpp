#include "sim/toolstack/migration/page_reader.hpp"

#include <array>
#include <cstring>

#include "sim/abi/page_entry.hpp"
#include "sim/toolstack/migration/page_tables.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

std::optional<uint64_t> PageReader::frame_of(uint64_t pfn) const {
  if (p2m_ == nullptr) return pfn;
  const uint64_t mfn = p2m_->mfns.at(pfn);
  return mfn == GuestP2m::kNoFrame ? std::nullopt : std::optional(mfn);
}

std::vector<PageReader::Page> PageReader::describe(std::span<const uint64_t> pfns) const {
  std::vector<Page> pages;
  pages.reserve(pfns.size());
  for (const uint64_t pfn : pfns) {
    if (const auto frame = frame_of(pfn)) pages.push_back({{pfn, PageType::kNormal}, *frame});
  }
  std::vector<uint64_t> types;
  types.reserve(pages.size());
  for (const Page& page : pages) types.push_back(page.frame);
  control_.page_types(types);
  for (size_t i = 0; i < pages.size(); ++i) {
    const auto type = static_cast<PageType>(types[i] >> XEN_DOMCTL_PFINFO_LTAB_SHIFT & 0xf);
    if (!is_known(type) || type == PageType::kBroken) {
      throw ToolstackError("pfn " + std::to_string(pages[i].entry.pfn) + " has type " +
                           std::to_string(static_cast<unsigned>(type)) + ", which cannot be sent");
    }
    pages[i].entry.type = type;
  }
  return pages;
}

void PageReader::normalise(const PageEntry& page, std::span<std::byte> content) const {
  std::array<uint64_t, kEntries> entries;
  std::memcpy(entries.data(), content.data(), kPageSize);
  const auto bad = translate_table(entries, table_level(page.type), [&](uint64_t mfn) { return p2m_->pfn_of(mfn); });
  if (bad) {
    throw ToolstackError("entry " + std::to_string(*bad) + " of the page table at pfn " + std::to_string(page.pfn) +
                         " leads to memory that is not in the guest's p2m list");
  }
  std::memcpy(content.data(), entries.data(), kPageSize);
}

std::vector<bool> PageReader::present(std::span<const uint64_t> pfns) const {
  std::vector<bool> is_there;
  for (const Page& page : describe(pfns)) {
    is_there.resize(page.entry.pfn);
    is_there.push_back(page.entry.type != PageType::kInvalid);
  }
  return is_there;
}

PageData PageReader::read(std::span<const uint64_t> pfns, PageRoom& room) const {
  PageData record;
  std::vector<uint64_t> frames;
  record.pages.reserve(pfns.size());
  frames.reserve(pfns.size());
  for (const Page& page : describe(pfns)) {
    // Nothing is there, and nothing was there before.
    if (page.entry.type == PageType::kInvalid) continue;
    record.pages.push_back(page.entry);
    if (has_content(page.entry.type)) frames.push_back(page.frame);
  }
  const std::span<std::byte> content = room.take(frames.size() * kPageSize);
  tools_.window.read(domain_, frames, content);
  record.content = room.content(content);
  std::span<std::byte> rest = content;
  for (const PageEntry& page : record.pages) {
    if (!has_content(page.type)) continue;
    if (table_level(page.type) != 0) normalise(page, rest.first(kPageSize));
    rest = rest.subspan(kPageSize);
  }
  return record;
}

}  // namespace assay::migration
