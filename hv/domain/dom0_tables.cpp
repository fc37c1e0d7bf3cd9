#include "hv/domain/dom0_tables.hpp"

#include "hv/mm/page_tables.hpp"

namespace hv {

namespace {

class TableWriter {
 public:
  TableWriter(const Dom0Layout& layout, const Dom0Memory& memory)
      : layout_(layout),
        memory_(memory),
        counts_(tables_for(layout.base, layout.end)),
        first_pfn_(layout.pfn(layout.page_tables)) {}

  void write() const {
    link(4, 0, counts_.l3);
    link(3, 1, counts_.l2);
    link(2, 1 + counts_.l3, counts_.l1);
    map_pages();
  }

 private:
  static constexpr uint64_t kBranch = kPtePresent | kPteWritable | kPteUser | kPteAccessed | kPteDirty;

  [[nodiscard]] uint64_t* table(uint64_t index) const {
    return reinterpret_cast<uint64_t*>(memory_.bytes(first_pfn_ + index));
  }

  /// Tables of `level` start at `first`; they name `children` tables, which follow the last of them.
  void link(unsigned level, uint64_t first, uint64_t children) const {
    const uint64_t parents[] = {0, 0, counts_.l2, counts_.l3, 1};
    const uint64_t child_first = first + parents[level];
    const unsigned shift = kPageShift + 9 * (level - 1);
    const uint64_t base_slot = (layout_.base >> shift) & (kPteCount - 1);
    for (uint64_t i = 0; i < children; ++i) {
      const uint64_t slot = base_slot + i;
      const Mfn child = memory_.mfn(first_pfn_ + child_first + i);
      table(first + slot / kPteCount)[slot % kPteCount] = make_pte(child, kBranch);
    }
  }

  void map_pages() const {
    const uint64_t base_slot = (layout_.base >> kPageShift) & (kPteCount - 1);
    const uint64_t tables_end = first_pfn_ + layout_.page_table_frames;
    const uint64_t first_l1 = 1 + counts_.l3 + counts_.l2;
    uint64_t* entries = nullptr;
    for (uint64_t pfn = 0; pfn < layout_.mapped_frames(); ++pfn) {
      const uint64_t slot = base_slot + pfn;
      if (entries == nullptr || slot % kPteCount == 0) entries = table(first_l1 + slot / kPteCount);
      const bool read_only = pfn >= first_pfn_ && pfn < tables_end;
      const uint64_t flags = kPtePresent | kPteAccessed | kPteDirty | (read_only ? 0 : kPteWritable);
      entries[slot % kPteCount] = make_pte(memory_.mfn(pfn), flags);
    }
  }

  const Dom0Layout& layout_;
  const Dom0Memory& memory_;
  TableCounts counts_;
  uint64_t first_pfn_;
};

}  // namespace

void write_dom0_tables(const Dom0Layout& layout, const Dom0Memory& memory) {
  TableWriter(layout, memory).write();
}

}  // namespace hv
