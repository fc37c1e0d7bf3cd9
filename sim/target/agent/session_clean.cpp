/// Making a booted hypervisor ready for the next case.
#include "sim/abi/xen.hpp"
#include "sim/target/agent/session.hpp"

namespace assay::agents {

namespace {

constexpr DomId kFirstGuest{1};
/// How long an operation that a case left behind on dom0 may still take before a fresh boot is cheaper.
constexpr uint64_t kSettleLimitNs = 200'000'000;

}  // namespace

// An operation that the last case left in flight must have come back.
bool Session::settle_dom0() {
  for (const auto& mailbox : dom0_mailboxes_) {
    GuestReply reply;
    if (mailbox->in_flight() && !mailbox->await(reply, kSettleLimitNs)) return false;
  }
  return true;
}

// What the case was given must still be dom0's own writable memory.
bool Session::heap_is_sound() {
  const assay_agent_layout& layout = dom0_->space().layout;
  const uint64_t used_bytes = layout.heap_end - layout.heap_start - dom0_->pages_left() * kPageSize;
  return used_bytes == 0 || !privileged_->vcpu(0).fill(Gva{layout.heap_start}, used_bytes, 0);
}

// A guest that has mapped memory of another keeps that one's id alive: all are torn down before any is waited for.
void Session::destroy_all_guests() {
  for (auto& [id, guest] : guests_) guest.mailboxes.clear();
  for (auto info = domain_info(kFirstGuest); info; info = domain_info(DomId{static_cast<uint16_t>(info->domain + 1)})) {
    toolstack_->begin_destroy(DomId{info->domain});
  }
  while (const auto info = domain_info(kFirstGuest)) toolstack_->destroy(DomId{info->domain});
  guests_.clear();
}

bool Session::reset_dom0() {
  Vcpu& vcpu = privileged_->vcpu(0);
  vcpu.set_upcalls(false);
  vcpu.write(scratch_, evtchn_reset{DOMID_SELF});
  if (vcpu.hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_reset, scratch_.raw()}) != 0) return false;
  vcpu.hypercall(__HYPERVISOR_set_timer_op, {0});
  vcpu.hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_stop_periodic_timer, 0, 0});
  vcpu.hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_stop_singleshot_timer, 0, 0});
  // Areas that the hypervisor writes to: a null address takes them back.
  vcpu.fill(scratch_, kPageSize, 0);
  vcpu.hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_register_runstate_memory_area, 0, scratch_.raw()});
  vcpu.hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_time_memory_area, 0, scratch_.raw()});
  constexpr uint64_t kBitmapBytes = sizeof(shared_info::evtchn_pending) + sizeof(shared_info::evtchn_mask);
  if (vcpu.fill(dom0_->shared_info() + offsetof(shared_info, evtchn_pending), kBitmapBytes, 0)) return false;
  vcpu.write(dom0_->vcpu_info(0) + offsetof(vcpu_info, evtchn_pending_sel), uint64_t{0});
  vcpu.write(dom0_->vcpu_info(0) + offsetof(vcpu_info, evtchn_upcall_pending), uint8_t{0});
  return true;
}

bool Session::clean() {
  boot_.check_alive();
  if (has_traces_ || !settle_dom0()) return false;
  destroy_all_guests();
  if (!reset_dom0() || !heap_is_sound()) return false;
  const auto info = domain_info(DomId{0});
  if (!info || info->tot_pages != dom0_pages_) return false;
  adopt_dom0();
  return true;
}

}  // namespace assay::agents
