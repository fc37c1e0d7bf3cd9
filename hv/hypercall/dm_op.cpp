/// Hypercall 41: what a device model asks of the domain that it serves. Source: public/hvm/dm_op.h.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/pause.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/hypercall/scratch.hpp"
#include "sim/abi/xen_services.hpp"

namespace hv {

namespace {

constexpr uint64_t kBuffersMax = 2;
constexpr uint64_t kHeaderBytes = offsetof(xen_dm_op, u);

/// Bytes of an operation's own part; 0: not offered.
uint64_t bytes_of(uint32_t op) {
  switch (op) {
    case XEN_DMOP_nr_vcpus:
      return sizeof(xen_dm_op_nr_vcpus);
    case XEN_DMOP_modified_memory:
      return sizeof(xen_dm_op_modified_memory);
    case XEN_DMOP_inject_event:
      return sizeof(xen_dm_op_inject_event);
    case XEN_DMOP_remote_shutdown:
      return sizeof(xen_dm_op_remote_shutdown);
    default:
      return 0;
  }
}

/// Errors, in order: EINVAL padding; EINVAL no such vCPU; EBUSY one is queued.
int64_t inject_event(Domain& target, const xen_dm_op_inject_event& event) {
  if (event.pad0 != 0 || event.pad1 != 0) return -XEN_EINVAL;
  Vcpu* vcpu = event.vcpuid < target.max_vcpus ? target.vcpus[event.vcpuid] : nullptr;
  if (vcpu == nullptr) return -XEN_EINVAL;
  if (vcpu->hvm.event_queued && !fault("dm_op.event_overwritten")) return -XEN_EBUSY;
  vcpu->hvm.event_queued = true;
  vcpu->hvm.event_vector = event.vector;
  vcpu->hvm.event_address = event.cr2;
  vcpu_kick(*vcpu);
  return 0;
}

int64_t act(Domain& target, xen_dm_op& op) {
  switch (op.op) {
    case XEN_DMOP_nr_vcpus:
      op.u.nr_vcpus.vcpus = target.max_vcpus;
      return 0;
    case XEN_DMOP_modified_memory:
      return 0;  // nobody logs dirty pages: the extents are not even looked at
    case XEN_DMOP_inject_event:
      return inject_event(target, op.u.inject_event);
    default:
      shutdown_domain(target, static_cast<uint8_t>(op.u.remote_shutdown.reason));
      return 0;
  }
}

/// Errors, in order: ESRCH no such domain, EPERM the caller by its own number; EINVAL not HVM; EPERM.
Result<Domain*> find_target(Call& call) {
  Domain* target = domain_by_id(DomId{static_cast<uint16_t>(call.arg[0])});
  if (target == nullptr) return fail(XEN_ESRCH);
  if (target == &call.domain()) return fail(XEN_EPERM);
  if (target->kind != GuestKind::kHvm) return fail(XEN_EINVAL);
  if (!may_act_on(call.domain(), *target)) return fail(XEN_EPERM);
  return target;
}

}  // namespace

/// Errors, in order: E2BIG, ENODATA number of buffers; EFAULT their list; as find_target; EFAULT first buffer too small
/// for the header; EOPNOTSUPP; EFAULT too small for the operation; EINVAL padding; those of the operation.
int64_t do_dm_op(Call& call) {
  const auto count = static_cast<uint32_t>(call.arg[1]);
  if (count > kBuffersMax) return -XEN_E2BIG;
  if (count == 0 && !fault("dm_op.no_buffers")) return -XEN_ENODATA;
  xen_dm_op_buf buffers[kBuffersMax]{};
  if (!copy_from_guest(call.space(), buffers, call.pointer(2), count * sizeof buffers[0])) return -XEN_EFAULT;
  const Result<Domain*> target = find_target(call);
  if (!target.ok()) return target.status().raw();
  xen_dm_op op{};
  const Gva at = handle_address(buffers[0].h);
  const uint64_t size = std::min<uint64_t>(buffers[0].size, sizeof op);
  if (size < kHeaderBytes || !copy_from_guest(call.space(), &op, at, size)) return -XEN_EFAULT;
  const uint64_t bytes = bytes_of(op.op);
  if (bytes == 0) return -XEN_EOPNOTSUPP;
  if (size < kHeaderBytes + bytes) return -XEN_EFAULT;
  if (op.pad != 0) return -XEN_EINVAL;
  const int64_t result = act(**target, op);
  const bool answers = op.op == XEN_DMOP_nr_vcpus;
  if (result == 0 && answers && !copy_to_guest(call.space(), at, &op, kHeaderBytes + bytes)) return -XEN_EFAULT;
  return result;
}

}  // namespace hv
