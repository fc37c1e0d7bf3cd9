/// XEN_DOMCTL_createdomain and max_vcpus.
#include <algorithm>
#include <limits>

#include "hv/domain/domain_list.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/pause.hpp"
#include "hv/hypercall/domctl.hpp"
#include "hv/sched/cpupool.hpp"

namespace hv {

namespace {

constexpr uint32_t kVcpusMaxPv = 8192;
constexpr uint32_t kFlagsKnown = XEN_DOMCTL_CDF_MAX * 2 - 1;

bool has(uint32_t flags, uint32_t flag) {
  return (flags & flag) != 0;
}

/// What the machine can give to any domain at all.
Status check_flags(const xen_domctl_createdomain& config) {
  const uint32_t flags = config.flags;
  const bool hvm = has(flags, XEN_DOMCTL_CDF_hvm);
  const bool hap = has(flags, XEN_DOMCTL_CDF_hap);
  if ((flags & ~kFlagsKnown) != 0 || (config.grant_opts & ~uint32_t{XEN_DOMCTL_GRANT_version_mask}) != 0) {
    return fail(XEN_EINVAL);
  }
  if (config.max_vcpus < 1 || (hap && !hvm)) return fail(XEN_EINVAL);
  // No measured launch, no IOMMU, no performance counters, no processor trace.
  constexpr uint32_t kAbsent = XEN_DOMCTL_CDF_s3_integrity | XEN_DOMCTL_CDF_iommu | XEN_DOMCTL_CDF_vpmu;
  if (has(flags, kAbsent) || config.iommu_opts != 0) return fail(XEN_EINVAL);
  if (config.max_vcpus > (hvm ? uint32_t{HVM_MAX_VCPUS} : kVcpusMaxPv)) return fail(XEN_EINVAL);
  if (has(flags, XEN_DOMCTL_CDF_nested_virt) && !hap) return fail(XEN_EINVAL);
  if ((config.arch.misc_flags & ~XEN_X86_MSR_RELAXED) != 0 || config.vmtrace_size != 0) return fail(XEN_EINVAL);
  return kOk;
}

/// What the toolstack allows at present, of what a table can have at all.
uint32_t grant_frames_limit() {
  return std::min(domain_list().grant_frames_max, kGrantFramesMax);
}
uint32_t maptrack_frames_limit() {
  return std::min(domain_list().maptrack_frames_max, kMaptrackFramesMax);
}

/// Negative: as many as the machine gives to any domain.
GrantLimits grant_limits(const xen_domctl_createdomain& config) {
  const auto limit = [](int32_t wanted, uint32_t most) { return wanted < 0 ? most : static_cast<uint32_t>(wanted); };
  return {limit(config.max_grant_frames, grant_frames_limit()),
          limit(config.max_maptrack_frames, maptrack_frames_limit()), XEN_DOMCTL_GRANT_version(config.grant_opts)};
}

Status check_grants(const xen_domctl_createdomain& config) {
  const GrantLimits limits = grant_limits(config);
  const bool frames_ok = limits.frames_max >= 1 && limits.frames_max <= grant_frames_limit();
  const bool version_ok = limits.version_max >= 1 && limits.version_max <= kGrantVersionMax;
  if (!frames_ok || limits.maptrack_frames_max > maptrack_frames_limit()) return fail(XEN_EINVAL);
  return version_ok ? kOk : fail(XEN_EINVAL);
}

/// HVM: everything or the local APIC alone; PV64: nothing, or the timer that only the first domain gets a use of.
Status check_emulation(const xen_domctl_createdomain& config) {
  const uint32_t flags = config.arch.emulation_flags;
  if ((flags & ~uint32_t{XEN_X86_EMU_ALL}) != 0) return fail(XEN_EINVAL);
  if (has(config.flags, XEN_DOMCTL_CDF_hvm)) {
    const bool full = flags == (XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI);
    return full || flags == XEN_X86_EMU_LAPIC ? kOk : fail(XEN_EOPNOTSUPP);
  }
  return flags == 0 || flags == XEN_X86_EMU_PIT ? kOk : fail(XEN_EOPNOTSUPP);
}

Status check_config(const xen_domctl_createdomain& config) {
  if (const Status status = check_flags(config); !status.ok()) return status;
  if (const Status status = check_grants(config); !status.ok()) return status;
  if (const Status status = check_emulation(config); !status.ok()) return status;
  // Nested paging is the only way to run an HVM guest: there are no shadow page tables.
  const bool shadow = has(config.flags, XEN_DOMCTL_CDF_hvm) && !has(config.flags, XEN_DOMCTL_CDF_hap);
  if (shadow) return fail(XEN_EOPNOTSUPP);
  return cpupool_by_id(config.cpupool_id) != nullptr ? kOk : fail(XEN_ESRCH);
}

DomainConfig to_config(DomId id, const xen_domctl_createdomain& from) {
  DomainConfig config;
  config.id = id;
  config.kind = has(from.flags, XEN_DOMCTL_CDF_hvm) ? GuestKind::kHvm : GuestKind::kPv64;
  config.ssid = from.ssidref;
  config.flags = from.flags;
  config.emulation_flags = from.arch.emulation_flags;
  config.misc_flags = from.arch.misc_flags;
  config.max_vcpus = from.max_vcpus;
  config.pool = cpupool_by_id(from.cpupool_id);
  config.max_evtchn_port = from.max_evtchn_port;
  config.grants = grant_limits(from);
  std::ranges::copy(from.handle, config.handle.begin());
  return config;
}

/// A free id that the caller chose, or the next one in turn. The turn advances even when creation fails later.
Result<DomId> choose_id(uint16_t wanted) {
  if (wanted > 0 && wanted < DOMID_FIRST_RESERVED) {
    if (domain_by_id(DomId{wanted}) != nullptr) return fail(XEN_EEXIST);
    return DomId{wanted};
  }
  const DomId id = pick_domain_id();
  if (id == DomId{0}) return fail(XEN_ENOMEM);
  return id;
}

}  // namespace

int64_t domctl_createdomain(Domctl& ctl) {
  const xen_domctl_createdomain& config = ctl.op.u.createdomain;
  const Result<DomId> id = choose_id(ctl.op.domain);
  if (!id.ok()) return id.status().raw();
  if (const Status status = check_config(config); !status.ok()) return status.raw();
  const Result<Domain*> domain = create_domain(to_config(*id, config));
  if (!domain.ok()) return domain.status().raw();
  ctl.op.domain = id->raw();
  ctl.copy_back = true;
  return 0;
}

int64_t domctl_max_vcpus(Domctl& ctl) {
  if (ctl.on_self() || ctl.op.u.max_vcpus.max != ctl.target().max_vcpus) return -XEN_EINVAL;
  const PauseGuard guard(ctl.target());
  return allocate_vcpus(ctl.target()).raw();
}

}  // namespace hv
