/// Further state of another domain's vCPUs. The vCPU that calls cannot be stopped: what its own state gives differs
/// from call to call, and stands where 4.17 has it.
#include <array>

#include "hv/domain/pause.hpp"
#include "hv/domain/vcpu_state.hpp"
#include "hv/hypercall/domctl.hpp"
#include "hv/hypercall/scratch.hpp"

namespace hv {

namespace {

/// What precedes an XSAVE area: xcr0 and what it has ever been. The machine has no XSAVE, so nothing follows.
struct XsaveHeader {
  uint64_t xcr0, xcr0_accumulated;
};
constexpr uint64_t kXsaveFeatures = 0;

bool is_caller(const Domctl& ctl, const Vcpu& vcpu) {
  return &vcpu == &ctl.call.vcpu;
}

}  // namespace

int64_t domctl_set_ext_vcpucontext(Domctl& ctl) {
  Vcpu* vcpu = ctl.vcpu(ctl.op.u.ext_vcpucontext.vcpu);
  if (vcpu == nullptr || is_caller(ctl, *vcpu)) return -XEN_ESRCH;
  const PauseGuard guard(ctl.target());
  return set_extended_context(*vcpu, ctl.op.u.ext_vcpucontext).raw();
}

int64_t domctl_get_ext_vcpucontext(Domctl& ctl) {
  const Vcpu* vcpu = ctl.vcpu(ctl.op.u.ext_vcpucontext.vcpu);
  if (vcpu == nullptr || is_caller(ctl, *vcpu)) return -XEN_ESRCH;
  get_extended_context(*vcpu, ctl.op.u.ext_vcpucontext);
  ctl.copy_back = true;
  return 0;
}

int64_t domctl_getvcpuextstate(Domctl& ctl) {
  xen_domctl_vcpuextstate& state = ctl.op.u.vcpuextstate;
  const Vcpu* vcpu = ctl.vcpu(state.vcpu);
  if (vcpu == nullptr) return -XEN_ESRCH;
  if (is_caller(ctl, *vcpu)) return -XEN_EINVAL;
  const Gva to = handle_address(state.buffer);
  const bool asks_size = (state.size == 0 && state.xfeature_mask == 0) || to == Gva{};
  if (!asks_size) {
    if (state.size < sizeof(XsaveHeader) || state.xfeature_mask != kXsaveFeatures) return -XEN_EINVAL;
    if (!write_guest(ctl.call.space(), to, XsaveHeader{})) return -XEN_EFAULT;
  }
  state.xfeature_mask = kXsaveFeatures;
  state.size = sizeof(XsaveHeader);
  ctl.copy_back = true;
  return 0;
}

int64_t domctl_setvcpuextstate(Domctl& ctl) {
  const xen_domctl_vcpuextstate& state = ctl.op.u.vcpuextstate;
  const Vcpu* vcpu = ctl.vcpu(state.vcpu);
  if (vcpu == nullptr) return -XEN_ESRCH;
  if (is_caller(ctl, *vcpu) || state.size != sizeof(XsaveHeader)) return -XEN_EINVAL;
  XsaveHeader header;
  if (!read_guest(ctl.call.space(), header, handle_address(state.buffer))) return -XEN_EFAULT;
  return header.xcr0 == 0 && header.xcr0_accumulated == 0 ? 0 : -XEN_EINVAL;
}

int64_t domctl_get_vcpu_msrs(Domctl& ctl) {
  xen_domctl_vcpu_msrs& msrs = ctl.op.u.vcpu_msrs;
  const Vcpu* vcpu = ctl.vcpu(msrs.vcpu);
  if (vcpu == nullptr) return -XEN_ESRCH;
  if (is_caller(ctl, *vcpu) || vcpu->pv == nullptr) return -XEN_EINVAL;
  ctl.copy_back = true;
  const Gva to = handle_address(msrs.msrs);
  if (to == Gva{}) {
    msrs.msr_count = kPvMsrsMax;
    return 0;
  }
  const PauseGuard guard(ctl.target());
  std::array<xen_domctl_vcpu_msr_t, kPvMsrsMax> entries;
  const uint32_t count = get_pv_msrs(*vcpu, entries);
  const uint32_t room = msrs.msr_count;
  msrs.msr_count = count;
  if (count > room) return -XEN_ENOBUFS;
  return copy_to_guest(ctl.call.space(), to, entries.data(), count * sizeof entries[0]) ? 0 : -XEN_EFAULT;
}

int64_t domctl_set_vcpu_msrs(Domctl& ctl) {
  xen_domctl_vcpu_msrs& msrs = ctl.op.u.vcpu_msrs;
  Vcpu* vcpu = ctl.vcpu(msrs.vcpu);
  if (vcpu == nullptr) return -XEN_ESRCH;
  if (is_caller(ctl, *vcpu) || vcpu->pv == nullptr) return -XEN_EINVAL;
  const uint32_t count = msrs.msr_count;
  if (count > kPvMsrsMax) return -XEN_EINVAL;
  ctl.copy_back = true;
  const PauseGuard guard(ctl.target());
  for (msrs.msr_count = 0; msrs.msr_count < count; ++msrs.msr_count) {
    xen_domctl_vcpu_msr_t entry;
    const Gva at = handle_address(msrs.msrs) + msrs.msr_count * sizeof entry;
    if (!read_guest(ctl.call.space(), entry, at)) return -XEN_EFAULT;
    // The caller is told which one.
    if (const Status status = set_pv_msr(*vcpu, entry); !status.ok()) return status.raw();
  }
  return 0;
}

}  // namespace hv
