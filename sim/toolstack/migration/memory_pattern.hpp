/// Pages of a guest whose contents follow from a seed: what it must still know after it has been moved.
#pragma once

#include <string>

#include "sim/target/target.hpp"

namespace assay::migration {

class MemoryPattern {
 public:
  static constexpr uint64_t kPages = 64;

  explicit MemoryPattern(uint64_t seed) : seed_(seed) {}

  /// Fills kPages pages from `first` on, by vCPU 0.
  void fill(Domain& guest, Gva first) const;
  /// The first word there that is another one; empty: none is.
  [[nodiscard]] std::string difference(Domain& guest, Gva first) const;

 private:
  [[nodiscard]] uint64_t word(uint64_t page, uint64_t index) const;
  uint64_t seed_;
};

}  // namespace assay::migration
