#include "hv/mm/paging_pool.hpp"

#include <cstring>

#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv {

Mfn take_paging_frame(DomainMemory& memory) {
  const Mfn mfn = memory.paging_pool.head;
  if (mfn == Mfn{}) return kInvalidMfn;
  list_remove(memory.paging_pool, mfn);
  list_append(memory.paging_tables, mfn);
  return mfn;
}

void give_back_paging_frame(DomainMemory& memory, Mfn mfn) {
  list_remove(memory.paging_tables, mfn);
  std::memset(frame_bytes(mfn), 0, kPageSize);
  list_append(memory.paging_pool, mfn);
}

void give_back_paging_tables(DomainMemory& memory) {
  while (memory.paging_tables.count != 0) {
    give_back_paging_frame(memory, memory.paging_tables.head);
  }
}

Status resize_paging_pool(DomainMemory& memory, uint64_t frames) {
  const uint64_t used = memory.paging_tables.count;
  const uint64_t wanted = frames < used ? used : frames;
  while (memory.paging_pool_frames < wanted) {
    const Mfn mfn = alloc_core_frames(0);
    if (mfn == kInvalidMfn) return fail(XEN_ENOMEM);
    list_append(memory.paging_pool, mfn);
    ++memory.paging_pool_frames;
  }
  while (memory.paging_pool_frames > wanted) {
    const Mfn mfn = memory.paging_pool.head;
    list_remove(memory.paging_pool, mfn);
    free_core_frames(mfn, 0);
    --memory.paging_pool_frames;
  }
  return kOk;
}

Result<uint64_t> paging_pool_bytes(const DomainMemory& memory) {
  if (memory.kind != GuestKind::kHvm) return fail(XEN_EOPNOTSUPP);
  return memory.paging_pool_frames * kPageSize;
}

Status set_paging_pool_bytes(DomainMemory& memory, uint64_t bytes) {
  if (memory.kind != GuestKind::kHvm) return fail(XEN_EOPNOTSUPP);
  if (bytes % kPageSize != 0) return fail(XEN_EINVAL);
  const uint64_t frames = bytes / kPageSize;
  if (frames != static_cast<uint32_t>(frames)) return fail(XEN_EINVAL);
  if (const Status status = resize_paging_pool(memory, frames); !status.ok()) return status;
  // What is in use stays: the pool is as small as it can be, and the caller is told (measured on 4.17).
  return memory.paging_pool_frames > frames ? fail(XEN_ENOMEM) : kOk;
}

}  // namespace hv
