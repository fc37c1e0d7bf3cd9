#include "hv/mm/frame_table.hpp"

#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/free_blocks.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/translations.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

namespace detail {
FrameInfo* frame_table = nullptr;
uint64_t frame_count = 0;
}  // namespace detail

namespace {

DomainMemory core_owner;
DomainMemory io_owner;

/// The frame table lies in the lowest machine frames: as large as the machine asks for, and none of the arena.
uint64_t reserved_frames(uint64_t frames) {
  const uint64_t table = (frames * sizeof(FrameInfo) + kPageSize - 1) / kPageSize;
  return table < kFirstRamFrame ? kFirstRamFrame : table;
}

}  // namespace

void mm_init() {
  detail::frame_table = reinterpret_cast<FrameInfo*>(host().memory);
  detail::frame_count = host().frames;
  translations_init();
  // A new machine in a process that had another one before.
  new (&core_owner) DomainMemory;
  new (&io_owner) DomainMemory;
  core_owner.id = DomId{DOMID_XEN};
  io_owner.id = DomId{DOMID_IO};

  const uint64_t reserved = reserved_frames(host().frames);
  HV_ASSERT(reserved < host().frames);
  for (uint64_t frame = 0; frame < reserved; ++frame) frame_info(Mfn{frame}).state = FrameState::kCore;
  free_blocks_init(Mfn{reserved}, host().frames);
  forget_claims();
  m2p_init();
}

DomainMemory& core_memory() {
  return core_owner;
}
DomainMemory& io_memory() {
  return io_owner;
}

void list_append(FrameList& list, Mfn mfn) {
  FrameInfo& info = frame_info(mfn);
  info.next = 0;
  info.prev = static_cast<uint32_t>(list.tail.raw());
  if (list.tail == Mfn{}) {
    list.head = mfn;
  } else {
    frame_info(list.tail).next = static_cast<uint32_t>(mfn.raw());
  }
  list.tail = mfn;
  ++list.count;
}

void list_remove(FrameList& list, Mfn mfn) {
  HV_ASSERT(list.count > 0);
  FrameInfo& info = frame_info(mfn);
  if (info.prev == 0) {
    HV_ASSERT(list.head == mfn);
    list.head = Mfn{info.next};
  } else {
    frame_info(Mfn{info.prev}).next = info.next;
  }
  if (info.next == 0) {
    HV_ASSERT(list.tail == mfn);
    list.tail = Mfn{info.prev};
  } else {
    frame_info(Mfn{info.next}).prev = info.prev;
  }
  info.next = info.prev = 0;
  --list.count;
}

}  // namespace hv
