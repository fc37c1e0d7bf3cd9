#include "hv/grant/host_mapping.hpp"

#include "hv/base/fault.hpp"
#include "hv/mm/page_entries.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

Gfn frame_of(const HostMapping& mapping) {
  return Gfn{mapping.addr >> kPageShift};
}

/// A frame of another HVM guest can never be a page table: only writers among PV64 frames, or its own, are counted.
bool counts_writers(const DomainMemory& memory, const DomainMemory& owner) {
  return &memory == &owner || owner.kind == GuestKind::kPv64;
}

HostMapResult map_for_hvm(const Mapper& mapper, const HostMapping& mapping, const DomainMemory& owner,
                          unsigned cache_bits) {
  DomainMemory& memory = *mapper.space.memory;
  const bool readonly = (mapping.flags & GNTMAP_readonly) != 0;
  // Attributes of caches and of page-table entries mean nothing in a second-stage table.
  if (cache_bits != 0 || (mapping.flags & ~uint32_t{GNTMAP_readonly}) != GNTMAP_host_map) return {};
  const bool count = !readonly && counts_writers(memory, owner);
  if (!hold_frame(mapping.mfn, owner, count)) return {};
  const LockGuard guard(memory.lock);
  const Status status = stage2_map_grant(memory, frame_of(mapping), mapping.mfn, !readonly);
  if (status.ok()) return {.ok = true};
  drop_frame(mapping.mfn, count);
  return {.ok = false, .fatal = status == fail(XEN_EPERM)};
}

bool unmap_for_hvm(const Mapper& mapper, const HostMapping& mapping, uint64_t new_addr) {
  DomainMemory& memory = *mapper.space.memory;
  if (new_addr != 0) return false;
  const LockGuard guard(memory.lock);
  const Stage2Entry entry = stage2_lookup(memory, frame_of(mapping));
  if (!entry.present || !entry.grant) return false;
  if (entry.mfn != mapping.mfn && !fault("grant.unmap_any_frame")) return false;
  return stage2_unmap(memory, frame_of(mapping));
}

}  // namespace

bool hold_frame(Mfn mfn, const DomainMemory& owner, bool writable) {
  if (!get_page(mfn, owner)) return false;
  if (!writable || get_page_type(mfn, PageType::kWritable).ok()) return true;
  put_page(mfn);
  return false;
}

void drop_frame(Mfn mfn, bool writable) {
  if (writable) put_page_type(mfn);
  put_page(mfn);
}

HostMapResult map_for_host(const Mapper& mapper, const HostMapping& mapping, const DomainMemory& owner,
                           unsigned cache_bits) {
  const bool hvm = mapper.space.memory->kind == GuestKind::kHvm;
  return hvm ? map_for_hvm(mapper, mapping, owner, cache_bits) : map_for_pv(mapper, mapping, owner, cache_bits);
}

bool unmap_for_host(const Mapper& mapper, const HostMapping& mapping, uint64_t new_addr, uint64_t& pte) {
  const bool hvm = mapper.space.memory->kind == GuestKind::kHvm;
  return hvm ? unmap_for_hvm(mapper, mapping, new_addr) : unmap_for_pv(mapper, mapping, new_addr, pte);
}

void drop_host_mapping(const DomainMemory& memory, Mfn mfn, bool readonly, uint64_t pte) {
  if (memory.kind == GuestKind::kPv64) {
    put_leaf(pte, memory);
  } else {
    drop_frame(mfn, !readonly && counts_writers(memory, *frame_info(mfn).owner));
  }
}

}  // namespace hv
