/// Hypercall 1: updates of page-table entries and of the M2P. Source: public/xen.h, mmu_update.
#include "hv/base/fault.hpp"
#include "hv/hypercall/mmu_common.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv {

namespace {

constexpr uint64_t kCommandMask = sizeof(uint64_t) - 1;

struct Owners {
  const Domain& caller;
  DomainMemory& tables;  ///< whose page tables
  DomainMemory& pages;   ///< whose frames the entries name

  [[nodiscard]] bool permitted() const { return may_use_frames_of(caller, pages) && may_use_frames_of(caller, tables); }
};

/// Entry of a page table: checked for its level. Anything else that can be writable: stored as it is.
Status store(const Owners& owners, Mfn mfn, const mmu_update_t& request, uint64_t command) {
  const FrameInfo& info = frame_info(mfn);
  const uint64_t offset = request.ptr & (kPageSize - 1) & ~kCommandMask;
  const unsigned level = info.type_refs == 0 ? 0 : table_level(info.type);
  if (level != 0) {
    return update_entry(mfn, level, static_cast<unsigned>(offset / sizeof(uint64_t)),
                        EntryUpdate{.value = request.val,
                                    .page_owner = &owners.pages,
                                    .translate = command != MMU_PT_UPDATE_NO_TRANSLATE,
                                    .preserve_ad = command == MMU_PT_UPDATE_PRESERVE_AD});
  }
  if (const Status status = get_page_type(mfn, PageType::kWritable); !status.ok()) return status;
  *reinterpret_cast<uint64_t*>(frame_bytes(mfn) + offset) = request.val;
  put_page_type(mfn);
  return kOk;
}

Status update_table(const Owners& owners, const mmu_update_t& request, uint64_t command) {
  if (!owners.permitted()) return fail(XEN_EPERM);
  const LockGuard guard(owners.tables.lock);
  const Result<Mfn> mfn = get_page_from_gfn(owners.tables, Gfn{request.ptr >> kPageShift});
  if (!mfn.ok()) return mfn.status();
  const Status status = store(owners, *mfn, request, command);
  if (status.ok() || !fault("mmu.update_error_leaks_page")) put_page(*mfn);
  return status;
}

Status update_m2p(const Owners& owners, const mmu_update_t& request) {
  if (&owners.tables != &owners.caller.memory || !owners.permitted()) return fail(XEN_EPERM);
  const Mfn mfn{request.ptr >> kPageShift};
  if (!get_page(mfn, owners.pages)) return fail(XEN_EINVAL);
  const bool translated = owners.pages.kind == GuestKind::kHvm;
  // The core's own frames belong to no guest's address space.
  if (!translated && &owners.pages != &core_memory()) m2p_set(mfn, request.val);
  if (!fault("mmu.m2p_update_leaks_page")) put_page(mfn);
  return translated ? fail(XEN_EINVAL) : kOk;
}

Status one_request(Call& call, const Owners& owners, Gva address) {
  mmu_update_t request;
  if (!read_guest(call.space(), request, address)) return fail(XEN_EFAULT);
  const uint64_t command = request.ptr & kCommandMask;
  switch (command) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_PRESERVE_AD:
    case MMU_PT_UPDATE_NO_TRANSLATE:
      return update_table(owners, request, command);
    case MMU_MACHPHYS_UPDATE:
      return update_m2p(owners, request);
    default:
      return fail(XEN_ENOSYS);
  }
}

/// The owner of the page tables: high half of the foreign domain, plus one; zero is the caller.
Result<DomainMemory*> table_owner(Domain& caller, uint32_t foreign) {
  if (foreign >> 16 == 0) return &caller.memory;
  Domain* owner = domain_by_id(DomId{static_cast<uint16_t>((foreign >> 16) - 1)});
  if (owner == nullptr) return fail(XEN_ESRCH);
  if (owner->max_vcpus == 0 || owner->vcpus[0] == nullptr) return fail(XEN_EINVAL);
  return &owner->memory;
}

}  // namespace

int64_t do_mmu_update(Call& call) {
  RequestBatch batch(call, sizeof(mmu_update_t));
  if (!batch.list_ok()) return -XEN_EFAULT;
  const auto foreign = static_cast<uint32_t>(call.arg[3]);
  const Result<DomainMemory*> tables = table_owner(call.domain(), foreign);
  if (!tables.ok()) return tables.status().raw();
  const Result<DomainMemory*> pages = page_owner(call.domain(), static_cast<uint16_t>(foreign));
  if (!pages.ok()) {
    batch.report(0);
    return pages.status().raw();
  }
  const Owners owners{call.domain(), **tables, **pages};
  return batch.run([&call, &owners](Gva address) { return one_request(call, owners, address); });
}

}  // namespace hv
