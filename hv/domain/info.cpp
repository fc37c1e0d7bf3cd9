#include "hv/domain/info.hpp"

#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/domain/cpuid.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/sched/cpupool.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

constexpr uint32_t kWaiting = kPauseBlocked | kPausePolling;

/// Counts and times over the vCPUs. Blocked only when all that are online are; running when any runs.
void describe_vcpus(const Domain& domain, xen_domctl_getdomaininfo_t& info) {
  info.max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
  uint32_t flags = XEN_DOMINF_blocked;
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    const Vcpu* vcpu = domain.vcpus[i];
    if (vcpu == nullptr) continue;
    info.max_vcpu_id = i;
    info.cpu_time += runstate_now(*vcpu).time[RUNSTATE_running];
    if ((vcpu->pause_flags & kPauseDown) != 0) continue;
    ++info.nr_online_vcpus;
    if ((vcpu->pause_flags & kWaiting) == 0) flags &= ~uint32_t{XEN_DOMINF_blocked};
    if (vcpu->running) flags |= XEN_DOMINF_running;
  }
  if (info.nr_online_vcpus != 0) info.flags |= flags;
}

uint32_t state_flags(const Domain& domain) {
  uint32_t flags = 0;
  if (domain.dying == DyingState::kDead) flags |= XEN_DOMINF_dying;
  if (domain.shut_down) flags |= XEN_DOMINF_shutdown;
  if (domain.controller_pauses > 0) flags |= XEN_DOMINF_paused;
  if (domain.debugger_attached) flags |= XEN_DOMINF_debugged;
  if ((domain.flags & XEN_DOMCTL_CDF_xs_domain) != 0) flags |= XEN_DOMINF_xs_domain;
  if (domain.kind == GuestKind::kHvm) flags |= XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;
  // Without a recorded code all bits above the flags are set, as toolstacks of 4.17 see them.
  return flags | static_cast<uint32_t>(domain.shutdown_code) << XEN_DOMINF_shutdownshift;
}

uint64_t shared_info_frame(const Domain& domain) {
  const Mfn mfn = domain.memory.shared_info;
  if (mfn == kInvalidMfn) return ~uint64_t{0};
  return domain.kind == GuestKind::kHvm ? m2p_get(mfn) : mfn.raw();
}

}  // namespace

void describe_domain(const Domain& domain, xen_domctl_getdomaininfo_t& info) {
  info = {};
  if (fault("domctl.info_padding_leaks")) info.pad1 = 0x5a5a;
  info.domain = domain.id.raw();
  describe_vcpus(domain, info);
  info.flags |= state_flags(domain);
  info.tot_pages = domain.memory.tot_pages;
  info.max_pages = domain.memory.max_pages;
  info.shared_info_frame = shared_info_frame(domain);
  info.ssidref = domain.ssid;
  info.cpupool = domain.sched.pool->id;
  std::ranges::copy(domain.handle, info.handle);
  info.gpaddr_bits = static_cast<uint8_t>(machine_address_bits());
  info.arch_config.emulation_flags = domain.emulation_flags;
}

}  // namespace hv
