#include "sim/toolstack/migration/page_tables.hpp"

#include "sim/abi/page_entry.hpp"
#include "sim/base/strong.hpp"

namespace assay::migration {

namespace {

constexpr unsigned kRootLevel = 4;

bool is_hypervisors(unsigned level, unsigned index) {
  return level == kRootLevel && index >= kXenSlotFirst && index <= kXenSlotLast;
}

}  // namespace

std::optional<unsigned> translate_table(std::span<uint64_t, 512> entries, unsigned level, const TranslateFrame& to) {
  for (unsigned index = 0; index < entries.size(); ++index) {
    uint64_t& entry = entries[index];
    if (is_hypervisors(level, index)) entry = 0;
    if ((entry & kPtePresent) == 0) continue;
    const std::optional<uint64_t> frame = to((entry & kPteFrame) >> kPageShift);
    if (!frame) return index;
    entry = (entry & ~kPteFrame) | *frame << kPageShift;
  }
  return std::nullopt;
}

}  // namespace assay::migration
