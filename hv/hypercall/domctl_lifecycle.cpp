/// Pausing, resuming, resetting and destroying domains.
#include "hv/base/fault.hpp"
#include "hv/domain/context.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/soft_reset.hpp"
#include "hv/hypercall/domctl.hpp"

namespace hv {

namespace {

bool preempt(void* call) {
  return static_cast<Call*>(call)->preempt_needed();
}

}  // namespace

int64_t domctl_destroydomain(Domctl& ctl) {
  if (ctl.on_self()) return -XEN_EINVAL;
  if (destroy_domain(ctl.target(), preempt, &ctl.call) == TeardownProgress::kPreempted) ctl.continued = true;
  // Nobody else may name the domain once its last frame is gone.
  reap_dead_domains();
  return 0;
}

int64_t domctl_pausedomain(Domctl& ctl) {
  return ctl.on_self() && !fault("domctl.pause_self") ? -XEN_EINVAL : pause_by_controller(ctl.target()).raw();
}

int64_t domctl_unpausedomain(Domctl& ctl) {
  return unpause_by_controller(ctl.target()).raw();
}

int64_t domctl_resumedomain(Domctl& ctl) {
  if (ctl.on_self()) return -XEN_EINVAL;
  resume_domain(ctl.target());
  return 0;
}

int64_t domctl_soft_reset(Domctl& ctl) {
  constexpr uint32_t kContinued = 23;
  if (ctl.on_self()) return -XEN_EINVAL;
  const bool continued = ctl.op.cmd == kContinued;
  const Result<ResetProgress> progress = soft_reset_domain(ctl.target(), continued, preempt, &ctl.call);
  if (!progress.ok()) return progress.status().raw();
  if (*progress == ResetProgress::kPreempted) {
    ctl.op.cmd = kContinued;
    ctl.copy_back = true;
    ctl.continued = true;
  }
  return 0;
}

}  // namespace hv
