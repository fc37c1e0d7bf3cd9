/// Commands of memory_op that tools and firmware use: topology, reserved device memory, access rights.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

constexpr domid_t kNobody = 0x7000;

/// One of these commands by one vCPU, with the structure that it takes.
template <typename T>
Called<T> command(Vcpu& caller, uint64_t number, const T& argument) {
  Scratch memory(caller);
  return call_with(memory, __HYPERVISOR_memory_op, number, argument);
}

const Case kVirtualTopology{{
    .slug = "memory_op.get_vnumainfo.none.eopnotsupp",
    .rule = "A domain that was given no virtual topology gets EOPNOTSUPP; padding must be zero, the domain its own.",
    .source = "public/memory.h, XENMEM_get_vnumainfo",
    .requirements = {"MEM-MAP-008"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          const auto ask = [&](domid_t domain, uint16_t padding) {
            xen_vnuma_topology_info_t request{};
            request.domid = domain;
            request.pad = padding;
            return command(c.vcpu(), XENMEM_get_vnumainfo, request).result;
          };
          c.check_eq(ask(DOMID_SELF, 0), -XEN_EOPNOTSUPP, "own topology");
          c.check_eq(ask(DOMID_SELF, 1), -XEN_EINVAL, "padding");
          c.check_eq(ask(kNobody, 0), -XEN_ESRCH, "a domain that does not exist");
          c.check_eq(ask(c.peer().id().raw(), 0), -XEN_EPERM, "another domain's");
          c.check_eq(MemoryOps(c.vcpu()).raw(XENMEM_get_vnumainfo, bad_pointer(c.guest_type())), -XEN_EFAULT,
                     "bad pointer");
        },
}};

const Case kReservedDeviceMemory{{
    .slug = "memory_op.reserved_device_memory_map.no_iommu.empty",
    .rule = "Where no device has reserved memory the map has no entries; an unknown flag gives EINVAL.",
    .source = "public/memory.h, XENMEM_reserved_device_memory_map",
    .requirements = {"MEM-MAP-009"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          Scratch buffer(dom0);
          xen_reserved_device_memory_map_t request{};
          request.flags = XENMEM_RDM_ALL;
          request.nr_entries = 4;
          set_handle(request.buffer, buffer.va());
          const auto map = command(dom0, XENMEM_reserved_device_memory_map, request);
          c.check_eq(map.result, 0, "the map");
          c.check_eq(map.arg.nr_entries, 0u, "entries");
          request.flags = XENMEM_RDM_ALL << 1;
          c.check_eq(command(dom0, XENMEM_reserved_device_memory_map, request).result, -XEN_EINVAL, "unknown flag");
          c.check_eq(MemoryOps(dom0).raw(XENMEM_reserved_device_memory_map, bad_pointer(GuestType::kPv64)), -XEN_EFAULT,
                     "bad pointer");
        },
}};

const Case kNothingShared{{
    .slug = "memory_op.sharing.nothing_shared.zero",
    .rule = "Where no memory is shared between guests, pages freed by sharing and pages shared are none.",
    .source = "public/memory.h, XENMEM_get_sharing_freed_pages, XENMEM_get_sharing_shared_pages",
    .requirements = {"MEM-STAT-007"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          c.check_eq(memory.raw(XENMEM_get_sharing_freed_pages, Gva{0}), 0, "freed");
          c.check_eq(memory.raw(XENMEM_get_sharing_shared_pages, Gva{0}), 0, "shared");
        },
}};

const Case kNeverContinued{{
    .slug = "memory_op.start_extent.never_continued.enosys",
    .rule = "A command that is never continued does not exist with a start extent.",
    .source = "public/memory.h; xen/include/xen/hypercall.h, MEMOP_EXTENT_SHIFT",
    .requirements = {"MEM-STAT-008"},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kStartExtent = 1u << 6;
          MemoryOps memory(c.vcpu());
          const Scratch argument(c.vcpu());
          for (const uint64_t number : std::initializer_list<uint64_t>{
                   XENMEM_machphys_mfn_list, XENMEM_machphys_mapping, XENMEM_memory_map, XENMEM_set_memory_map,
                   XENMEM_machine_memory_map, XENMEM_set_pod_target, XENMEM_get_pod_target,
                   XENMEM_get_sharing_freed_pages, XENMEM_get_sharing_shared_pages}) {
            c.check_eq(memory.raw(number | kStartExtent, argument.va()), -XEN_ENOSYS, "command " + show(number));
          }
        },
}};

const Case kAccess{{
    .slug = "memory_op.access_op.errors_in_order",
    .rule =
        "access_op refuses domains that do not exist, the caller itself, and domains without EPT: PV, or all on AMD.",
    .source = "public/memory.h, XENMEM_access_op",
    .requirements = {"MEM-MAP-010"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          const auto ask = [&](Vcpu& caller, domid_t domain) {
            xen_mem_access_op_t request{};
            request.op = XENMEM_access_op_get_access;
            request.domid = domain;
            return command(caller, XENMEM_access_op, request).result;
          };
          Vcpu& dom0 = c.dom0().vcpu(0);
          c.check_eq(ask(dom0, kNobody), -XEN_ESRCH, "a domain that does not exist");
          c.check_eq(ask(dom0, 0), -XEN_EPERM, "the caller itself");
          c.check_eq(ask(dom0, c.guest().id().raw()), -XEN_EINVAL, "without EPT");
          c.check_eq(MemoryOps(dom0).raw(XENMEM_access_op, bad_pointer(GuestType::kPv64)), -XEN_EFAULT, "bad pointer");
        },
}};

}  // namespace
}  // namespace assay
