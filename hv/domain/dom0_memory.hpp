/// The first domain's memory while it is being built: pseudo-physical frames in few contiguous runs of machine frames.
#pragma once

#include <array>
#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/base/host.hpp"
#include "hv/mm/domain_memory.hpp"

namespace hv {

class Dom0Memory {
 public:
  explicit Dom0Memory(DomainMemory& memory) : memory_(memory) {}

  /// Allocates and places frames 0..pages-1. ENOMEM: not so many, or in too many pieces.
  Status populate(uint64_t pages);

  /// `pfn` must have been populated.
  [[nodiscard]] Mfn mfn(uint64_t pfn) const {
    const Run& run = run_of(pfn);
    return Mfn{run.mfn.raw() + (pfn - run.pfn)};
  }
  [[nodiscard]] uint8_t* bytes(uint64_t pfn) const { return frame_bytes(mfn(pfn)); }

  /// Copies to pseudo-physical bytes [at, at + count).
  void write(uint64_t at, const void* from, uint64_t count) const;

 private:
  struct Run {
    uint64_t pfn;
    Mfn mfn;
    uint64_t frames;
  };

  [[nodiscard]] const Run& run_of(uint64_t pfn) const {
    for (uint32_t i = 0; i < run_count_; ++i) {
      if (pfn - runs_[i].pfn < runs_[i].frames) return runs_[i];
    }
    panic("dom0 builder: no such frame");
  }

  DomainMemory& memory_;
  std::array<Run, 64> runs_{};
  uint32_t run_count_ = 0;
};

}  // namespace hv
