/// The operations on a port that exists.
#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/evtchn/event_channels.hpp"
#include "hv/hypercall/event_channel_op.hpp"

namespace hv {

namespace {

bool preempt(void* call) {
  return static_cast<Call*>(call)->preempt_needed();
}

}  // namespace

int64_t evtchnop_send(Call& call, Gva argument) {
  evtchn_send_t send;
  if (!read_guest(call.space(), send, argument)) return -XEN_EFAULT;
  return evtchn_send(*call.domain().events, Port{send.port}).raw();
}

int64_t evtchnop_close(Call& call, Gva argument) {
  evtchn_close_t close;
  if (!read_guest(call.space(), close, argument)) return -XEN_EFAULT;
  return evtchn_close(*call.domain().events, Port{close.port}).raw();
}

int64_t evtchnop_status(Call& call, Gva argument) {
  evtchn_status_t status;
  if (!read_guest(call.space(), status, argument)) return -XEN_EFAULT;
  Domain* domain = domain_by_any_id(call.domain(), status.dom);
  if (domain == nullptr) return -XEN_ESRCH;
  const bool permitted = may_act_on(call.domain(), *domain);
  if (const Status result = evtchn_status(*domain->events, Port{status.port}, permitted, status); !result.ok()) {
    return result.raw();
  }
  return write_guest(call.space(), argument, status) ? 0 : -XEN_EFAULT;
}

int64_t evtchnop_bind_vcpu(Call& call, Gva argument) {
  evtchn_bind_vcpu_t bind;
  if (!read_guest(call.space(), bind, argument)) return -XEN_EFAULT;
  constexpr uint64_t kVcpuAt = offsetof(evtchn_bind_vcpu_t, vcpu);
  if (fault("evtchn.bind_vcpu_read_twice") && !read_guest(call.space(), bind.vcpu, argument + kVcpuAt))
    return -XEN_EFAULT;
  return evtchn_bind_vcpu(*call.domain().events, Port{bind.port}, bind.vcpu).raw();
}

int64_t evtchnop_unmask(Call& call, Gva argument) {
  evtchn_unmask_t unmask;
  if (!read_guest(call.space(), unmask, argument)) return -XEN_EFAULT;
  return evtchn_unmask(*call.domain().events, Port{unmask.port}).raw();
}

int64_t evtchnop_reset(Call& call, Gva argument, bool continued) {
  evtchn_reset_t reset;
  if (!read_guest(call.space(), reset, argument)) return -XEN_EFAULT;
  Domain* domain = domain_by_any_id(call.domain(), reset.dom);
  if (domain == nullptr) return -XEN_ESRCH;
  if (!may_act_on(call.domain(), *domain)) return -XEN_EPERM;
  // Another domain must stand still, or it could open ports as fast as they are closed.
  if (domain != &call.domain() && domain->controller_pauses == 0) return -XEN_EINVAL;
  const Result<ResetProgress> progress = evtchn_reset(*domain->events, continued, preempt, &call);
  if (!progress.ok()) return progress.status().raw();
  if (*progress == ResetProgress::kDone) return 0;
  constexpr uint64_t kResetContinued = 14;
  return call.continue_with({kResetContinued, argument.raw()});
}

}  // namespace hv
