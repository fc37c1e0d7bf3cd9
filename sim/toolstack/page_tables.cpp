#include "sim/toolstack/page_tables.hpp"

#include <cstring>

namespace assay::toolstack {

namespace {

class TableImage {
 public:
  TableImage(const MemoryPlan& plan, std::span<const uint64_t> p2m)
      : plan_(plan), p2m_(p2m), bytes_(plan.page_tables.count * kPageSize) {}

  /// Entry `index` of the table number `table` (0 = L4).
  void set(uint64_t table, unsigned index, uint64_t value) {
    std::memcpy(&bytes_[table * kPageSize + index * sizeof value], &value, sizeof value);
  }
  [[nodiscard]] uint64_t table_entry(uint64_t table) const {
    return entry(Mfn{p2m_[plan_.page_tables.first.raw() + table]}, kTableAttributes);
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  const MemoryPlan& plan_;
  std::span<const uint64_t> p2m_;
  std::vector<std::byte> bytes_;
};

bool is_table(const MemoryPlan& plan, uint64_t pfn) {
  return pfn >= plan.page_tables.first.raw() && pfn < plan.page_tables.end().raw();
}

}  // namespace

std::vector<std::byte> build_page_tables(const MemoryPlan& plan, std::span<const uint64_t> p2m) {
  TableImage image(plan, p2m);
  const Gva base = plan.va(Pfn{0});
  image.set(0, table_index(base, 4), image.table_entry(1));
  image.set(1, table_index(base, 3), image.table_entry(2));
  for (uint64_t table = kUpperTables; table < plan.page_tables.count; ++table) {
    image.set(2, static_cast<unsigned>(table - kUpperTables), image.table_entry(table));
  }
  for (uint64_t pfn = 0; pfn < plan.mapped_pages; ++pfn) {
    const uint64_t attributes = is_table(plan, pfn) ? kLeafAttributes & ~kPteWritable : kLeafAttributes;
    image.set(kUpperTables + pfn / kTableEntries, pfn % kTableEntries, entry(Mfn{p2m[pfn]}, attributes));
  }
  return image.take();
}

}  // namespace assay::toolstack
