/// Hypercalls 14 and 22: the level 1 entry behind an address, and a flush. Source: public/xen.h, update_va_mapping.
#include "hv/hypercall/mmu_common.hpp"
#include "hv/mm/guest_walk.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv {

namespace {

/// The upper bits are 0 (the caller's vCPU), 1 << 2 (all), or the address of a bitmap.
Status flush_as_asked(Call& call, uint64_t flags) {
  const uint64_t kind = flags & UVMF_FLUSHTYPE_MASK;
  if (kind != UVMF_TLB_FLUSH && kind != UVMF_INVLPG) return kOk;
  const uint64_t where = flags & ~uint64_t{UVMF_FLUSHTYPE_MASK};
  if (where == UVMF_LOCAL) {
    flush_local(call);
    return kOk;
  }
  if (where == UVMF_ALL) {
    flush_all(call);
    return kOk;
  }
  return flush_listed(call, Gva{where});
}

Status update(Call& call, Gva va, uint64_t value, DomainMemory& owner) {
  const LockGuard guard(call.domain().memory.lock);
  const Mfn table = leaf_table_of(call.space(), va);
  if (table == kInvalidMfn) return fail(XEN_EINVAL);
  return update_entry(table, 1, pte_index(va, 1), EntryUpdate{.value = value, .page_owner = &owner});
}

int64_t run(Call& call, DomainMemory& owner) {
  if (!may_use_frames_of(call.domain(), owner)) return -XEN_EPERM;
  const Status status = update(call, call.pointer(0), call.arg[1], owner);
  if (!status.ok()) return status.raw();
  // A bitmap that cannot be read is an error although the entry has changed.
  return flush_as_asked(call, call.arg[2]).raw();
}

}  // namespace

int64_t do_update_va_mapping(Call& call) {
  return run(call, call.domain().memory);
}

int64_t do_update_va_mapping_otherdomain(Call& call) {
  const Result<DomainMemory*> owner = page_owner(call.domain(), static_cast<uint16_t>(call.arg[3]));
  return owner.ok() ? run(call, **owner) : owner.status().raw();
}

}  // namespace hv
