/// physdev_op of a guest without devices.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

constexpr std::string_view kHeader = "public/physdev.h";

class PhysdevOps {
 public:
  explicit PhysdevOps(Vcpu& vcpu) : memory_(vcpu) {}

  template <typename T>
  Called<T> call(uint64_t command, const T& argument) {
    return call_with(memory_, __HYPERVISOR_physdev_op, command, argument);
  }
  int64_t set_iopl(uint32_t level) { return call(PHYSDEVOP_set_iopl, physdev_set_iopl_t{level}).result; }
  int64_t eoi(uint32_t irq) { return call(PHYSDEVOP_eoi, physdev_eoi_t{irq}).result; }
  Called<physdev_irq_status_query_t> irq_status(uint32_t irq) {
    return call(PHYSDEVOP_irq_status_query, physdev_irq_status_query_t{irq, kUntouched32});
  }
  int64_t raw(uint64_t command, Gva argument) {
    return memory_.vcpu().hypercall(__HYPERVISOR_physdev_op, {command, argument.raw()});
  }

 private:
  Scratch memory_;
};

/// The I/O privilege level that the toolstack sees in a vCPU's context.
uint64_t iopl_of(CaseContext& c) {
  DomctlOps control(c.dom0().vcpu(0));
  Scratch context(c.dom0().vcpu(0), (sizeof(vcpu_guest_context_t) + kPageSize - 1) / kPageSize);
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getvcpucontext, c.guest().id());
  set_handle(request.u.vcpucontext.ctxt, context.va());
  c.require_eq(control.call(request).result, 0, "getvcpucontext");
  return context.get<vcpu_guest_context_t>().user_regs.eflags >> 12 & 3;
}

const Case kIopl{{
    .slug = "physdev_op.set_iopl.level.virtual_iopl",
    .rule = "set_iopl sets the vCPU's virtual I/O privilege level; levels above 3 give EINVAL and leave it.",
    .source = "public/physdev.h, PHYSDEVOP_set_iopl",
    .requirements = {"PHYS-001"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          PhysdevOps physdev(c.vcpu());
          c.check_eq(iopl_of(c), 0u, "the level at first");
          for (const uint32_t level : {3u, 1u, 2u}) {
            c.check_eq(physdev.set_iopl(level), 0, "level " + std::to_string(level));
            c.check_eq(iopl_of(c), level, "the level in the context");
          }
          for (const uint32_t level : {4u, ~0u}) {
            c.check_eq(physdev.set_iopl(level), -XEN_EINVAL, "level " + std::to_string(level));
          }
          c.check_eq(iopl_of(c), 2u, "the level after the refusals");
          c.check_eq(physdev.raw(PHYSDEVOP_set_iopl, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
          c.check_eq(physdev.set_iopl(0), 0, "level 0");
        },
}};

const Case kBitmap{{
    .slug = "physdev_op.set_iobitmap.too_many_ports.einval",
    .rule = "A bitmap of more than 65536 ports, or one that is no guest address, gives EINVAL.",
    .source = "public/physdev.h, PHYSDEVOP_set_iobitmap",
    .requirements = {"PHYS-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          PhysdevOps physdev(c.vcpu());
          Scratch bitmap(c.vcpu(), 2);
          const auto set = [&](Gva at, uint32_t ports) {
            physdev_set_iobitmap_t arg{};
            set_handle(arg.bitmap, at);
            arg.nr_ports = ports;
            return physdev.call(PHYSDEVOP_set_iobitmap, arg).result;
          };
          c.check_eq(set(bitmap.va(), 65536), 0, "65536 ports");
          c.check_eq(set(bitmap.va(), 65537), -XEN_EINVAL, "65537 ports");
          c.check_eq(set(Gva{0xffff'8300'0000'0000}, 8), -XEN_EINVAL, "a bitmap in the hypervisor's range");
          c.check_eq(set(Gva{0}, 0), 0, "no ports");
          c.check_eq(physdev.raw(PHYSDEVOP_set_iobitmap, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kEoi{{
    .slug = "physdev_op.eoi.not_mapped.einval",
    .rule = "The end of an interrupt that the guest does not have, or that cannot be, gives EINVAL.",
    .source = "public/physdev.h, PHYSDEVOP_eoi",
    .requirements = {"PHYS-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          PhysdevOps physdev(c.vcpu());
          for (const uint32_t irq : {0u, 5u, 255u, 5000u, ~0u}) {
            c.check_eq(physdev.eoi(irq), -XEN_EINVAL, "interrupt " + std::to_string(irq));
          }
          c.check_eq(physdev.raw(PHYSDEVOP_eoi, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kStatus{{
    .slug = "physdev_op.irq_status_query.range.needs_eoi_or_einval",
    .rule =
        "The status of an interrupt number says that it needs an end of interrupt; numbers out of range give EINVAL.",
    .source = "public/physdev.h, PHYSDEVOP_irq_status_query",
    .requirements = {"PHYS-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          PhysdevOps physdev(c.vcpu());
          for (const uint32_t irq : {0u, 1u, 15u}) {
            const auto status = physdev.irq_status(irq);
            c.check_eq(status.result, 0, "interrupt " + std::to_string(irq));
            c.check_eq(status.arg.flags, XENIRQSTAT_needs_eoi, "its flags");
          }
          const auto beyond = physdev.irq_status(5000);
          c.check_eq(beyond.result, -XEN_EINVAL, "interrupt 5000");
          c.check_eq(beyond.arg.flags, kUntouched32, "nothing was written");
          c.check_eq(physdev.irq_status(~0u).result, -XEN_EINVAL, "the greatest number");
        },
}};

const Case kEoiPage{{
    .slug = "physdev_op.pirq_eoi_gmfn.second.ebusy",
    .rule =
        "The page of pending ends of interrupt is registered once: EBUSY then, EINVAL for a frame that is not owned.",
    .source = "public/physdev.h, PHYSDEVOP_pirq_eoi_gmfn_v1 and _v2",
    .requirements = {"PHYS-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          PhysdevOps physdev(c.vcpu());
          const uint64_t one = c.guest().gfn_of(c.guest().alloc_pages(1)).raw();
          const uint64_t two = c.guest().gfn_of(c.guest().alloc_pages(1)).raw();
          const auto set = [&](uint64_t command, uint64_t frame) {
            return physdev.call(command, physdev_pirq_eoi_gmfn_t{frame}).result;
          };
          c.check_eq(set(PHYSDEVOP_pirq_eoi_gmfn_v2, uint64_t{1} << 40), -XEN_EINVAL, "a frame that does not exist");
          c.check_eq(set(PHYSDEVOP_pirq_eoi_gmfn_v2, one), 0, "a page of the guest");
          c.check_eq(set(PHYSDEVOP_pirq_eoi_gmfn_v2, two), -XEN_EBUSY, "another page");
          c.check_eq(set(PHYSDEVOP_pirq_eoi_gmfn_v1, one), -XEN_EBUSY, "the same page, first version");
          c.check_eq(physdev.raw(PHYSDEVOP_pirq_eoi_gmfn_v2, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
        },
}};

struct Management {
  uint64_t command;
  std::string_view what;
};
constexpr Management kManagement[] = {
    {PHYSDEVOP_apic_read, "apic_read"},
    {PHYSDEVOP_apic_write, "apic_write"},
    {PHYSDEVOP_alloc_irq_vector, "alloc_irq_vector"},
    {PHYSDEVOP_manage_pci_add, "manage_pci_add"},
    {PHYSDEVOP_manage_pci_remove, "manage_pci_remove"},
    {PHYSDEVOP_manage_pci_add_ext, "manage_pci_add_ext"},
    {PHYSDEVOP_setup_gsi, "setup_gsi"},
    {PHYSDEVOP_pci_mmcfg_reserved, "pci_mmcfg_reserved"},
    {PHYSDEVOP_pci_device_add, "pci_device_add"},
    {PHYSDEVOP_pci_device_remove, "pci_device_remove"},
    {PHYSDEVOP_dbgp_op, "dbgp_op"},
    {PHYSDEVOP_prepare_msix, "prepare_msix"},
    {PHYSDEVOP_release_msix, "release_msix"},
};

const Case kManagementOps{{
    .slug = "physdev_op.machine_management.unprivileged.eperm",
    .rule = "Operations on interrupt controllers and PCI devices are for privileged domains: EPERM.",
    .source = kHeader,
    .requirements = {"PHYS-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          PhysdevOps physdev(c.vcpu());
          Scratch zeroes(c.vcpu());
          for (const Management& op : kManagement)
            c.check_eq(physdev.raw(op.command, zeroes.va()), -XEN_EPERM, op.what);
          // The device is looked for before the caller's rights.
          c.check_eq(physdev.raw(PHYSDEVOP_restore_msi, zeroes.va()), -XEN_ENODEV, "restore_msi");
          c.check_eq(physdev.raw(PHYSDEVOP_restore_msi_ext, zeroes.va()), -XEN_ENODEV, "restore_msi_ext");
          for (const uint64_t unknown : {0u, 1u, 22u, 32u, 99u}) {
            c.check_eq(physdev.raw(unknown, zeroes.va()), -XEN_ENOSYS, "operation " + std::to_string(unknown));
          }
        },
}};

const Case kHvm{{
    .slug = "physdev_op.any.pvh_guest.enosys",
    .rule = "An HVM guest whose interrupts are not event channels has no physdev_op: ENOSYS.",
    .source = kHeader,
    .requirements = {"PHYS-007"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          PhysdevOps physdev(c.vcpu());
          c.check_eq(physdev.eoi(5), -XEN_ENOSYS, "eoi");
          c.check_eq(physdev.irq_status(5).result, -XEN_ENOSYS, "irq_status_query");
          c.check_eq(physdev.set_iopl(1), -XEN_ENOSYS, "set_iopl");
          Scratch zeroes(c.vcpu());
          for (const Management& op : kManagement)
            c.check_eq(physdev.raw(op.command, zeroes.va()), -XEN_ENOSYS, op.what);
        },
}};

}  // namespace
}  // namespace assay
