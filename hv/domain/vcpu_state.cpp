#include "hv/domain/vcpu_state.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/domain/msr.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

/// Count of banks, and MCG_CTL_P.
constexpr uint64_t kCapabilities = 0x1ff;
constexpr size_t kMachineCheckOffset = offsetof(xen_domctl_ext_vcpucontext, vmce);
constexpr uint16_t kRing3 = 3;
constexpr uint32_t kTscAux = 0xc000'0103;

bool has_callbacks(const xen_domctl_ext_vcpucontext& c) {
  return c.syscall32_callback_eip != 0 || c.sysenter_callback_eip != 0 || c.syscall32_callback_cs != 0 ||
         c.sysenter_callback_cs != 0 || c.syscall32_disables_events != 0 || c.sysenter_disables_events != 0;
}

void load_callbacks(PvState& pv, const xen_domctl_ext_vcpucontext& c) {
  pv.syscall32_callback = c.syscall32_callback_eip;
  pv.syscall32_selector = c.syscall32_callback_cs | kRing3;  // everything of a PV guest runs in ring 3
  pv.syscall32_disables_events = c.syscall32_disables_events != 0;
  pv.sysenter_callback = c.sysenter_callback_eip;
  pv.sysenter_selector = c.sysenter_callback_cs | kRing3;
  pv.sysenter_disables_events = c.sysenter_disables_events != 0;
}

}  // namespace

Status set_machine_check(Vcpu& vcpu, const hvm_vmce_vcpu& record) {
  if ((record.caps & ~kCapabilities) != 0) return fail(XEN_EINVAL);
  vcpu.machine_check = record;
  return kOk;
}

void get_extended_context(const Vcpu& vcpu, xen_domctl_ext_vcpucontext& context) {
  const uint32_t id = context.vcpu;
  std::memset(&context, 0, sizeof context);
  context.vcpu = id;
  context.size = sizeof context;
  context.vmce = vcpu.machine_check;
  if (vcpu.pv == nullptr) return;
  const PvState& pv = *vcpu.pv;
  context.syscall32_callback_eip = pv.syscall32_callback;
  context.syscall32_callback_cs = pv.syscall32_selector;
  context.syscall32_disables_events = pv.syscall32_disables_events;
  context.sysenter_callback_eip = pv.sysenter_callback;
  context.sysenter_callback_cs = pv.sysenter_selector;
  context.sysenter_disables_events = pv.sysenter_disables_events;
}

Status set_extended_context(Vcpu& vcpu, const xen_domctl_ext_vcpucontext& context) {
  if (context.size < kMachineCheckOffset) return fail(XEN_EINVAL);
  if (vcpu.pv != nullptr) {
    const bool canonical_both = canonical(context.syscall32_callback_eip) && canonical(context.sysenter_callback_eip);
    if (!canonical_both && !fault("domctl.callback_not_canonical")) return fail(XEN_EINVAL);
    load_callbacks(*vcpu.pv, context);
  } else if (has_callbacks(context)) {
    return fail(XEN_EINVAL);
  }
  // Older toolstacks know of the capabilities alone, the oldest of nothing here.
  if (context.size < kMachineCheckOffset + sizeof context.mcg_cap) return kOk;
  hvm_vmce_vcpu record{};
  std::memcpy(&record, &context.vmce, std::min(sizeof record, context.size - kMachineCheckOffset));
  return set_machine_check(vcpu, record);
}

uint32_t get_pv_msrs(const Vcpu& vcpu, std::span<xen_domctl_vcpu_msr_t, kPvMsrsMax> entries) {
  if (vcpu.pv->tsc_aux == 0) return 0;
  entries[0] = {kTscAux, 0, vcpu.pv->tsc_aux};
  return 1;
}

Status set_pv_msr(Vcpu& vcpu, const xen_domctl_vcpu_msr_t& entry) {
  if (entry.reserved != 0 || entry.index != kTscAux) return fail(XEN_EINVAL);
  return write_msr(vcpu, entry.index, entry.value) ? kOk : fail(XEN_EINVAL);
}

}  // namespace hv
