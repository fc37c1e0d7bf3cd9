/// Hypercall 26: pins, roots, flushes and page contents. Source: public/xen.h, mmuext_op.
#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/domain/pv_roots.hpp"
#include "hv/hypercall/mmu_common.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv {

namespace {

static_assert(MMUEXT_PIN_L1_TABLE == 0 && MMUEXT_PIN_L4_TABLE == 3);
constexpr uint64_t kLdtEntriesMax = 8192;

struct Operation {
  Call& call;
  DomainMemory& owner;
  const mmuext_op_t& op;

  [[nodiscard]] bool foreign() const { return &owner != &call.domain().memory; }
  [[nodiscard]] Mfn mfn() const { return Mfn{op.arg1.mfn}; }
};

Status pin(const Operation& operation, unsigned level) {
  const LockGuard guard(operation.owner.lock);
  return pin_page(operation.mfn(), operation.owner, table_type(level));
}

Status unpin(const Operation& operation) {
  const LockGuard guard(operation.owner.lock);
  if (!get_page(operation.mfn(), operation.owner)) return fail(XEN_EINVAL);
  const bool was_pinned = unpin_page(operation.mfn());
  put_page(operation.mfn());
  return was_pinned || fault("mmu.unpin_of_unpinned") ? kOk : fail(XEN_EINVAL);
}

Mfn root_frame(uint64_t cr3) {
  return Mfn{cr3 >> kPageShift};
}

Status new_kernel_root(const Operation& operation) {
  if (operation.foreign()) return fail(XEN_EPERM);
  Vcpu& vcpu = operation.call.vcpu;
  const LockGuard guard(operation.owner.lock);
  const uint64_t old = pv_kernel_root(vcpu);
  if (root_frame(old) == operation.mfn()) return kOk;
  const Status status = get_page_and_type(operation.mfn(), operation.owner, PageType::kL4);
  if (!status.ok()) return status;
  set_pv_kernel_root(vcpu, operation.mfn().raw() << kPageShift);
  ++vcpu.tlb_version;
  if (old != 0 && !fault("mmu.old_root_kept")) put_page_and_type(root_frame(old));
  return kOk;
}

Status new_user_root(const Operation& operation) {
  if (operation.foreign()) return fail(XEN_EPERM);
  Vcpu& vcpu = operation.call.vcpu;
  const LockGuard guard(operation.owner.lock);
  const uint64_t old = vcpu.pv->user_cr3;
  if (root_frame(old) == operation.mfn()) return kOk;
  if (operation.mfn() != Mfn{}) {
    const Status status = get_page_and_type(operation.mfn(), operation.owner, PageType::kL4);
    if (!status.ok()) return status;
  }
  vcpu.pv->user_cr3 = operation.mfn().raw() << kPageShift;
  ++vcpu.tlb_version;
  if (old != 0) put_page_and_type(root_frame(old));
  return kOk;
}

Status flush(const Operation& operation) {
  if (operation.foreign()) return fail(XEN_EPERM);
  switch (operation.op.cmd) {
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_INVLPG_LOCAL:
      flush_local(operation.call);
      return kOk;
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
      flush_all(operation.call);
      return kOk;
    default: {
      const Gva bitmap{reinterpret_cast<uint64_t>(operation.op.arg2.vcpumask.p)};
      return flush_listed(operation.call, bitmap).ok() ? kOk : fail(XEN_EINVAL);
    }
  }
}

/// There is no cache to flush in this machine; who may ask is what a guest can see.
Status flush_cache(const Operation& operation, int refusal) {
  if (operation.foreign()) return fail(XEN_EPERM);
  return operation.call.domain().privileged ? kOk : fail(refusal);
}

bool guest_address(uint64_t va) {
  return va < uint64_t{1} << 47 || va >= HYPERVISOR_VIRT_END;
}

Status set_ldt(const Operation& operation) {
  if (operation.foreign()) return fail(XEN_EPERM);
  const uint64_t base = operation.op.arg1.linear_addr;
  const uint64_t entries = operation.op.arg2.nr_ents;
  const bool base_ok = base % kPageSize == 0 && guest_address(base);
  if (entries > kLdtEntriesMax || (entries != 0 && !base_ok)) return fail(XEN_EINVAL);
  PvState& pv = *operation.call.vcpu.pv;
  pv.ldt_base = entries == 0 ? 0 : base;
  pv.ldt_entries = static_cast<uint16_t>(entries);
  return kOk;
}

Status clear_page(const Operation& operation) {
  const Result<Mfn> mfn = get_writable_gfn(operation.owner, Gfn{operation.op.arg1.mfn});
  if (!mfn.ok()) return fail(XEN_EINVAL);
  std::memset(frame_bytes(*mfn), 0, kPageSize);
  put_page_and_type(*mfn);
  return kOk;
}

Status copy_page(const Operation& operation) {
  const Result<Mfn> from = get_page_from_gfn(operation.owner, Gfn{operation.op.arg2.src_mfn});
  if (!from.ok()) return fail(XEN_EINVAL);
  const Result<Mfn> to = get_writable_gfn(operation.owner, Gfn{operation.op.arg1.mfn});
  if (to.ok()) {
    std::memmove(frame_bytes(*to), frame_bytes(*from), kPageSize);
    put_page_and_type(*to);
  }
  if (to.ok() || !fault("mmu.copy_from_foreign_leaks")) put_page(*from);
  return to.ok() ? kOk : fail(XEN_EINVAL);
}

Status dispatch(const Operation& operation) {
  switch (operation.op.cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
      return pin(operation, operation.op.cmd - MMUEXT_PIN_L1_TABLE + 1);
    case MMUEXT_UNPIN_TABLE:
      return unpin(operation);
    case MMUEXT_NEW_BASEPTR:
      return new_kernel_root(operation);
    case MMUEXT_NEW_USER_BASEPTR:
      return new_user_root(operation);
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
      return flush(operation);
    case MMUEXT_FLUSH_CACHE:
      return flush_cache(operation, XEN_EACCES);
    case MMUEXT_FLUSH_CACHE_GLOBAL:
      return flush_cache(operation, XEN_EINVAL);
    case MMUEXT_SET_LDT:
      return set_ldt(operation);
    case MMUEXT_CLEAR_PAGE:
      return clear_page(operation);
    case MMUEXT_COPY_PAGE:
      return copy_page(operation);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:
      return fail(XEN_EOPNOTSUPP);
    default:
      return fail(XEN_ENOSYS);
  }
}

/// HVM callers, on behalf of a PV64 domain, have page tables to pin and nothing else here.
bool for_hvm_callers(unsigned command) {
  return command <= MMUEXT_PIN_L4_TABLE || command == MMUEXT_UNPIN_TABLE;
}

Status one_request(Call& call, DomainMemory& owner, Gva address) {
  mmuext_op_t op;
  if (!read_guest(call.space(), op, address)) return fail(XEN_EFAULT);
  if (call.domain().kind == GuestKind::kHvm && !for_hvm_callers(op.cmd)) return fail(XEN_EOPNOTSUPP);
  return dispatch(Operation{call, owner, op});
}

}  // namespace

int64_t do_mmuext_op(Call& call) {
  RequestBatch batch(call, sizeof(mmuext_op_t));
  if (!batch.list_ok()) return -XEN_EFAULT;
  const Result<DomainMemory*> owner = page_owner(call.domain(), static_cast<uint16_t>(call.arg[3]));
  if (!owner.ok()) return owner.status().raw();
  if ((*owner)->kind != GuestKind::kPv64) return -XEN_EINVAL;
  const bool device_memory = *owner == &io_memory();
  if ((device_memory && !call.domain().privileged) || !may_use_frames_of(call.domain(), **owner)) return -XEN_EPERM;
  return batch.run([&call, memory = *owner](Gva address) { return one_request(call, *memory, address); });
}

}  // namespace hv
