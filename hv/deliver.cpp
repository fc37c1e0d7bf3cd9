/// What is pending for a vCPU reaches it here, last thing before it goes on.
#include "hv/base/fault.hpp"
#include "hv/core.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/vcpu/pv_segments.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

constexpr uint32_t kVectorNmi = 2;

void inject(assay_run& next, uint32_t vector) {
  next.inject = 1;
  next.inject_vector = vector;
}

/// Faults first, then what a device model injects, then NMI, then the event vector; one at a time.
void deliver_hvm(Vcpu& vcpu, assay_run& next) {
  HvmState& hvm = vcpu.hvm;
  if (hvm.fault_pending) {
    hvm.fault_pending = false;
    inject(next, kVectorGeneralProtection);
    return;
  }
  if (hvm.event_queued) {
    hvm.event_queued = false;
    if (hvm.event_vector == kVectorPageFault) vcpu.regs.cr2 = hvm.event_address;
    inject(next, hvm.event_vector);
    return;
  }
  if (hvm.nmi_pending) {
    hvm.nmi_pending = false;
    inject(next, kVectorNmi);
    return;
  }
  const uint32_t vector = hvm_pending_vector(vcpu);
  if (vector == 0) return;
  if ((vcpu.regs.rflags & kFlagInterrupt) == 0 && !fault("hvm.vector_injected_when_masked")) {
    next.window = 1;
    return;
  }
  if (hvm_own_vector_ready(vcpu)) {
    hvm.pending_vector = false;
    hvm.in_service = true;
  }
  inject(next, vector);
}

}  // namespace

void deliver(Vcpu& vcpu, assay_run& next) {
  if (vcpu.pv == nullptr) {
    deliver_hvm(vcpu, next);
  } else if (!pv_load_segments(vcpu)) {
    crash_domain(*vcpu.domain, "no way into the guest kernel for selectors that cannot be loaded");
  } else if (!pv_deliver(vcpu)) {
    crash_domain(*vcpu.domain, "no way into the guest kernel for an event");
  }
}

}  // namespace hv
