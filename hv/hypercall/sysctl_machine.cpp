/// The machine: its nodes, sockets, cores and threads.
#include <algorithm>

#include "hv/domain/nodes.hpp"
#include "hv/hypercall/scratch.hpp"
#include "hv/hypercall/sysctl.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/free_blocks.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

/// As ACPI's SLIT has them.
constexpr uint32_t kDistanceWithin = 10, kDistanceBetween = 20;

template <typename T>
bool put_element(const AddressSpace& space, Gva array, uint64_t index, const T& value) {
  return write_guest(space, Gva{array.raw() + index * sizeof(T)}, value);
}

/// Counts free frames of a range.
struct FrameWindow {
  uint64_t first = 0;
  uint64_t end = ~uint64_t{0};
  uint64_t free_frames = 0;

  /// Those whose addresses need from `min` to `max` bits (0: no bound), as the ABI's zones count them.
  FrameWindow(uint32_t min_bits, uint32_t max_bits) {
    if (min_bits > kPageShift + 1) first = uint64_t{1} << std::min(min_bits - kPageShift - 1, 63u);
    if (max_bits != 0) end = max_bits <= kPageShift ? 2 : uint64_t{1} << std::min(max_bits - kPageShift, 63u);
  }
  explicit FrameWindow(uint32_t node) { limit_to(node); }
  void limit_to(uint32_t node) {
    first = std::max(first, first_frame_of_node(node));
    end = std::min(end, first_frame_of_node(node + 1));
  }
  uint64_t counted() {
    visit_free_blocks(count, this);
    return free_frames;
  }
  static void count(void* window, Mfn head, unsigned order) {
    auto& self = *static_cast<FrameWindow*>(window);
    const uint64_t from = std::max(head.raw(), self.first);
    const uint64_t until = std::min(head.raw() + (uint64_t{1} << order), self.end);
    if (from < until) self.free_frames += until - from;
  }
};

/// One node's row of both arrays, of so many columns; the handles that are null are not filled.
bool put_node(const AddressSpace& space, const xen_sysctl_numainfo& numa, uint32_t node, uint32_t nodes) {
  const Gva memory = handle_address(numa.meminfo);
  const Gva distance = handle_address(numa.distance);
  const uint64_t frames = first_frame_of_node(node + 1) - first_frame_of_node(node);
  const xen_sysctl_meminfo_t info{frames * kPageSize, FrameWindow(node).counted() * kPageSize};
  if (memory != Gva{} && !put_element(space, memory, node, info)) return false;
  for (uint32_t other = 0; distance != Gva{} && other < nodes; ++other) {
    const uint32_t far = other == node ? kDistanceWithin : kDistanceBetween;
    if (!put_element(space, distance, uint64_t{node} * nodes + other, far)) return false;
  }
  return true;
}

}  // namespace

int64_t sysctl_physinfo(Sysctl& ctl) {
  xen_sysctl_physinfo& info = ctl.op.u.physinfo;
  info = {};
  info.threads_per_core = host().threads_per_core;
  info.cores_per_socket = host().cores_per_socket;
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) info.nr_cpus += sched_pcpu(pcpu).online ? 1u : 0u;
  info.max_cpu_id = host().pcpus - 1;
  info.nr_nodes = node_count();
  info.max_node_id = node_count() - 1;
  info.cpu_khz = host().tsc_khz;
  info.capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_hap |
                      XEN_SYSCTL_PHYSCAP_gnttab_v1 | XEN_SYSCTL_PHYSCAP_gnttab_v2;
  info.total_pages = frames_total();
  info.free_pages = frames_free();
  info.outstanding_pages = frames_claimed();
  info.max_mfn = host().frames - 1;
  ctl.copy_back = true;
  return 0;
}

int64_t sysctl_sched_id(Sysctl& ctl) {
  ctl.op.u.sched_id.sched_id = first_cpupool().policy->abi_id();
  ctl.copy_back = true;
  return 0;
}

int64_t sysctl_getcpuinfo(Sysctl& ctl) {
  xen_sysctl_getcpuinfo& list = ctl.op.u.getcpuinfo;
  const uint32_t count = std::min(list.max_cpus, host().pcpus);
  for (uint32_t i = 0; i < count; ++i) {
    const xen_sysctl_cpuinfo_t info{sched_idle_ns(i)};
    if (!put_element(ctl.call.space(), handle_address(list.info), i, info)) return -XEN_EFAULT;
  }
  list.nr_cpus = count;
  ctl.copy_back = true;
  return 0;
}

int64_t sysctl_availheap(Sysctl& ctl) {
  xen_sysctl_availheap& heap = ctl.op.u.availheap;
  const bool is_any = heap.node == -1;
  const bool node_exists = is_any || static_cast<uint32_t>(heap.node) < node_count();
  FrameWindow window(heap.min_bitwidth, heap.max_bitwidth);
  if (node_exists && !is_any) window.limit_to(static_cast<uint32_t>(heap.node));
  heap.avail_bytes = node_exists ? window.counted() * kPageSize : 0;
  ctl.copy_back = true;
  return 0;
}

int64_t sysctl_cputopoinfo(Sysctl& ctl) {
  xen_sysctl_cputopoinfo& topology = ctl.op.u.cputopoinfo;
  uint32_t count = host().pcpus;
  const Gva array = handle_address(topology.cputopo);
  if (array != Gva{}) {
    count = std::min(count, topology.num_cpus);
    for (uint32_t i = 0; i < count; ++i) {
      xen_sysctl_cputopo_t place{core_of(i) % host().cores_per_socket, core_of(i) / host().cores_per_socket,
                                 node_of_pcpu(i)};
      if (!sched_pcpu(i).online) place = {XEN_INVALID_CORE_ID, XEN_INVALID_SOCKET_ID, place.node};
      if (!put_element(ctl.call.space(), array, i, place)) return -XEN_EFAULT;
    }
  }
  topology.num_cpus = count;
  ctl.copy_back = true;
  return 0;
}

int64_t sysctl_numainfo(Sysctl& ctl) {
  xen_sysctl_numainfo& numa = ctl.op.u.numainfo;
  const bool wanted = handle_address(numa.meminfo) != Gva{} || handle_address(numa.distance) != Gva{};
  const uint32_t count = wanted ? std::min(node_count(), numa.num_nodes) : node_count();
  for (uint32_t node = 0; wanted && node < count; ++node) {
    if (!put_node(ctl.call.space(), numa, node, count)) return -XEN_EFAULT;
  }
  numa.num_nodes = count;
  ctl.copy_back = true;
  return 0;
}

}  // namespace hv
