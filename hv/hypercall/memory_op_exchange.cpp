/// XENMEM_exchange: gives frames back and gets others for them, in chunks as large as the larger extent.
#include <algorithm>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/hypercall/memory_op.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/physmap.hpp"

namespace hv {

namespace {

struct Exchange {
  const MemoryCall& op;
  xen_memory_exchange_t& request;
  DomainMemory& memory;

  /// log2 of the extents of one side that make up a chunk.
  [[nodiscard]] unsigned in_per_chunk() const {
    return request.out.extent_order > request.in.extent_order ? request.out.extent_order - request.in.extent_order : 0;
  }
  [[nodiscard]] unsigned out_per_chunk() const {
    return request.in.extent_order > request.out.extent_order ? request.in.extent_order - request.out.extent_order : 0;
  }
  [[nodiscard]] uint64_t chunk_frames() const {
    return uint64_t{1} << std::max(request.in.extent_order, request.out.extent_order);
  }
};

/// The frames of a chunk's inputs, read once.
class Inputs {
 public:
  explicit Inputs(uint64_t count) : frames_(arena_array<Mfn>(count)), count_(count) {}
  ~Inputs() { arena_array_free(frames_, count_); }
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;

  [[nodiscard]] bool allocated() const { return frames_ != nullptr; }
  [[nodiscard]] uint64_t taken() const { return taken_; }

  /// Holds a frame that nobody but the domain itself refers to. A frame named twice is refused the second time.
  bool take(Mfn mfn, const DomainMemory& memory) {
    HV_ASSERT(taken_ < count_);
    if (!frame_valid(mfn)) return false;
    const FrameInfo& info = frame_info(mfn);
    const bool shared = info.refs != 1 && !fault("exchange.shared_input_taken");
    if (info.owner != &memory || shared || info.type_refs != 0 || !info.allocated) return false;
    if (!get_page(mfn, memory)) return false;
    frames_[taken_++] = mfn;
    return true;
  }
  void let_go() {
    while (taken_ > 0) put_page(frames_[--taken_]);
  }
  void give_up() {
    for (uint64_t i = 0; i < taken_; ++i) drop_allocation(frames_[i]);
    let_go();
  }

 private:
  Mfn* frames_;
  uint64_t count_;
  uint64_t taken_ = 0;
};

Status read_inputs(const Exchange& exchange, uint64_t chunk, Inputs& inputs) {
  const xen_memory_reservation_t& in = exchange.request.in;
  for (uint64_t i = 0; i < uint64_t{1} << exchange.in_per_chunk(); ++i) {
    xen_pfn_t first = 0;
    const uint64_t index = (chunk << exchange.in_per_chunk()) + i;
    if (!read_guest(exchange.op.call.space(), first, handle_address(in.extent_start) + index * sizeof first)) {
      return fail(XEN_EFAULT);
    }
    for (uint64_t k = 0; k < uint64_t{1} << in.extent_order; ++k) {
      if (!inputs.take(Mfn{first + k}, exchange.memory)) return fail(XEN_EINVAL);
    }
  }
  return kOk;
}

/// Allocates one chunk of outputs beside the inputs that are still owned. All or nothing.
Status allocate_outputs(const Exchange& exchange, Mfn* outputs) {
  const unsigned bits = XENMEMF_get_address_bits(exchange.request.out.mem_flags);
  const unsigned order = exchange.request.out.extent_order;
  DomainMemory& memory = exchange.memory;
  // The total stays what it is, so the limit does not count.
  const uint64_t limit = memory.max_pages;
  memory.max_pages = memory.tot_pages + exchange.chunk_frames();
  Status status = kOk;
  uint64_t done = 0;
  for (; done < uint64_t{1} << exchange.out_per_chunk(); ++done) {
    const Result<Mfn> mfn = alloc_domain_frames(memory, order, bits);
    status = mfn.status();
    if (!status.ok()) break;
    outputs[done] = *mfn;
  }
  if (status.ok() || !fault("exchange.failure_raises_limit")) memory.max_pages = limit;
  if (status.ok()) return kOk;
  while (done-- > 0) {
    for (uint64_t k = 0; k < uint64_t{1} << order; ++k) drop_allocation(Mfn{outputs[done].raw() + k});
  }
  return fail(XEN_ENOMEM);
}

/// Tells the guest what it got: places the frames at the listed pfns and writes their numbers over them.
Status hand_out(const Exchange& exchange, uint64_t chunk, const Mfn* outputs) {
  const xen_memory_reservation_t& out = exchange.request.out;
  for (uint64_t i = 0; i < uint64_t{1} << exchange.out_per_chunk(); ++i) {
    const Gva slot = handle_address(out.extent_start) + ((chunk << exchange.out_per_chunk()) + i) * sizeof(xen_pfn_t);
    xen_pfn_t pfn = 0;
    if (!read_guest(exchange.op.call.space(), pfn, slot)) return fail(XEN_EFAULT);
    const Status status = physmap_add(exchange.memory, Gfn{pfn}, outputs[i], out.extent_order);
    if (!status.ok()) return status;
    if (!write_guest(exchange.op.call.space(), slot, xen_pfn_t{outputs[i].raw()})) return fail(XEN_EFAULT);
  }
  return kOk;
}

Status exchange_chunk(const Exchange& exchange, uint64_t chunk) {
  Inputs inputs(exchange.chunk_frames());
  const uint64_t output_count = uint64_t{1} << exchange.out_per_chunk();
  auto* outputs = arena_array<Mfn>(output_count);
  Status status = inputs.allocated() && outputs != nullptr ? kOk : fail(XEN_ENOMEM);
  if (status.ok()) status = read_inputs(exchange, chunk, inputs);
  if (status.ok()) {
    const LockGuard guard(exchange.memory.lock);
    status = allocate_outputs(exchange, outputs);
  }
  if (status.ok()) {
    inputs.give_up();
    status = hand_out(exchange, chunk, outputs);
  } else {
    fault("exchange.failure_frees_inputs") ? inputs.give_up() : inputs.let_go();
  }
  arena_array_free(outputs, output_count);
  return status;
}

/// Pages cannot be taken from a guest that does not know its machine frames; what it names is looked up all the same.
int64_t refuse_translated(const MemoryCall& op, const xen_memory_exchange_t& request, const DomainMemory& memory) {
  xen_pfn_t first = 0;
  const Gva slot = handle_address(request.in.extent_start) + request.nr_exchanged * sizeof first;
  if (!read_guest(op.call.space(), first, slot)) return -XEN_EFAULT;
  return resolve_gfn(memory, Gfn{first}).ok() ? -XEN_EOPNOTSUPP : -XEN_EINVAL;
}

bool sizes_ok(const xen_memory_exchange_t& request) {
  const auto overflows = [](const xen_memory_reservation_t& side) {
    return side.nr_extents > ~uint64_t{0} >> side.extent_order;
  };
  if (request.in.domid != request.out.domid || overflows(request.in) || overflows(request.out)) return false;
  if (request.nr_exchanged > request.in.nr_extents) return false;
  return request.in.nr_extents << request.in.extent_order == request.out.nr_extents << request.out.extent_order;
}

int64_t run(const Exchange& exchange) {
  xen_memory_exchange_t& request = exchange.request;
  const uint64_t first = request.nr_exchanged >> exchange.in_per_chunk();
  const uint64_t end = request.in.nr_extents >> exchange.in_per_chunk();
  Status status = kOk;
  uint64_t chunk = first;
  bool again = false;
  for (; chunk < end; ++chunk) {
    again = chunk != first && exchange.op.call.preempt_needed();
    if (again) break;
    status = exchange_chunk(exchange, chunk);
    if (!status.ok()) break;
  }
  request.nr_exchanged = fault("exchange.counts_chunks") ? chunk : chunk << exchange.in_per_chunk();
  const Gva field = exchange.op.argument + offsetof(xen_memory_exchange_t, nr_exchanged);
  if (!write_guest(exchange.op.call.space(), field, request.nr_exchanged)) return -XEN_EFAULT;
  return again ? exchange.op.continue_from(0) : status.raw();
}

}  // namespace

int64_t xenmem_exchange(const MemoryCall& op) {
  if (op.start != 0) return -XEN_EINVAL;
  xen_memory_exchange_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  if (std::max(request.in.extent_order, request.out.extent_order) > order_max(op.caller())) return -XEN_EPERM;
  if (!sizes_ok(request)) return -XEN_EINVAL;
  if (request.nr_exchanged == request.in.nr_extents) return 0;
  const AddressSpace space = op.call.space();
  if (!guest_range_ok(space, handle_address(request.in.extent_start), request.in.nr_extents, sizeof(xen_pfn_t)) ||
      (!guest_range_ok(space, handle_address(request.out.extent_start), request.out.nr_extents, sizeof(xen_pfn_t)) &&
       !fault("exchange.output_list_unchecked"))) {
    return -XEN_EFAULT;
  }
  Domain* target = domain_by_any_id(op.caller(), request.in.domid);
  if (target == nullptr) return -XEN_ESRCH;
  if (!may_act_on(op.caller(), *target)) return -XEN_EPERM;
  if (target->kind == GuestKind::kHvm) return refuse_translated(op, request, target->memory);
  return run(Exchange{op, request, target->memory});
}

}  // namespace hv
