/// A few places of a guest's pseudo-physical memory, and how much it has: reservations, and for translated guests the
/// physmap.
///
/// Sources: the requirements MEM-RES, MEM-XCHG, MEM-STAT and MEM-PHYSMAP.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace assay::model {

class MemoryModel {
 public:
  struct Place {
    enum class Kind : uint8_t { kEmpty, kRam, kGrantFrame };
    Kind kind = Kind::kEmpty;
    uint64_t word = 0;         ///< kRam: the first of the page
    uint32_t grant_index = 0;  ///< kGrantFrame
  };

  /// All of them hold memory; `pages` is what the guest has in all, and may have.
  MemoryModel(uint32_t places, uint64_t pages) : places_(places), pages_(pages), limit_(pages) {
    for (Place& place : places_) place.kind = Place::Kind::kRam;
  }
  [[nodiscard]] const std::vector<Place>& places() const { return places_; }
  [[nodiscard]] Place& place(uint32_t index) { return places_.at(index); }
  [[nodiscard]] uint64_t pages() const { return pages_; }
  [[nodiscard]] uint64_t limit() const { return limit_; }

  /// The toolstack's; below what the guest has it stops growth alone.
  void set_limit(uint64_t pages) { limit_ = pages; }
  /// Extents dealt with. Memory that was there stays the guest's, without a place.
  int64_t populate(std::span<const uint32_t> places);
  int64_t decrease(std::span<const uint32_t> places);
  /// Memory without a place.
  int64_t increase(uint64_t count);
  /// What is taken out of its place stays the guest's.
  int64_t remove_from_physmap(uint32_t place);
  /// XENMAPSPACE_gmfn: moves memory; what is at `to` is freed.
  int64_t move(uint32_t from, uint32_t to);
  /// XENMAPSPACE_grant_table: a frame of the table is at one place at a time.
  int64_t show_grant_frame(uint32_t index, uint32_t place);

 private:
  void give_up(Place& place);

  std::vector<Place> places_;
  uint64_t pages_;
  uint64_t limit_;
};

}  // namespace assay::model
