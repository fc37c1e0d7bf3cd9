/// Reading and setting what a domain is.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/domain/info.hpp"
#include "hv/domain/pause.hpp"
#include "hv/hypercall/domctl.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

/// The modes of public/domctl.h's tsc_info, whose numbers have no names there: default, always emulate, never emulate.
constexpr uint32_t kAlwaysEmulate = 1, kNeverEmulate = 2;

}  // namespace

int64_t domctl_getdomaininfo(Domctl& ctl) {
  if (ctl.domain == nullptr) {
    if (ctl.op.domain >= DOMID_FIRST_RESERVED) return -XEN_EINVAL;
    ctl.domain = domain_at_or_above(DomId{ctl.op.domain});
  }
  if (ctl.domain == nullptr) return -XEN_ESRCH;
  describe_domain(ctl.target(), ctl.op.u.getdomaininfo);
  ctl.op.domain = ctl.target().id.raw();
  ctl.copy_back = true;
  return 0;
}

int64_t domctl_getvcpuinfo(Domctl& ctl) {
  xen_domctl_getvcpuinfo& info = ctl.op.u.getvcpuinfo;
  if (info.vcpu >= ctl.target().max_vcpus) return -XEN_EINVAL;
  const Vcpu* vcpu = ctl.vcpu(info.vcpu);
  if (vcpu == nullptr) return -XEN_ESRCH;
  info.online = (vcpu->pause_flags & kPauseDown) == 0;
  info.blocked = (vcpu->pause_flags & (kPauseBlocked | kPausePolling)) != 0;
  info.running = vcpu->running;
  info.cpu_time = runstate_now(*vcpu).time[RUNSTATE_running];
  info.cpu = vcpu->pcpu;
  ctl.copy_back = true;
  return 0;
}

int64_t domctl_setdomainhandle(Domctl& ctl) {
  std::ranges::copy(ctl.op.u.setdomainhandle.handle, ctl.target().handle.begin());
  return 0;
}

int64_t domctl_setdebugging(Domctl& ctl) {
  if (ctl.on_self()) return -XEN_EINVAL;
  const PauseGuard guard(ctl.target());
  ctl.target().debugger_attached = ctl.op.u.setdebugging.enable != 0;
  return 0;
}

int64_t domctl_set_target(Domctl& ctl) {
  const Domain* emulated = domain_by_id(DomId{ctl.op.u.set_target.target});
  if (emulated == nullptr) return -XEN_ESRCH;
  if (emulated == ctl.domain || ctl.target().target_of != DomId{DOMID_INVALID}) return -XEN_EINVAL;
  if (emulated->kind != GuestKind::kHvm) return -XEN_EOPNOTSUPP;
  if (!is_control(ctl.caller())) return -XEN_EPERM;
  ctl.target().target_of = emulated->id;
  return 0;
}

int64_t domctl_settimeoffset(Domctl& ctl) {
  ctl.target().time_offset_s = ctl.op.u.settimeoffset.time_offset_seconds;
  if (shared_info_t* shared = ctl.target().shared_info(); shared != nullptr) {
    publish_wallclock(*shared, ctl.target().time_offset_s);
  }
  return 0;
}

int64_t domctl_gettscinfo(Domctl& ctl) {
  if (ctl.on_self()) return -XEN_EINVAL;
  const Domain& domain = ctl.target();
  xen_domctl_tsc_info& info = ctl.op.u.tsc_info;
  info = {};
  info.tsc_mode = domain.tsc_mode;
  info.incarnation = domain.tsc_incarnation;
  // A counter that is never emulated has neither a rate nor an age of its own.
  if (domain.tsc_mode != kNeverEmulate) {
    info.gtsc_khz = domain.tsc_khz != 0 ? domain.tsc_khz : host().tsc_khz;
    info.elapsed_nsec = now() + domain.tsc_elapsed;
  }
  ctl.copy_back = true;
  return 0;
}

int64_t domctl_settscinfo(Domctl& ctl) {
  const xen_domctl_tsc_info& info = ctl.op.u.tsc_info;
  if (ctl.on_self() || info.tsc_mode > kNeverEmulate) return -XEN_EINVAL;
  const PauseGuard guard(ctl.target());
  ctl.target().tsc_mode = info.tsc_mode;
  // Never emulated: the guest sees the machine's own counter, whatever was asked.
  ctl.target().tsc_khz = info.tsc_mode == kNeverEmulate ? 0 : info.gtsc_khz;
  ctl.target().tsc_incarnation = info.incarnation + 1;
  // A domain that was saved elsewhere goes on growing older from there.
  if (!fault("domctl.tsc_age_lost")) ctl.target().tsc_elapsed = info.elapsed_nsec - now();
  // Where each rdtsc is emulated the counter is the domain's age; the record of an HVM vCPU says what its own is.
  const bool is_emulated = info.tsc_mode == kAlwaysEmulate && ctl.target().kind == GuestKind::kPv64;
  for (uint32_t id = 0; id < ctl.target().max_vcpus; ++id) {
    Vcpu* const vcpu = ctl.vcpu(id);
    if (vcpu == nullptr) continue;
    vcpu->tsc_khz = ctl.target().tsc_khz;
    if (is_emulated) set_tsc_age(*vcpu, now() + ctl.target().tsc_elapsed);
  }
  return 0;
}

}  // namespace hv
