#include "hv/domain/soft_reset.hpp"

#include "hv/base/fault.hpp"
#include "hv/domain/context.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

bool stopped_by_shutdown(const Domain& domain) {
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    const Vcpu* vcpu = domain.vcpus[i];
    if (vcpu != nullptr && (vcpu->pause_flags & kPauseShutdown) == 0) return false;
  }
  return true;
}

void forget_registered_areas(Vcpu& vcpu) {
  if (!fault("domain.soft_reset_keeps_areas")) vcpu.runstate_area = Gva{};
  vcpu.time_area = Gva{};
  if (vcpu.info_frame == kInvalidMfn) return;
  put_page_and_type(vcpu.info_frame);
  vcpu.info_frame = kInvalidMfn;
  shared_info_t* shared = vcpu.domain->shared_info();
  if (vcpu.id < XEN_LEGACY_MAX_VCPUS) {
    vcpu.info = &shared->vcpu_info[vcpu.id];
    return;
  }
  // Without a place for its vcpu_info it cannot run: it has to be registered and initialised again.
  vcpu.info = nullptr;
  reset_vcpu(vcpu);
}

/// Where the old kernel had mapped shared_info, the new one finds ordinary memory.
Status replace_shared_info(DomainMemory& memory) {
  const uint64_t gfn = m2p_get(memory.shared_info);
  if (gfn == kInvalidM2p) return kOk;
  const Result<Mfn> fresh = alloc_domain_frames(memory, 0);
  if (!fresh.ok()) return fresh.status();
  stage2_unmap(memory, Gfn{gfn});
  return stage2_map(memory, Gfn{gfn}, *fresh);
}

}  // namespace

Result<ResetProgress> soft_reset_domain(Domain& domain, bool continued, bool (*preempt)(void*), void* context) {
  if (!stopped_by_shutdown(domain)) return fail(XEN_EINVAL);
  if (domain.controller_pauses == 0 && !fault("domain.soft_reset_unpaused")) return fail(XEN_EINVAL);
  const Result<ResetProgress> progress = evtchn_reset(*domain.events, continued, preempt, context);
  if (!progress.ok() || *progress == ResetProgress::kPreempted) return progress;
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr) forget_registered_areas(*domain.vcpus[i]);
  }
  const bool hvm = domain.kind == GuestKind::kHvm;
  if (const Status status = hvm ? replace_shared_info(domain.memory) : fail(XEN_EINVAL); !status.ok()) {
    crash_domain(domain, "soft reset failed");
    return status;
  }
  resume_domain(domain);
  return ResetProgress::kDone;
}

}  // namespace hv
