#include "hv/domain/domain.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/domain/domain_list.hpp"

namespace hv {

namespace {

/// In the data segment: which the host saves and restores with the arena.
DomainList domain_list_state;

}  // namespace

DomainList& domain_list() {
  return domain_list_state;
}

Domain* domain_by_id(DomId id) {
  for (Domain* domain = domain_list_state.head; domain != nullptr; domain = domain->next) {
    if (domain->id == id) return domain;
  }
  return nullptr;
}

Domain* domain_at_or_above(DomId id) {
  for (Domain* domain = domain_list_state.head; domain != nullptr; domain = domain->next) {
    if (domain->id >= id) return domain;
  }
  return nullptr;
}

void Domain::mark_pending(uint32_t vcpu_id, uint32_t selector_bit) {
  Vcpu* vcpu = vcpu_id < max_vcpus ? vcpus[vcpu_id] : nullptr;
  if (vcpu == nullptr || vcpu->info == nullptr) return;
  const uint64_t bit = uint64_t{1} << selector_bit;
  if ((vcpu->info->evtchn_pending_sel & bit) != 0) return;
  vcpu->info->evtchn_pending_sel |= bit;
  // The guest clears the flag before it takes the selector, so the flag comes last.
  between_guest_accesses(&vcpu->info->evtchn_pending_sel);
  raise_upcall(vcpu_id);
}

void Domain::raise_upcall(uint32_t vcpu_id) {
  Vcpu* vcpu = vcpu_id < max_vcpus ? vcpus[vcpu_id] : nullptr;
  if (vcpu == nullptr || vcpu->info == nullptr || vcpu->info->evtchn_upcall_pending != 0) return;
  vcpu->info->evtchn_upcall_pending = 1;
  vcpu_upcall_raised(*vcpu);
}

void Domain::wake_pollers(Port port) {
  if (pollers == 0) return;
  for (uint32_t i = 0; i < max_vcpus; ++i) {
    Vcpu* vcpu = vcpus[i];
    if (vcpu == nullptr || (vcpu->pause_flags & kPausePolling) == 0) continue;
    // A vCPU that polls several ports is woken by any of them and looks again itself.
    const bool any = vcpu->polled_port == Port{} || fault("vcpu.poll_woken_by_any_port");
    if (any || vcpu->polled_port == port) vcpu_unblock(*vcpu);
  }
}

bool Domain::vcpu_exists(uint32_t vcpu_id) const {
  return vcpu_id < max_vcpus && vcpus[vcpu_id] != nullptr;
}

shared_info_t* Domain::shared_info() const {
  return memory.shared_info == kInvalidMfn ? nullptr : frame_as<shared_info_t>(memory.shared_info);
}

}  // namespace hv
