/// Where vCPUs may run.
#include <algorithm>
#include <array>
#include <utility>

#include "hv/base/fault.hpp"
#include "hv/hypercall/bitmap.hpp"
#include "hv/hypercall/domctl.hpp"
#include "hv/hypercall/scratch.hpp"
#include "hv/sched/cpupool.hpp"

namespace hv {

namespace {

using Affinity = uint64_t[4];

CpuMask load(const Affinity& affinity) {
  CpuMask mask;
  std::ranges::copy(affinity, mask.begin());
  return mask;
}

CpuMask both(const CpuMask& a, const CpuMask& b) {
  CpuMask mask;
  std::ranges::transform(a, b, mask.begin(), [](uint64_t x, uint64_t y) { return x & y; });
  return mask;
}

CpuMask pool_cpus(const Domain& domain) {
  return std::to_array(domain.sched.pool->pcpus);
}

/// Flags that ask for neither mask are no error (measured on 4.17): then there is nothing to do.
bool params_valid(const xen_domctl_vcpuaffinity& p) {
  if (p.flags == 0) return false;
  if ((p.flags & XEN_VCPUAFFINITY_HARD) != 0 && handle_address(p.cpumap_hard.bitmap) == Gva{}) return false;
  return (p.flags & XEN_VCPUAFFINITY_SOFT) == 0 || handle_address(p.cpumap_soft.bitmap) != Gva{};
}

Result<Vcpu*> find(Domctl& ctl) {
  const xen_domctl_vcpuaffinity& p = ctl.op.u.vcpuaffinity;
  if (!params_valid(p) || p.vcpu >= ctl.target().max_vcpus) return fail(XEN_EINVAL);
  Vcpu* vcpu = ctl.vcpu(p.vcpu);
  if (vcpu == nullptr) return fail(XEN_ESRCH);
  return vcpu;
}

/// Reads, sets, and reports what will be in effect. EINVAL: a mask that `needed` shares nothing with.
Status set_and_report(const AddressSpace& space, Affinity& affinity, const xenctl_bitmap& map, const CpuMask& within,
                      const CpuMask* needed) {
  CpuMask mask;
  if (!read_cpu_mask(space, mask, map)) return fail(XEN_EFAULT);
  if (needed != nullptr && both(mask, *needed) == CpuMask{}) return fail(XEN_EINVAL);
  std::ranges::copy(mask, affinity);
  return write_cpu_mask(space, map, both(mask, within)) ? kOk : fail(XEN_EFAULT);
}

}  // namespace

int64_t domctl_setvcpuaffinity(Domctl& ctl) {
  const xen_domctl_vcpuaffinity& p = ctl.op.u.vcpuaffinity;
  const Result<Vcpu*> found = find(ctl);
  if (!found.ok()) return found.status().raw();
  Vcpu& vcpu = **found;
  if (fault("domctl.affinity_of_running_refused") && vcpu.running && !ctl.on_self()) return -XEN_EBUSY;
  const CpuMask pool = pool_cpus(ctl.target());
  const CpuMask old_hard = load(vcpu.hard_affinity);
  Status status = kOk;
  if ((p.flags & XEN_VCPUAFFINITY_HARD) != 0) {
    status = set_and_report(ctl.call.space(), vcpu.hard_affinity, p.cpumap_hard, pool, &pool);
    if (status.ok()) sched_affinity_changed(vcpu);
  }
  if (status.ok() && (p.flags & XEN_VCPUAFFINITY_SOFT) != 0) {
    // A soft affinity without any pCPU is no error (measured on 4.17): then there is no preference.
    const CpuMask within = both(load(vcpu.hard_affinity), pool);
    status = set_and_report(ctl.call.space(), vcpu.soft_affinity, p.cpumap_soft, within, nullptr);
    // Both or none.
    const bool undone = !status.ok() && !fault("domctl.half_an_affinity_set");
    if (undone && (p.flags & XEN_VCPUAFFINITY_HARD) != 0) {
      std::ranges::copy(old_hard, vcpu.hard_affinity);
      sched_affinity_changed(vcpu);
    }
  }
  return status.raw();
}

int64_t domctl_getvcpuaffinity(Domctl& ctl) {
  const xen_domctl_vcpuaffinity& p = ctl.op.u.vcpuaffinity;
  const Result<Vcpu*> vcpu = find(ctl);
  if (!vcpu.ok()) return vcpu.status().raw();
  const AddressSpace space = ctl.call.space();
  // As they were set, whatever pool the domain is in (measured on 4.17).
  const bool hard = (p.flags & XEN_VCPUAFFINITY_HARD) == 0 ||
                    write_cpu_mask(space, p.cpumap_hard, both(load((*vcpu)->hard_affinity), online_cpus()));
  const bool soft = (p.flags & XEN_VCPUAFFINITY_SOFT) == 0 ||
                    write_cpu_mask(space, p.cpumap_soft, both(load((*vcpu)->soft_affinity), online_cpus()));
  return hard && soft ? 0 : -XEN_EFAULT;
}

}  // namespace hv
