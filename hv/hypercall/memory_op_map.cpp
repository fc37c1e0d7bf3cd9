/// Memory maps: the guest's own, the machine's, and where the M2P is.
#include <algorithm>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/hypercall/memory_op.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/memory_map.hpp"

namespace hv {

int64_t xenmem_memory_map(const MemoryCall& op) {
  xen_memory_map_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const MemoryMap* map = op.caller().memory.memory_map;
  if (map == nullptr || map->count == 0) return -XEN_ENOSYS;
  if (!fault("memory.map_read_beyond_end")) request.nr_entries = std::min(request.nr_entries, map->count);
  const size_t bytes = request.nr_entries * sizeof(MemoryMapEntry);
  if (!copy_to_guest(op.call.space(), handle_address(request.buffer), map->entries, bytes)) return -XEN_EFAULT;
  return op.write(request) ? 0 : -XEN_EFAULT;
}

int64_t xenmem_set_memory_map(const MemoryCall& op) {
  xen_foreign_memory_map_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const uint32_t count = request.map.nr_entries;
  if (count > kMemoryMapEntriesMax) return -XEN_EINVAL;
  Domain* target = domain_by_any_id(op.caller(), request.domid);
  if (target == nullptr) return -XEN_ESRCH;
  if (!may_act_on(op.caller(), *target)) return -XEN_EPERM;
  auto* entries = arena_array<MemoryMapEntry>(count);
  if (entries == nullptr) return -XEN_ENOMEM;
  const size_t bytes = count * sizeof(MemoryMapEntry);
  Status status = fail(XEN_EFAULT);
  if (copy_from_guest(op.call.space(), entries, handle_address(request.map.buffer), bytes)) {
    const LockGuard guard(target->memory.lock);
    status = memory_map_replace(target->memory, entries, count);
  }
  if (!status.ok()) arena_array_free(entries, count);
  return status.raw();
}

int64_t xenmem_machine_memory_map(const MemoryCall& op) {
  if (!is_control(op.caller())) return -XEN_EPERM;
  xen_memory_map_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const MemoryMapEntry ram{0, frames_total() * kPageSize, kMemoryMapRam};
  const Gva buffer = handle_address(request.buffer);
  if (buffer != Gva{}) {
    if (request.nr_entries < 1) return -XEN_EINVAL;
    if (!write_guest(op.call.space(), buffer, ram)) return -XEN_EFAULT;
  }
  request.nr_entries = 1;
  return op.write(request) ? 0 : -XEN_EFAULT;
}

int64_t xenmem_machphys_mapping(const MemoryCall& op) {
  xen_machphys_mapping_t answer;
  answer.v_start = MACH2PHYS_VIRT_START;
  answer.v_end = MACH2PHYS_VIRT_END;
  // The first domain learns where the table really ends; others see the room that it has.
  answer.max_mfn = is_control(op.caller()) ? frames_total() - 1 : MACH2PHYS_NR_ENTRIES - 1;
  return op.write(answer) ? 0 : -XEN_EFAULT;
}

int64_t xenmem_machphys_mfn_list(const MemoryCall& op) {
  xen_machphys_mfn_list_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const uint32_t count = std::min(request.max_extents, m2p_extents());
  const Gva list = handle_address(request.extent_start);
  for (uint32_t i = 0; i < count; ++i) {
    const xen_pfn_t mfn = m2p_extent(i).raw();
    if (!write_guest(op.call.space(), list + i * sizeof mfn, mfn)) return -XEN_EFAULT;
  }
  request.nr_extents = count;
  return op.write(request) ? 0 : -XEN_EFAULT;
}

}  // namespace hv
