/// Two guests that grant pages to each other, with a few pages and windows each: what long sequences work on.
#pragma once

#include <array>
#include <vector>

#include "conformance/guest/grant_copy.hpp"
#include "conformance/guest/grant_pair.hpp"

namespace assay {

class GrantNeighbour {
 public:
  static constexpr uint32_t kPages = 3, kWindows = 3;
  static constexpr std::array<uint16_t, 4> kWordAt{0, 8, 2048, kPageSize - 8};

  GrantNeighbour(CaseContext& c, Vcpu& vcpu);

  [[nodiscard]] DomId id() const { return table.dom(); }
  /// Windows 0..kWindows-1, and one where nothing is ever mapped.
  [[nodiscard]] const GrantWindow& window(uint32_t index) const { return windows_.at(index); }
  [[nodiscard]] Gfn frame(uint32_t page) const { return frames_.at(page); }
  /// A word of a page; all ones where nothing can be read.
  uint64_t word(uint32_t page, uint32_t index) { return peek(pages_.at(page), index); }
  uint64_t word_in_window(uint32_t window, uint32_t index) { return peek(windows_.at(window).va, index); }
  /// Whether it could be written.
  bool write(uint32_t page, uint32_t index, uint64_t value) { return poke(pages_.at(page), index, value); }
  bool write_in_window(uint32_t window, uint32_t index, uint64_t value) {
    return poke(windows_.at(window).va, index, value);
  }
  /// GTF_reading and GTF_writing of an entry, as its granter sees them in the version in force.
  uint16_t in_use(GrantRef ref);
  /// The version as get_version tells it.
  uint32_t version() { return ops.get_version().arg.version; }

  GrantTable table;
  GrantOps ops;

 private:
  uint64_t peek(Gva page, uint32_t index);
  bool poke(Gva page, uint32_t index, uint64_t value);

  Vcpu* vcpu_;
  std::vector<Gva> pages_;
  std::vector<Gfn> frames_;
  std::vector<GrantWindow> windows_;
};

}  // namespace assay
