/// Hypercall 24: which operation, and the life of a vCPU.
#include "hv/hypercall/vcpu_op.hpp"

#include <bit>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/domain/context.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

int64_t initialise_pv(Call& call, Vcpu& target) {
  // Too large for the stack.
  auto* context = arena_new<vcpu_guest_context_t>();
  if (context == nullptr) return -XEN_ENOMEM;
  int64_t result = 0;
  if (!read_guest(call.space(), *context, call.pointer(2))) {
    result = -XEN_EFAULT;
  } else if (target.initialised) {
    result = -XEN_EEXIST;
  } else {
    result = set_pv_context(target, *context).raw();
  }
  arena_delete(context);
  return result;
}

int64_t initialise_hvm(Call& call, Vcpu& target) {
  vcpu_hvm_context_t context;
  if (!read_guest(call.space(), context, call.pointer(2))) return -XEN_EFAULT;
  if (target.initialised && !fault("vcpu.initialised_twice")) return -XEN_EEXIST;
  return set_hvm_context(target, context).raw();
}

bool other_vcpu_up(const Domain& domain, const Vcpu& except) {
  for (uint32_t id = 0; id < domain.max_vcpus; ++id) {
    const Vcpu* vcpu = domain.vcpus[id];
    if (vcpu != nullptr && vcpu != &except && (vcpu->pause_flags & kPauseDown) == 0) return true;
  }
  return false;
}

bool pinned(const Vcpu& vcpu) {
  int pcpus = 0;
  for (const uint64_t word : vcpu.hard_affinity) pcpus += std::popcount(word);
  return pcpus == 1;
}

}  // namespace

int64_t vcpuop_initialise(Call& call, Vcpu& target) {
  if (target.info == nullptr) return -XEN_EINVAL;
  return target.pv != nullptr ? initialise_pv(call, target) : initialise_hvm(call, target);
}

int64_t vcpuop_up(Vcpu& target) {
  if (!target.initialised) return -XEN_EINVAL;
  vcpu_unpause(target, kPauseDown);
  return 0;
}

int64_t vcpuop_down(Call& call, Vcpu& target) {
  if (other_vcpu_up(call.domain(), target) || fault("vcpu.last_one_down_stays")) {
    vcpu_pause(target, kPauseDown);
  } else {
    shutdown_domain(call.domain(), SHUTDOWN_poweroff);
  }
  return 0;
}

int64_t vcpuop_send_nmi(Call& call, Vcpu& target) {
  if (call.pointer(2) != Gva{}) return -XEN_EINVAL;
  vcpu_send_nmi(target);
  return 0;
}

int64_t vcpuop_get_physid(Call& call, Vcpu& target) {
  if (!call.domain().privileged || !pinned(target)) return -XEN_EINVAL;
  // The local APIC's id and the ACPI id of a pCPU are both its number here.
  const vcpu_get_physid_t ids{.phys_id = target.pcpu | uint64_t{target.pcpu} << 32};
  return write_guest(call.space(), call.pointer(2), ids) ? 0 : -XEN_EFAULT;
}

/// Errors, in order: ENOENT no such vCPU, whatever the command; ENOSYS; as the command.
int64_t do_vcpu_op(Call& call) {
  const auto id = static_cast<uint32_t>(call.arg[1]);
  if (!call.domain().vcpu_exists(id)) return -XEN_ENOENT;
  Vcpu& target = *call.domain().vcpus[id];
  switch (static_cast<uint32_t>(call.arg[0])) {
    case VCPUOP_initialise:
      return vcpuop_initialise(call, target);
    case VCPUOP_up:
      return vcpuop_up(target);
    case VCPUOP_down:
      return vcpuop_down(call, target);
    case VCPUOP_is_up:
      return (target.pause_flags & kPauseDown) == 0;
    case VCPUOP_get_runstate_info:
      return vcpuop_get_runstate_info(call, target);
    case VCPUOP_register_runstate_memory_area:
      return vcpuop_register_runstate_memory_area(call, target);
    case VCPUOP_set_periodic_timer:
      return vcpuop_set_periodic_timer(call, target);
    case VCPUOP_stop_periodic_timer:
      set_periodic(target, 0);
      return 0;
    case VCPUOP_set_singleshot_timer:
      return vcpuop_set_singleshot_timer(call, target);
    case VCPUOP_stop_singleshot_timer:
      return vcpuop_stop_singleshot_timer(call, target);
    case VCPUOP_register_vcpu_info:
      return vcpuop_register_vcpu_info(call, target);
    case VCPUOP_send_nmi:
      return vcpuop_send_nmi(call, target);
    case VCPUOP_get_physid:
      return vcpuop_get_physid(call, target);
    case VCPUOP_register_vcpu_time_memory_area:
      return vcpuop_register_vcpu_time_memory_area(call, target);
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace hv
