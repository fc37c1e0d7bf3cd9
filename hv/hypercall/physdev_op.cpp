/// Hypercall 33: interrupts and I/O of guests that have devices. This machine has none, so what remains is what every
/// PV64 guest may ask. Source: public/physdev.h.
#include "hv/domain/access.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

constexpr uint32_t kInterrupts = 56;  ///< numbers that a domain has, whether or not a line is behind them
constexpr uint32_t kPorts = 65536;

int64_t set_iopl(Call& call) {
  physdev_set_iopl_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  if (args.iopl > 3) return -XEN_EINVAL;
  call.vcpu.pv->iopl = args.iopl;
  return 0;
}

/// Checked and not kept: no port answers, whoever may use it.
int64_t set_iobitmap(Call& call) {
  physdev_set_iobitmap_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  const Gva bitmap{reinterpret_cast<uint64_t>(args.bitmap.p)};
  if (args.nr_ports > kPorts || !guest_range_ok(call.space(), bitmap, (args.nr_ports + 7) / 8, 1)) return -XEN_EINVAL;
  return 0;
}

/// No interrupt is bound to any guest: there is none to end.
int64_t eoi(Call& call) {
  physdev_eoi_t args;
  return read_guest(call.space(), args, call.pointer(1)) ? -XEN_EINVAL : -XEN_EFAULT;
}

int64_t irq_status_query(Call& call) {
  physdev_irq_status_query_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  if (args.irq >= kInterrupts) return -XEN_EINVAL;
  args.flags = XENIRQSTAT_needs_eoi;
  return write_guest(call.space(), call.pointer(1), args) ? 0 : -XEN_EFAULT;
}

/// Holds the page writable until the domain ends. Errors, in order: EFAULT; EINVAL not the domain's or a page table;
/// EBUSY registered before.
int64_t pirq_eoi_gmfn(Call& call) {
  physdev_pirq_eoi_gmfn_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  Domain& domain = call.domain();
  const Result<Mfn> mfn = get_writable_gfn(domain.memory, Gfn{args.gmfn});
  if (!mfn.ok()) return -XEN_EINVAL;
  if (domain.eoi_frame != kInvalidMfn) {
    put_page_and_type(*mfn);
    return -XEN_EBUSY;
  }
  domain.eoi_frame = *mfn;
  return 0;
}

}  // namespace

int64_t do_physdev_op(Call& call) {
  // No HVM guest here has its interrupts routed over event channels.
  if (call.domain().kind == GuestKind::kHvm) return -XEN_ENOSYS;
  switch (static_cast<uint32_t>(call.arg[0])) {
    case PHYSDEVOP_eoi:
      return eoi(call);
    case PHYSDEVOP_irq_status_query:
      return irq_status_query(call);
    case PHYSDEVOP_set_iopl:
      return set_iopl(call);
    case PHYSDEVOP_set_iobitmap:
      return set_iobitmap(call);
    case PHYSDEVOP_pirq_eoi_gmfn_v1:
    case PHYSDEVOP_pirq_eoi_gmfn_v2:
      return pirq_eoi_gmfn(call);
    case PHYSDEVOP_restore_msi:
    case PHYSDEVOP_restore_msi_ext:
      return -XEN_ENODEV;  // the device is looked for first
    case PHYSDEVOP_apic_read:
    case PHYSDEVOP_apic_write:
    case PHYSDEVOP_alloc_irq_vector:
    case PHYSDEVOP_manage_pci_add:
    case PHYSDEVOP_manage_pci_remove:
    case PHYSDEVOP_manage_pci_add_ext:
    case PHYSDEVOP_setup_gsi:
    case PHYSDEVOP_pci_mmcfg_reserved:
    case PHYSDEVOP_pci_device_add:
    case PHYSDEVOP_pci_device_remove:
    case PHYSDEVOP_dbgp_op:
    case PHYSDEVOP_prepare_msix:
    case PHYSDEVOP_release_msix:
      return is_control(call.domain()) ? -XEN_ENODEV : -XEN_EPERM;
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace hv
