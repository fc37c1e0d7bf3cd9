#include "hv/domain/dom0_memory.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/physmap.hpp"

namespace hv {

namespace {

/// The largest block that there is, of at most `pages` frames; `order` says how large.
Result<Mfn> largest_block(DomainMemory& memory, uint64_t pages, unsigned& order) {
  order = std::min(static_cast<unsigned>(std::bit_width(pages)) - 1, kOrderMax);
  while (true) {
    const Result<Mfn> mfn = alloc_domain_frames(memory, order);
    if (mfn.ok() || order == 0) return mfn;
    --order;
  }
}

}  // namespace

Status Dom0Memory::populate(uint64_t pages) {
  uint64_t pfn = 0;
  while (pfn < pages) {
    if (run_count_ == runs_.size()) return fail(XEN_ENOMEM);
    unsigned order = 0;
    const Result<Mfn> mfn = largest_block(memory_, pages - pfn, order);
    if (!mfn.ok()) return mfn.status();
    runs_[run_count_++] = {pfn, *mfn, uint64_t{1} << order};
    if (const Status status = physmap_add(memory_, Gfn{pfn}, *mfn, order); !status.ok()) return status;
    pfn += uint64_t{1} << order;
  }
  return kOk;
}

void Dom0Memory::write(uint64_t at, const void* from, uint64_t count) const {
  const auto* source = static_cast<const uint8_t*>(from);
  while (count > 0) {
    const Run& run = run_of(at / kPageSize);
    const uint64_t offset = at - run.pfn * kPageSize;
    const uint64_t step = std::min(count, run.frames * kPageSize - offset);
    std::memcpy(frame_bytes(run.mfn) + offset, source, step);
    at += step;
    source += step;
    count -= step;
  }
}

}  // namespace hv
