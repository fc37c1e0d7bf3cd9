/// increase_reservation, decrease_reservation and populate_physmap. They say how many extents were done, never an
/// errno: whatever is wrong with the call as a whole means that no more were.
#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/nodes.hpp"
#include "hv/hypercall/memory_op.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/on_demand.hpp"
#include "hv/mm/physmap.hpp"

namespace hv {

namespace {

struct Reservation {
  const MemoryCall& op;
  Domain& domain;
  DomainMemory& memory;
  Gva extents;
  uint64_t count;
  unsigned order;
  unsigned address_bits;
  bool on_demand;

  [[nodiscard]] Gva slot(uint64_t index) const { return extents + index * sizeof(xen_pfn_t); }
  [[nodiscard]] bool read(uint64_t index, xen_pfn_t& frame) const {
    return read_guest(op.call.space(), frame, slot(index));
  }
  [[nodiscard]] bool write(uint64_t index, Mfn mfn) const {
    return write_guest(op.call.space(), slot(index), xen_pfn_t{mfn.raw()});
  }
};

bool increase(const Reservation& r, uint64_t index) {
  const Result<Mfn> mfn = [&r] {
    const LockGuard guard(r.memory.lock);
    return alloc_domain_frames(r.memory, r.order, r.address_bits);
  }();
  if (!mfn.ok()) return false;
  // A list that cannot be written stops the call; the frames stay with the domain all the same.
  const bool wanted = r.memory.kind == GuestKind::kPv64 && r.extents != Gva{};
  return !wanted || r.write(index, *mfn);
}

bool decrease(const Reservation& r, uint64_t index) {
  xen_pfn_t frame = 0;
  if (!r.read(index, frame)) return false;
  const LockGuard guard(r.memory.lock);
  for (uint64_t i = 0; i < uint64_t{1} << r.order; ++i) {
    if (!physmap_give_up(r.memory, Gfn{frame + i}).ok()) return fault("memory.counts_failed_extent");
  }
  return true;
}

bool populate(const Reservation& r, uint64_t index) {
  xen_pfn_t frame = 0;
  if (!r.read(index, frame)) return false;
  if (r.on_demand) {
    // Nobody makes entries for itself. For a PV64 domain the flag asks for nothing, and nothing is done.
    if (&r.memory == &r.op.caller().memory) return false;
    const LockGuard guard(r.memory.lock);
    return r.memory.kind != GuestKind::kHvm || on_demand_promise(r.memory, Gfn{frame}, r.order).ok();
  }
  const Result<Mfn> placed = [&r, frame]() -> Result<Mfn> {
    const LockGuard guard(r.memory.lock);
    const Result<Mfn> mfn = alloc_domain_frames(r.memory, r.order, r.address_bits);
    if (!mfn.ok()) return mfn;
    // Frames that cannot be placed stay with the domain all the same.
    const Status status = physmap_add(r.memory, Gfn{frame}, *mfn, r.order);
    return status.ok() ? mfn : Result<Mfn>(status);
  }();
  if (placed.status() == fail(XEN_EPERM)) crash_domain(r.domain, "memory was to be placed over a granted page");
  if (!placed.ok()) return false;
  return r.memory.kind != GuestKind::kPv64 || r.write(index, *placed);
}

bool one_extent(const Reservation& r, uint64_t index) {
  switch (r.op.op) {
    case XENMEM_increase_reservation:
      return increase(r, index);
    case XENMEM_decrease_reservation:
      return decrease(r, index);
    default:
      return populate(r, index);
  }
}

int64_t run(const Reservation& r) {
  const bool list_needed = r.op.op != XENMEM_increase_reservation || r.extents != Gva{};
  const bool list_ok = guest_range_ok(r.op.call.space(), r.extents, r.count, sizeof(xen_pfn_t));
  if ((list_needed && !list_ok) || r.order > order_max(r.op.caller())) return static_cast<int64_t>(r.op.start);
  uint64_t index = r.op.start;
  for (; index < r.count; ++index) {
    if (index != r.op.start && r.op.call.preempt_needed()) return r.op.continue_from(index);
    if (!one_extent(r, index)) break;
  }
  return static_cast<int64_t>(index);
}

constexpr unsigned kNoNode = 0xff;

/// Flags that the caller may use. A node is only a hint here, unless it is asked for exactly.
bool flags_ok(const Domain& caller, unsigned flags) {
  const unsigned bits = XENMEMF_get_address_bits(flags);
  if (bits != 0 && bits <= kPageShift) return false;
  if ((flags & XENMEMF_exact_node_request) == 0) return true;
  // Only who controls the machine may insist on a node, and only where there is but one can it be had.
  const unsigned node = XENMEMF_get_node(flags);
  return caller.privileged && (node == kNoNode || (node == 0 && node_count() == 1));
}

}  // namespace

int64_t xenmem_reservation(const MemoryCall& op) {
  const auto nothing_more = static_cast<int64_t>(op.start);
  xen_memory_reservation_t request;
  if (!op.read(request)) return nothing_more;
  if (request.nr_extents > kMemoryOpExtentsMax || op.start >= request.nr_extents) return nothing_more;
  Domain* target = domain_by_any_id(op.caller(), request.domid);
  if (target == nullptr || !flags_ok(op.caller(), request.mem_flags)) return nothing_more;
  if (!may_act_on(op.caller(), *target) && !fault("memory.reservation_of_anybody")) return nothing_more;
  return run(Reservation{
      .op = op,
      .domain = *target,
      .memory = target->memory,
      .extents = handle_address(request.extent_start),
      .count = request.nr_extents,
      .order = request.extent_order,
      .address_bits = fault("memory.address_bits_ignored") ? 0 : XENMEMF_get_address_bits(request.mem_flags),
      .on_demand = (request.mem_flags & XENMEMF_populate_on_demand) != 0});
}

}  // namespace hv
