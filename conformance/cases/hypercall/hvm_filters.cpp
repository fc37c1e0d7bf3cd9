/// Operations that HVM guests do not have, though the hypercall is theirs.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

/// With a pointer that nothing can be read from: what is decoded fails in another way than what is refused.
int64_t call(CaseContext& c, uint32_t number, uint64_t command, uint64_t pointer) {
  return c.vcpu().hypercall(number, {command, pointer, 1});
}

const Case kMemory{{
    .slug = "hypercall.hvm_caller.memory_op.machine_queries.enosys",
    .rule = "machine_memory_map and machphys_mapping return ENOSYS to an HVM guest; a PV64 guest gets past that.",
    .source = "xen/arch/x86/hvm/hypercall.c:40 (hvm_memory_op)",
    .requirements = {"HCALL-017"},
    .body =
        [](CaseContext& c) {
          const uint64_t bad = bad_pointer(c.guest_type()).raw();
          c.check_eq(call(c, __HYPERVISOR_memory_op, XENMEM_machphys_mapping, bad), c.pv() ? -XEN_EFAULT : -XEN_ENOSYS,
                     "machphys_mapping");
          c.check_eq(call(c, __HYPERVISOR_memory_op, XENMEM_machine_memory_map, bad), c.pv() ? -XEN_EPERM : -XEN_ENOSYS,
                     "machine_memory_map");
          c.check_eq(call(c, __HYPERVISOR_memory_op, XENMEM_memory_map, bad), -XEN_EFAULT, "memory_map is for both");
        },
}};

const Case kGrant{{
    .slug = "hypercall.hvm_caller.grant_table_op.other_commands.enosys",
    .rule = "transfer, dump_table, unmap_and_replace, get_status_frames and cache_flush return ENOSYS to an HVM guest.",
    .source = "xen/arch/x86/hvm/hypercall.c:69 (hvm_grant_table_op)",
    .requirements = {"HCALL-016"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          const uint64_t bad = bad_pointer(c.guest_type()).raw();
          for (const int command : {GNTTABOP_transfer, GNTTABOP_dump_table, GNTTABOP_unmap_and_replace,
                                    GNTTABOP_get_status_frames, GNTTABOP_cache_flush}) {
            c.check_eq(call(c, __HYPERVISOR_grant_table_op, static_cast<uint64_t>(command), bad), -XEN_ENOSYS,
                       "command " + std::to_string(command));
          }
        },
}};

const Case kPhysdev{{
    .slug = "hypercall.hvm_caller.physdev_op.enosys",
    .rule = "physdev_op returns ENOSYS to an HVM guest: for commands it does not have, for those on pirqs as the "
            "domain was "
            "created without them, and for those on PCI devices as it is not the hardware domain.",
    .source = "xen/arch/x86/hvm/hypercall.c:80 (hvm_physdev_op)",
    .requirements = {"HCALL-018", "HCALL-019"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          const uint64_t bad = bad_pointer(c.guest_type()).raw();
          for (uint32_t command = 0; command <= PHYSDEVOP_release_msix + 1; ++command) {
            c.check_eq(call(c, __HYPERVISOR_physdev_op, command, bad), -XEN_ENOSYS,
                       "command " + std::to_string(command));
          }
        },
}};

}  // namespace
}  // namespace assay
