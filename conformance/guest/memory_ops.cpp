#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

// The list shares a page with the structure; memory maps use it too.
constexpr uint64_t kListAt = 1024;
static_assert(kListAt + MemoryOps::kExtentsMax * sizeof(uint64_t) <= kPageSize);
static_assert(sizeof(xen_memory_reservation_t) <= kListAt);

}  // namespace

ReservationResult MemoryOps::reserve(uint64_t command, const Reservation& in) {
  if (in.extents.size() > kExtentsMax) throw HarnessFault("the extent list is longer than MemoryOps::kExtentsMax");
  Vcpu& vcpu = memory_.vcpu();
  std::vector<uint64_t> list = in.extents;
  if (!list.empty() && vcpu.write_bytes(memory_.va(kListAt), std::as_bytes(std::span(list)))) {
    throw HarnessFault("cannot write the extent list");
  }
  xen_memory_reservation_t arg{};
  set_handle(arg.extent_start, in.null_list ? Gva{0} : memory_.va(kListAt));
  arg.nr_extents = in.count != 0 ? in.count : list.size();
  arg.extent_order = in.order;
  arg.mem_flags = in.flags;
  arg.domid = in.dom.raw();
  const int64_t done = raw(command, memory_.put(arg));
  if (!list.empty() && vcpu.read_bytes(memory_.va(kListAt), std::as_writable_bytes(std::span(list)))) {
    throw HarnessFault("cannot read the extent list back");
  }
  return {done, std::move(list)};
}

int64_t MemoryOps::of_domain(uint64_t command, DomId dom) {
  return call_with(memory_, __HYPERVISOR_memory_op, command, xen_memory_domain{.domid = dom.raw()}).result;
}

int64_t MemoryOps::add_to_physmap(unsigned space, uint64_t index, Pfn at, DomId dom) {
  xen_add_to_physmap_t arg{};
  arg.domid = dom.raw();
  arg.space = space;
  arg.idx = index;
  arg.gpfn = at.raw();
  return call_with(memory_, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, arg).result;
}

int64_t MemoryOps::remove_from_physmap(Pfn at, DomId dom) {
  xen_remove_from_physmap_t arg{};
  arg.domid = dom.raw();
  arg.gpfn = at.raw();
  return call_with(memory_, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap, arg).result;
}

Called<xen_machphys_mapping_t> MemoryOps::machphys_mapping() {
  return call_with(memory_, __HYPERVISOR_memory_op, XENMEM_machphys_mapping,
                   xen_machphys_mapping_t{kUntouched64, kUntouched64, kUntouched64});
}

Called<xen_memory_map_t> MemoryOps::memory_map(uint32_t command, uint32_t room, std::vector<std::byte>& entries) {
  entries.assign(kPageSize - kListAt, std::byte{kUntouchedByte});
  if (memory_.vcpu().write_bytes(memory_.va(kListAt), entries)) throw HarnessFault("cannot prepare the memory map");
  xen_memory_map_t arg{};
  arg.nr_entries = room;
  set_handle(arg.buffer, memory_.va(kListAt));
  const auto done = call_with(memory_, __HYPERVISOR_memory_op, command, arg);
  if (memory_.vcpu().read_bytes(memory_.va(kListAt), entries)) throw HarnessFault("cannot read the memory map back");
  return done;
}

int64_t MemoryOps::raw(uint64_t command, Gva argument) {
  return memory_.vcpu().hypercall(__HYPERVISOR_memory_op, {command, argument.raw()});
}

}  // namespace assay
