/// What a memory writer writes to: pages of its domain, reached through the domain's own page tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/engine/machine.hpp"
#include "sim/guest/memory/guest_memory.hpp"

namespace assay::scenario {

class PageWriter {
 public:
  /// `pages` pages of the domain, from `first_va` on. `machine` outlives it.
  PageWriter(const Machine& machine, uint64_t first_va, uint32_t pages)
      : memory_(machine.memory(), machine.frames()), first_va_(first_va), last_(pages) {}

  /// As the vCPU of `run`. A page must still hold what was written to it last.
  void write(const assay_run& run, uint32_t page);
  [[nodiscard]] uint64_t written() const { return written_; }
  /// A page that could not be reached, or had not kept what was written; empty: none so far.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  void complain(std::string words) {
    if (trouble_.empty()) trouble_ = std::move(words);
  }

  GuestMemory memory_;
  uint64_t first_va_;
  std::vector<uint64_t> last_;  ///< by page: what it holds
  uint64_t written_ = 0;
  std::string trouble_;
};

}  // namespace assay::scenario
