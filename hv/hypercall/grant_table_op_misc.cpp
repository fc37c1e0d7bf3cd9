/// GNTTABOP_transfer, swap_grant_ref and cache_flush.
#include "hv/hypercall/grant_table_op.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

int64_t gnttab_transfer(const GrantCall& op) {
  using Transfer = gnttab_transfer_t;
  if (!op.list_ok<Transfer>()) return -XEN_EFAULT;
  return op.for_each<Transfer>([&op](Transfer& transfer, uint32_t index) {
    GrantTable* receiver = grants_of(DomId{transfer.domid});
    const GrantStatus status = grant_transfer(op.table(), Mfn{transfer.mfn}, receiver, GrantRef{transfer.ref});
    return op.write_status(transfer, status, index);
  });
}

int64_t gnttab_swap_grant_ref(const GrantCall& op) {
  using Swap = gnttab_swap_grant_ref_t;
  if (!op.list_ok<Swap>()) return -XEN_EFAULT;
  return op.for_each<Swap>([&op](Swap& swap, uint32_t index) {
    const GrantStatus status = grant_swap(op.table(), GrantRef{swap.ref_a}, GrantRef{swap.ref_b});
    return op.write_status(swap, status, index);
  });
}

namespace {

constexpr uint32_t kFlushKinds = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL;

/// The grants of the frame's owner, if it has any; the frame's reference is the caller's then.
GrantTable* owner_of(Mfn mfn) {
  const DomainMemory* owner = get_page_and_owner(mfn);
  if (owner == nullptr) return nullptr;
  GrantTable* table = grants_of(owner->id);
  if (table == nullptr) put_page(mfn);
  return table;
}

/// Caches of this machine are coherent: what can be seen is who may ask, and that x86 has no way to drop a line that is
/// not written back.
Status flush(const GrantCall& op, const gnttab_cache_flush_t& request, uint32_t& position, bool& again) {
  const uint32_t end = uint32_t{request.offset} + request.length;
  if (request.offset >= kPageSize || end > kPageSize || (request.op & ~kFlushKinds) != 0) return fail(XEN_EINVAL);
  if (request.length == 0 || request.op == 0) return position == 0 ? kOk : fail(XEN_EILSEQ);
  const Mfn mfn{request.a.dev_bus_addr >> kPageShift};
  if (!frame_valid(mfn)) return fail(XEN_EINVAL);
  GrantTable* owner = owner_of(mfn);
  if (owner == nullptr) return fail(XEN_EPERM);
  Search found = Search::kFound;
  if (owner != &op.table()) found = grant_search(*owner, op.caller().id, mfn, position);
  put_page(mfn);
  again = found == Search::kNotYet;
  if (found != Search::kFound) return again ? kOk : fail(XEN_EINVAL);
  return request.op == GNTTAB_CACHE_INVAL ? fail(XEN_EOPNOTSUPP) : kOk;
}

}  // namespace

int64_t gnttab_cache_flush(const GrantCall& op, uint32_t position) {
  constexpr uint32_t kPositionShift = 12;
  using Flush = gnttab_cache_flush_t;
  if (!op.list_ok<Flush>()) return -XEN_EFAULT;
  for (uint32_t i = 0; i < op.count;) {
    if ((i != 0 || position != 0) && op.call.preempt_needed()) {
      return op.call.continue_with(
          {op.command | position << kPositionShift, (op.list + i * sizeof(Flush)).raw(), op.count - i});
    }
    Flush request;
    if (!op.read(request, i)) return -XEN_EFAULT;
    bool again = false;
    if (const Status status = flush(op, request, position, again); !status.ok()) return status.raw();
    if (again) continue;
    position = 0;
    ++i;
  }
  return 0;
}

}  // namespace hv
