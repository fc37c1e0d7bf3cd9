#include "sim/toolstack/bring_up.hpp"

#include <array>
#include <cstddef>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/error.hpp"
#include "sim/toolstack/toolstack.hpp"
#include "sim/toolstack/vcpu_state.hpp"

namespace assay::toolstack {

namespace {

/// The new vCPU's own stack holds the context while it is not running: no memory of the guest is used up.
Gva scratch_of(const assay_agent_layout& layout, uint32_t vcpu_id) {
  static_assert(sizeof(vcpu_guest_context) >= sizeof(vcpu_hvm_context));
  if (layout.stack_bytes < sizeof(vcpu_guest_context)) throw ToolstackError("the agent's stacks are too small");
  return Gva{layout.stacks + vcpu_id * layout.stack_bytes};
}

Mfn root_table(Domain& guest) {
  const Gva pt_base{guest.vcpu(0).read<uint64_t>(guest.space().start_info + offsetof(start_info, pt_base))};
  return Mfn{guest.gfn_of(pt_base).raw()};
}

/// What an earlier life of that vCPU has left there would be taken for an agent that listens.
void clear_mailbox(Domain& guest, uint32_t vcpu_id) {
  const assay_agent_layout& layout = guest.space().layout;
  const std::array<std::byte, offsetof(assay_mailbox, data)> nothing{};
  guest.vcpu(0).write(Gva{layout.mailboxes + vcpu_id * layout.mailbox_stride}, nothing);
}

void must_vcpu_op(Domain& guest, uint32_t command, uint32_t vcpu_id, Gva argument, const char* name) {
  const int64_t result = guest.vcpu(0).hypercall(__HYPERVISOR_vcpu_op, {command, vcpu_id, argument.raw()});
  must(result, std::string(name) + "(" + std::to_string(vcpu_id) + ") in domain " + std::to_string(guest.id().raw()));
}

}  // namespace

void bring_up_vcpu(Domain& guest, uint32_t vcpu_id) {
  const assay_agent_layout& layout = guest.space().layout;
  if (vcpu_id >= ASSAY_AGENT_VCPUS_MAX)
    throw ToolstackError("the agent has no mailbox for vCPU " + std::to_string(vcpu_id));
  clear_mailbox(guest, vcpu_id);
  const Gva scratch = scratch_of(layout, vcpu_id);
  if (guest.type() == GuestType::kPv64) {
    guest.vcpu(0).write(scratch, further_pv_context(layout, root_table(guest), vcpu_id));
  } else {
    guest.vcpu(0).write(scratch, further_pvh_context(layout, vcpu_id));
  }
  must_vcpu_op(guest, VCPUOP_initialise, vcpu_id, scratch, "VCPUOP_initialise");
  must_vcpu_op(guest, VCPUOP_up, vcpu_id, Gva{0}, "VCPUOP_up");
}

}  // namespace assay::toolstack
