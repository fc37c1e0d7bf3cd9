#include "conformance/guest/memory_ops.hpp"

#include <algorithm>

namespace assay {
namespace {

// The list shares a page with the structure; memory maps use it too.
constexpr uint64_t kExtentListAt = 1024;
constexpr uint64_t kSecondListAt = kExtentListAt + MemoryOps::kExtentsMax / 2 * sizeof(uint64_t);
constexpr uint64_t kBatchMax = 64;
constexpr uint64_t kErrorsAt = kSecondListAt + kBatchMax * sizeof(uint64_t);
static_assert(kExtentListAt + MemoryOps::kExtentsMax * sizeof(uint64_t) <= kPageSize);
static_assert(sizeof(xen_memory_reservation_t) <= kExtentListAt);

}  // namespace

ReservationResult MemoryOps::reserve(uint64_t command, const Reservation& in) {
  if (in.extents.size() > kExtentsMax) throw HarnessFault("the extent list is longer than MemoryOps::kExtentsMax");
  Vcpu& vcpu = memory_.vcpu();
  std::vector<uint64_t> list = in.extents;
  if (!list.empty() && vcpu.write_bytes(memory_.va(kExtentListAt), std::as_bytes(std::span(list)))) {
    throw HarnessFault("cannot write the extent list");
  }
  xen_memory_reservation_t arg{};
  set_handle(arg.extent_start, in.null_list ? Gva{0} : memory_.va(kExtentListAt));
  arg.nr_extents = in.count != 0 ? in.count : list.size();
  arg.extent_order = in.order;
  arg.mem_flags = in.flags;
  arg.domid = in.dom.raw();
  const int64_t done = raw(command, memory_.put(arg));
  if (!list.empty() && vcpu.read_bytes(memory_.va(kExtentListAt), std::as_writable_bytes(std::span(list)))) {
    throw HarnessFault("cannot read the extent list back");
  }
  return {done, std::move(list)};
}

int64_t MemoryOps::of_domain(uint64_t command, DomId dom) {
  return call_with(memory_, __HYPERVISOR_memory_op, command, xen_memory_domain{.domid = dom.raw()}).result;
}

void MemoryOps::put_list(uint64_t offset, std::span<const uint64_t> list) {
  if (list.empty()) return;
  if (memory_.vcpu().write_bytes(memory_.va(offset), std::as_bytes(list))) throw HarnessFault("cannot write a list");
}

void MemoryOps::get_list(uint64_t offset, std::span<uint64_t> list) {
  if (list.empty()) return;
  if (memory_.vcpu().read_bytes(memory_.va(offset), std::as_writable_bytes(list))) {
    throw HarnessFault("cannot read a list back");
  }
}

ExchangeResult MemoryOps::exchange(const Exchange& in) {
  if (std::max(in.in.extents.size(), in.out.extents.size()) > kExtentsMax / 2) {
    throw HarnessFault("a list is longer than half of MemoryOps::kExtentsMax");
  }
  const auto side = [this](const Reservation& from, uint64_t list_at) {
    xen_memory_reservation_t to{};
    set_handle(to.extent_start, from.null_list ? Gva{0} : memory_.va(list_at));
    to.nr_extents = from.count != 0 ? from.count : from.extents.size();
    to.extent_order = from.order;
    to.mem_flags = from.flags;
    to.domid = from.dom.raw();
    return to;
  };
  put_list(kExtentListAt, in.in.extents);
  put_list(kSecondListAt, in.out.extents);
  xen_memory_exchange_t arg{};
  arg.in = side(in.in, kExtentListAt);
  arg.out = side(in.out, kSecondListAt);
  arg.nr_exchanged = in.done;
  const auto called = call_with(memory_, __HYPERVISOR_memory_op, XENMEM_exchange, arg);
  std::vector<uint64_t> out(in.out.extents.size());
  get_list(kSecondListAt, out);
  return {called.result, called.arg.nr_exchanged, std::move(out)};
}

int64_t MemoryOps::add_range_to_physmap(uint64_t index, Pfn at, uint16_t count, DomId dom) {
  xen_add_to_physmap_t arg{};
  arg.domid = dom.raw();
  arg.size = count;
  arg.space = XENMAPSPACE_gmfn_range;
  arg.idx = index;
  arg.gpfn = at.raw();
  return call_with(memory_, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, arg).result;
}

PhysmapBatchResult MemoryOps::add_to_physmap_batch(const PhysmapBatch& in) {
  if (in.indices.size() != in.places.size() || in.indices.size() > kBatchMax) throw HarnessFault("not a batch");
  put_list(kExtentListAt, in.indices);
  put_list(kSecondListAt, in.places);
  std::vector<int32_t> errors(in.indices.size(), static_cast<int32_t>(kUntouched32));
  Vcpu& vcpu = memory_.vcpu();
  if (vcpu.write_bytes(memory_.va(kErrorsAt), std::as_bytes(std::span(errors)))) throw HarnessFault("cannot prepare");
  xen_add_to_physmap_batch_t arg{};
  arg.domid = in.dom.raw();
  arg.space = static_cast<uint16_t>(in.space);
  arg.size = static_cast<uint16_t>(in.indices.size());
  arg.u.foreign_domid = in.foreign.raw();
  set_handle(arg.idxs, memory_.va(kExtentListAt));
  set_handle(arg.gpfns, memory_.va(kSecondListAt));
  set_handle(arg.errs, memory_.va(kErrorsAt));
  const auto called = call_with(memory_, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, arg);
  if (vcpu.read_bytes(memory_.va(kErrorsAt), std::as_writable_bytes(std::span(errors)))) {
    throw HarnessFault("cannot read the errors back");
  }
  return {called.result, std::move(errors)};
}

int64_t MemoryOps::set_memory_map(DomId dom, std::span<const MemoryMapEntry> entries, uint32_t count) {
  if (!entries.empty() && memory_.vcpu().write_bytes(memory_.va(kExtentListAt), std::as_bytes(entries))) {
    throw HarnessFault("cannot write the memory map");
  }
  xen_foreign_memory_map_t arg{};
  arg.domid = dom.raw();
  arg.map.nr_entries = count != 0 ? count : static_cast<uint32_t>(entries.size());
  set_handle(arg.map.buffer, memory_.va(kExtentListAt));
  return call_with(memory_, __HYPERVISOR_memory_op, XENMEM_set_memory_map, arg).result;
}

Called<xen_pod_target_t> MemoryOps::pod_target(uint64_t command, DomId dom, uint64_t pages) {
  xen_pod_target_t arg{};
  arg.target_pages = pages;
  arg.tot_pages = arg.pod_cache_pages = arg.pod_entries = kUntouched64;
  arg.domid = dom.raw();
  return call_with(memory_, __HYPERVISOR_memory_op, command, arg);
}

Called<xen_mem_acquire_resource_t> MemoryOps::acquire_resource(xen_mem_acquire_resource_t arg,
                                                               std::vector<uint64_t>* frames) {
  if (frames != nullptr) put_list(kExtentListAt, *frames);
  set_handle(arg.frame_list, frames != nullptr ? memory_.va(kExtentListAt) : Gva{0});
  const auto called = call_with(memory_, __HYPERVISOR_memory_op, XENMEM_acquire_resource, arg);
  if (frames != nullptr) get_list(kExtentListAt, *frames);
  return called;
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
  entries.assign(kPageSize - kExtentListAt, std::byte{kUntouchedByte});
  if (memory_.vcpu().write_bytes(memory_.va(kExtentListAt), entries))
    throw HarnessFault("cannot prepare the memory map");
  xen_memory_map_t arg{};
  arg.nr_entries = room;
  set_handle(arg.buffer, memory_.va(kExtentListAt));
  const auto done = call_with(memory_, __HYPERVISOR_memory_op, command, arg);
  if (memory_.vcpu().read_bytes(memory_.va(kExtentListAt), entries))
    throw HarnessFault("cannot read the memory map back");
  return done;
}

int64_t MemoryOps::raw(uint64_t command, Gva argument) {
  return memory_.vcpu().hypercall(__HYPERVISOR_memory_op, {command, argument.raw()});
}

}  // namespace assay
