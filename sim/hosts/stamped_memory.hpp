/// Memory of a guest in which every page says which page it is and how often it was written: what a migration loses,
/// repeats or mixes up is seen.
#pragma once

#include <string>
#include <vector>

#include "sim/engine/rng.hpp"
#include "sim/target/target.hpp"

namespace assay::hosts {

class StampedMemory {
 public:
  /// Takes so many pages of the guest's heap, and stamps each. The first `vcpus` vCPUs write in turns.
  StampedMemory(Domain& guest, uint64_t pages, uint32_t vcpus, const Rng& random);

  [[nodiscard]] Gva page(uint64_t page) const { return front(page); }
  [[nodiscard]] uint64_t pages() const { return generations_.size(); }
  /// Writes the next stamp to so many pages, chosen at random.
  void write(Domain& guest, uint64_t count);
  /// To this one. Returns where it is.
  Gva write_page(Domain& guest, uint64_t page);
  /// What is wrong with the first page that is not as it was left; empty: none is.
  [[nodiscard]] std::string check(Domain& guest) const;

 private:
  /// At both ends of a page, and different at each.
  struct Stamp {
    uint64_t page, generation;
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] Gva front(uint64_t page) const { return first_ + page * kPageSize; }
  [[nodiscard]] Gva back(uint64_t page) const { return front(page) + (kPageSize - sizeof(Stamp)); }
  void stamp(Domain& guest, uint64_t page) const;

  Gva first_;
  std::vector<uint32_t> generations_;
  uint32_t vcpus_;
  Rng random_;
};

}  // namespace assay::hosts
