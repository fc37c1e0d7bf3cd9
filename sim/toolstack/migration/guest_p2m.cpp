#include "sim/toolstack/migration/guest_p2m.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "sim/abi/page_entry.hpp"
#include "sim/toolstack/memory_plan.hpp"
#include "sim/toolstack/page_tables.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

namespace {

constexpr unsigned kRootLevel = 4;
/// Bits 62 and 63 of an entry: a frame that is mapped one to one, or somebody else's. Source: Linux, which all guests
/// follow here; none of them names memory of the guest.
constexpr uint64_t kForeignEntry = uint64_t{3} << 62;
constexpr uint64_t kNoList = ~uint64_t{0};

using Words = std::array<uint64_t, kP2mEntriesPerFrame>;

/// Frames of the guest, one at a time; the last one of each level of a walk is remembered.
class FrameReader {
 public:
  FrameReader(toolstack::ForeignWindow& window, DomId domain) : window_(window), domain_(domain) {}
  const Words& words(uint64_t mfn, unsigned slot) {
    Slot& kept = slots_.at(slot);
    if (!kept.mfn || *kept.mfn != mfn) {
      window_.read(domain_, std::span(&mfn, 1), std::as_writable_bytes(std::span(kept.words)));
      kept.mfn = mfn;
    }
    return kept.words;
  }

 private:
  struct Slot {
    std::optional<uint64_t> mfn;
    Words words{};
  };
  toolstack::ForeignWindow& window_;
  DomId domain_;
  std::array<Slot, kRootLevel + 1> slots_{};
};

[[noreturn]] void refuse(const std::string& why) {
  throw ToolstackError("the guest's p2m list: " + why);
}

uint64_t walk(FrameReader& reader, uint64_t root, Gva va) {
  uint64_t table = root;
  for (unsigned level = kRootLevel; level > 0; --level) {
    const uint64_t entry = reader.words(table, level)[toolstack::table_index(va, level)];
    if ((entry & kPtePresent) == 0) refuse("p2m_vaddr is not mapped in p2m_cr3");
    if (level > 1 && (entry & kPteLarge) != 0) refuse("p2m_vaddr is mapped by a large page");
    table = (entry & kPteFrame) >> kPageShift;
  }
  return table;
}

std::vector<uint64_t> linear_frames(FrameReader& reader, const arch_shared_info& info, uint64_t count) {
  std::vector<uint64_t> frames;
  if (info.p2m_vaddr % kPageSize != 0) refuse("p2m_vaddr is not page-aligned");
  if ((info.p2m_generation & 1) != 0) refuse("the guest stopped in the middle of changing it (p2m_generation)");
  for (uint64_t i = 0; i < count; ++i) {
    frames.push_back(walk(reader, xen_cr3_to_pfn(info.p2m_cr3), Gva{info.p2m_vaddr} + i * kPageSize));
  }
  return frames;
}

std::vector<uint64_t> listed_frames(FrameReader& reader, uint64_t list_of_lists, uint64_t count) {
  std::vector<uint64_t> frames;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t list = reader.words(list_of_lists, 2)[i / kP2mEntriesPerFrame];
    frames.push_back(reader.words(list, 1)[i % kP2mEntriesPerFrame]);
  }
  return frames;
}

void index_frames(GuestP2m& p2m) {
  for (uint64_t pfn = 0; pfn < p2m.mfns.size(); ++pfn) {
    uint64_t& mfn = p2m.mfns[pfn];
    if ((mfn & kForeignEntry) != 0) mfn = GuestP2m::kNoFrame;
    if (mfn != GuestP2m::kNoFrame) p2m.pfns.emplace_back(mfn, pfn);
  }
  std::ranges::sort(p2m.pfns);
  const auto twice = std::ranges::adjacent_find(p2m.pfns, {}, &std::pair<uint64_t, uint64_t>::first);
  if (twice == p2m.pfns.end()) return;
  refuse("pfns " + std::to_string(twice->second) + " and " + std::to_string((twice + 1)->second) +
         " have the same machine frame");
}

}  // namespace

std::optional<uint64_t> GuestP2m::pfn_of(uint64_t mfn) const {
  const auto found = std::ranges::lower_bound(pfns, mfn, {}, &std::pair<uint64_t, uint64_t>::first);
  return found == pfns.end() || found->first != mfn ? std::nullopt : std::optional(found->second);
}

GuestP2m make_p2m(std::vector<uint64_t> mfns) {
  GuestP2m p2m;
  p2m.mfns = std::move(mfns);
  index_frames(p2m);
  return p2m;
}

GuestP2m read_guest_p2m(toolstack::ForeignWindow& window, DomId domain, const arch_shared_info& info) {
  if (info.max_pfn == 0) refuse("max_pfn of shared_info is 0: the guest has announced none");
  if (info.max_pfn > toolstack::kPagesMax) {
    refuse("max_pfn is " + std::to_string(info.max_pfn) + "; at most " + std::to_string(toolstack::kPagesMax) +
           " are supported");
  }
  const uint64_t count = (info.max_pfn + kP2mEntriesPerFrame - 1) / kP2mEntriesPerFrame;
  FrameReader reader(window, domain);
  GuestP2m p2m;
  if (info.p2m_cr3 != 0) {
    p2m.frames = linear_frames(reader, info, count);
  } else if (info.pfn_to_mfn_frame_list_list != 0 && info.pfn_to_mfn_frame_list_list != kNoList) {
    p2m.frames = listed_frames(reader, info.pfn_to_mfn_frame_list_list, count);
  } else {
    refuse("shared_info has neither p2m_cr3 nor pfn_to_mfn_frame_list_list");
  }
  p2m.mfns.resize(count * kP2mEntriesPerFrame);
  window.read(domain, p2m.frames, std::as_writable_bytes(std::span(p2m.mfns)));
  p2m.mfns.resize(info.max_pfn);
  index_frames(p2m);
  return p2m;
}

}  // namespace assay::migration
