/// Hypercall 34: which operation, and the small ones.
#include "hv/hypercall/hvm_op.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/domain/access.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

constexpr uint8_t kVectorMin = 0x10;  ///< below are exceptions that a local APIC cannot deliver
constexpr uint32_t kTraceEventBits = 12;

int64_t set_upcall_vector(Call& call, Gva argument) {
  if (call.domain().kind != GuestKind::kHvm) return -XEN_EINVAL;
  xen_hvm_evtchn_upcall_vector_t args;
  if (!read_guest(call.space(), args, argument)) return -XEN_EFAULT;
  if (args.vector < kVectorMin) return -XEN_EINVAL;
  if (!call.domain().vcpu_exists(args.vcpu)) return -XEN_ENOENT;
  Vcpu& vcpu = *call.domain().vcpus[args.vcpu];
  vcpu.hvm.upcall_vector = args.vector;
  if (!fault("hvm.vector_forgets_event"))
    vcpu_upcall_raised(vcpu);  // an event that came before the vector must not be lost
  return 0;
}

int64_t flush_tlbs(Call& call, Gva argument) {
  if (argument != Gva{} || call.domain().kind != GuestKind::kHvm) return -XEN_EINVAL;
  flush_translations(call.domain().memory);
  return 0;
}

int64_t get_mem_type(Call& call, Gva argument) {
  xen_hvm_get_mem_type_t args;
  if (!read_guest(call.space(), args, argument)) return -XEN_EFAULT;
  const Domain* domain = domain_by_any_id(call.domain(), args.domid);
  if (domain == nullptr) return -XEN_ESRCH;
  if (!may_act_on(call.domain(), *domain)) return -XEN_EPERM;
  if (domain->kind != GuestKind::kHvm) return -XEN_EINVAL;
  const Stage2Entry entry = stage2_lookup(domain->memory, Gfn{args.pfn});
  args.mem_type = entry.present || entry.promised ? HVMMEM_ram_rw : HVMMEM_mmio_dm;
  return write_guest(call.space(), argument, args) ? 0 : -XEN_EFAULT;
}

int64_t get_time(Call& call, Gva argument) {
  const xen_hvm_get_time_t answer{.now = now()};
  return write_guest(call.space(), argument, answer) ? 0 : -XEN_EFAULT;
}

/// Only shadow paging would listen, and there is none.
int64_t pagetable_dying(Call& call, Gva argument) {
  xen_hvm_pagetable_dying_t args;
  if (!read_guest(call.space(), args, argument)) return -XEN_EFAULT;
  const Domain* domain = domain_by_any_id(call.domain(), args.domid);
  if (domain == nullptr) return -XEN_ESRCH;
  return domain != &call.domain() ? -XEN_EOPNOTSUPP : -XEN_EINVAL;
}

int64_t xentrace(Call& call, Gva argument) {
  xen_hvm_xentrace_t args;
  if (!read_guest(call.space(), args, argument)) return -XEN_EFAULT;
  if (args.extra_bytes > sizeof args.extra || (args.event >> kTraceEventBits) != 0) return -XEN_EINVAL;
  return 0;
}

}  // namespace

int64_t do_hvm_op(Call& call) {
  const Gva argument = call.pointer(1);
  switch (call.arg[0]) {
    case HVMOP_set_evtchn_upcall_vector:
      return set_upcall_vector(call, argument);
    case HVMOP_set_param:
      return hvmop_set_param(call, argument);
    case HVMOP_get_param:
      return hvmop_get_param(call, argument);
    case HVMOP_flush_tlbs:
      return flush_tlbs(call, argument);
    case HVMOP_get_mem_type:
      return get_mem_type(call, argument);
    case HVMOP_altp2m:
      return -XEN_EOPNOTSUPP;
    case HVMOP_get_time:
      return get_time(call, argument);
    case HVMOP_pagetable_dying:
      return pagetable_dying(call, argument);
    case HVMOP_xentrace:
      return xentrace(call, argument);
    case HVMOP_guest_request_vm_event:
      // Nobody monitors.
      return argument != Gva{} ? -XEN_EINVAL : 0;
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace hv
