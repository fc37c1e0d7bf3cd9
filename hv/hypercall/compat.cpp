#include "hv/hypercall/compat.hpp"

#include <cstring>

#include "hv/hypercall/registers.hpp"

namespace hv {

namespace {

// As a 32-bit guest lays them out. Source: public/memory.h, public/sched.h, with 4 bytes for a pointer, a frame number
// and an unsigned long.
struct NarrowMemoryMap {
  uint32_t nr_entries, buffer;
};
struct NarrowAddToPhysmap {
  uint16_t domid, size;
  uint32_t space, idx, gpfn;
};
struct NarrowRemoveFromPhysmap {
  uint16_t domid;
  uint32_t gpfn;
};
struct NarrowPoll {
  uint32_t ports, nr_ports, timeout[2];
};

template <typename T>
T* pointer_from(uint32_t narrow) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(narrow));
}

void widen(const NarrowMemoryMap& narrow, xen_memory_map_t& wide) {
  wide.nr_entries = narrow.nr_entries;
  wide.buffer.p = pointer_from<void>(narrow.buffer);
}
void narrow_back(const xen_memory_map_t& wide, NarrowMemoryMap& narrow) {
  narrow.nr_entries = wide.nr_entries;
}
void widen(const NarrowAddToPhysmap& narrow, xen_add_to_physmap_t& wide) {
  wide.domid = narrow.domid;
  wide.size = narrow.size;
  wide.space = narrow.space;
  wide.idx = narrow.idx;
  wide.gpfn = narrow.gpfn;
}
void narrow_back(const xen_add_to_physmap_t& wide, NarrowAddToPhysmap& narrow) {
  narrow.size = wide.size;
  narrow.idx = static_cast<uint32_t>(wide.idx);
  narrow.gpfn = static_cast<uint32_t>(wide.gpfn);
}
void widen(const NarrowRemoveFromPhysmap& narrow, xen_remove_from_physmap_t& wide) {
  wide.domid = narrow.domid;
  wide.gpfn = narrow.gpfn;
}
void narrow_back(const xen_remove_from_physmap_t&, NarrowRemoveFromPhysmap&) {}
void widen(const NarrowPoll& narrow, sched_poll_t& wide) {
  wide.ports.p = pointer_from<evtchn_port_t>(narrow.ports);
  wide.nr_ports = narrow.nr_ports;
  wide.timeout = narrow.timeout[0] | static_cast<uint64_t>(narrow.timeout[1]) << 32;
}
void narrow_back(const sched_poll_t&, NarrowPoll&) {}

/// The call with its second argument translated there and back.
template <typename Narrow, typename Wide>
int64_t translated(Call& call) {
  static_assert(sizeof(Wide) <= WideArgument::kBytes);
  const Gva at = call.pointer(1);
  Narrow narrow{};
  if (!read_guest(call.space(), narrow, at)) return -XEN_EFAULT;
  WideArgument area{};
  Wide wide{};
  widen(narrow, wide);
  std::memcpy(area.bytes, &wide, sizeof wide);
  call.vcpu.wide = &area;
  call.arg[1] = WideArgument::kAddress;
  const int64_t result = hypercall_dispatch(call);
  call.vcpu.wide = nullptr;
  std::memcpy(&wide, area.bytes, sizeof wide);
  narrow_back(wide, narrow);
  const bool is_written = write_guest(call.space(), at, narrow);
  return result >= 0 && !is_written ? -XEN_EFAULT : result;
}

int64_t memory_op(Call& call) {
  switch (call.arg[0]) {
    case XENMEM_memory_map:
      return translated<NarrowMemoryMap, xen_memory_map_t>(call);
    case XENMEM_add_to_physmap:
      return translated<NarrowAddToPhysmap, xen_add_to_physmap_t>(call);
    case XENMEM_remove_from_physmap:
      return translated<NarrowRemoveFromPhysmap, xen_remove_from_physmap_t>(call);
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
    case XENMEM_maximum_ram_page:
      return hypercall_dispatch(call);
    default:
      return -XEN_ENOSYS;
  }
}

int64_t grant_table_op(Call& call) {
  const bool is_alike = call.arg[0] == GNTTABOP_query_size || call.arg[0] == GNTTABOP_set_version ||
                        call.arg[0] == GNTTABOP_get_version || call.arg[0] == GNTTABOP_map_grant_ref ||
                        call.arg[0] == GNTTABOP_unmap_grant_ref || call.arg[0] == GNTTABOP_swap_grant_ref;
  return is_alike ? hypercall_dispatch(call) : -XEN_ENOSYS;
}

}  // namespace

int64_t compat_dispatch(Call& call) {
  switch (call.number) {
    case __HYPERVISOR_memory_op:
      return memory_op(call);
    case __HYPERVISOR_grant_table_op:
      return grant_table_op(call);
    case __HYPERVISOR_multicall:
      return -XEN_ENOSYS;
    case __HYPERVISOR_sched_op:
      return call.arg[0] == SCHEDOP_poll ? translated<NarrowPoll, sched_poll_t>(call) : hypercall_dispatch(call);
    case __HYPERVISOR_set_timer_op:  // 64 bits in two registers
      call.arg[0] |= call.arg[1] << 32;
      return hypercall_dispatch(call);
    default:
      return hypercall_dispatch(call);
  }
}

}  // namespace hv
