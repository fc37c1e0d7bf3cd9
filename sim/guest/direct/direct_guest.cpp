#include "sim/guest/direct/direct_guest.hpp"

#include <array>

#include "sim/abi/xen.hpp"
#include "sim/guest/vectors.hpp"

namespace assay {

namespace {

constexpr uint64_t kPageEntries = 128;
constexpr uint64_t kPageEntryBytes = 32;
/// Where a stub of the hypercall page returns to, and how far a core steps back to have the call made again.
constexpr uint64_t kPvStubReturn = 10;
constexpr uint64_t kHvmStubReturn = 8;
constexpr uint64_t kSyscallBytes = 2;
constexpr uint64_t kVmcallBytes = 3;

/// What the hypervisor leaves on a PV64 guest's stack for an event. Source: public/arch-x86/xen-x86_64.h.
struct EventFrame {
  uint64_t rcx, r11, rip, cs, rflags, rsp, ss;
};

}  // namespace

DirectGuest::DirectGuest(Machine& machine, const assay_agent_layout& layout, GuestType type, uint32_t vcpu_id)
    : machine_(machine),
      layout_(layout),
      type_(type),
      vcpu_id_(vcpu_id),
      // Inside the entry code: addresses of the image that are no other place of interest.
      serve_rip_((type == GuestType::kPv64 ? layout.pv_entry : layout.pvh_entry) + 1),
      instruction_end_(serve_rip_ + 2),
      memory_(machine.memory(), machine.frames()) {
  state_.info_va = layout.shared_info + vcpu_id * sizeof(vcpu_info_t);
}

void DirectGuest::start(const GuestRequest& request) {
  if (state_.is_busy) throw HarnessFault("vcpu " + std::to_string(vcpu_id_) + " has an operation in flight already");
  own_request_ = request;
  own_reply_ = GuestReply{};
  borrow(own_request_, own_reply_);
}

void DirectGuest::borrow(const GuestRequest& request, GuestReply& reply) {
  if (state_.is_busy) throw HarnessFault("vcpu " + std::to_string(vcpu_id_) + " has an operation in flight already");
  request_ = &request;
  reply_ = &reply;
  state_.is_busy = true;
  state_.done_bytes = 0;
  state_.spin_started = false;
  state_.absent_device = false;
  has_replied_ = false;
  machine_.wake(*this);
}

void DirectGuest::keep() {
  if (request_ == &own_request_) return;
  own_request_ = *request_;
  own_reply_ = *reply_;
  request_ = &own_request_;
  reply_ = &own_reply_;
}

void DirectGuest::restore(const DirectState& state) {
  state_ = state;
  has_replied_ = false;
  memory_.forget();
}

void DirectGuest::arrive(const DirectState& state) {
  if (!state.is_busy || state.phase != DirectState::Phase::kCall) {
    throw HarnessFault("a direct guest is moved while it is in no hypercall");
  }
  restore(state);
  own_request_ = GuestRequest{};
  own_request_.op = ASSAY_OP_HYPERCALL;
  own_reply_ = GuestReply{};
  request_ = &own_request_;
  reply_ = &own_reply_;
  machine_.wake(*this);
}

GuestStep DirectGuest::step(assay_run& run, const StepLimits& limits, assay_exit& exit) {
  memory_.use(run);
  regs_ = run.regs;
  exit_ = &exit;
  now_ns_ = limits.now_ns;
  tsc_khz_ = run.tsc_khz;
  tsc_offset_ = run.tsc_offset;
  if (run.inject != 0) take_injection(run);
  const bool window_open = run.window != 0 && (regs_->rflags & kFlagInterrupt) != 0;
  if (window_open) return leave_for(ASSAY_EXIT_PREEMPTED);
  GuestStep step = go_on();
  const bool sleeps = step.kind == GuestStep::Kind::kIdle && state_.is_parked && !state_.is_busy && !state_.is_lost;
  if (sleeps) step = poll();
  // Interrupts that an operation has just let through are taken at its end, as far as the core asked to be told.
  const bool opened = run.window != 0 && step.kind != GuestStep::Kind::kExit && (regs_->rflags & kFlagInterrupt) != 0;
  return opened ? leave_for(ASSAY_EXIT_PREEMPTED) : step;
}

GuestStep DirectGuest::go_on() {
  const uint64_t rip = regs_->rip;
  if (state_.phase == DirectState::Phase::kExecute) return run_instructions();
  if (rip == serve_rip_) return serve();
  if (rip == state_.call_return) return back_from_call();
  if (rip == layout_.event_callback && is_pv()) return event_callback();
  return elsewhere(rip);
}

GuestStep DirectGuest::elsewhere(uint64_t rip) {
  if (state_.is_lost) return kIdle;
  const uint64_t trap_offset = rip - layout_.trap_handlers;
  if (is_pv() && trap_offset < kExceptionVectors * layout_.trap_handler_stride) {
    return trap(static_cast<uint32_t>(trap_offset / layout_.trap_handler_stride));
  }
  if (rip == instruction_end_) return after_instruction();
  if (rip + (is_pv() ? kSyscallBytes : kVmcallBytes) == state_.call_return) return call_again();
  if (is_pv() && rip == layout_.pv_entry) return begin_pv(regs_->rsi);
  if (is_pv() && rip == layout_.pv_secondary) return begin_pv(0);
  if (!is_pv() && rip == layout_.pvh_entry - layout_.virt_base) return begin_pvh(layout_.virt_base + regs_->rbx);
  if (!is_pv() && rip == layout_.pvh_secondary) return begin_pvh(0);
  if (is_pv() && rip == layout_.failsafe_callback) return lost("the failsafe callback was called");
  return lost("it runs at an address where the agent has no code");
}

GuestStep DirectGuest::lost(const std::string& why) {
  std::array<char, 24> rip{};
  std::snprintf(rip.data(), rip.size(), "0x%llx", static_cast<unsigned long long>(regs_->rip));
  state_.trouble += "vcpu " + std::to_string(vcpu_id_) + " is lost at rip " + rip.data() + ": " + why + "\n";
  state_.is_lost = true;
  return kIdle;
}

GuestStep DirectGuest::serve() {
  return state_.is_busy ? operate() : kIdle;
}

GuestStep DirectGuest::leave_for(assay_exit_reason reason) {
  exit_->reason = reason;
  return kLeave;
}

GuestStep DirectGuest::call(uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5,
                            uint64_t a6) {
  regs_->rax = number;
  regs_->rdi = a1;
  regs_->rsi = a2;
  regs_->rdx = a3;
  regs_->r10 = a4;
  regs_->r8 = a5;
  regs_->r9 = a6;
  const bool by_page = number < kPageEntries && number != __HYPERVISOR_iret;
  const uint64_t stub_return = is_pv() ? kPvStubReturn : kHvmStubReturn;
  state_.call_return =
      by_page ? layout_.hypercall_page + number * kPageEntryBytes + stub_return : instruction_end_ + stub_return;
  return call_again();
}

GuestStep DirectGuest::call_again() {
  regs_->rip = state_.call_return;
  if (is_pv()) {  // as the syscall instruction leaves them
    regs_->rcx = regs_->rip;
    regs_->r11 = regs_->rflags;
  }
  return leave_for(ASSAY_EXIT_HYPERCALL);
}

GuestStep DirectGuest::back_from_call() {
  regs_->rip = serve_rip_;
  switch (state_.phase) {
    case DirectState::Phase::kBoot:
      return is_pv() ? boot_pv() : boot_pvh();
    case DirectState::Phase::kCall:
      return finish_call();
    case DirectState::Phase::kPoll:
      state_.phase = DirectState::Phase::kServe;
      clear_park_port();
      return serve();
    case DirectState::Phase::kServe:
    case DirectState::Phase::kExecute:
      break;
  }
  return lost("a hypercall returned twice");
}

void DirectGuest::note_upcall(uint64_t rip, uint64_t rflags) {
  const auto pending = state_.info_va + offsetof(vcpu_info_t, evtchn_upcall_pending);
  const auto mask = state_.info_va + offsetof(vcpu_info_t, evtchn_upcall_mask);
  if (get<uint8_t>(pending) == 0) {
    ++state_.upcalls_spurious;
    return;
  }
  state_.upcall_mask = get<uint8_t>(mask);
  state_.upcall_rip = rip;
  state_.upcall_rflags = rflags;
  put<uint8_t>(pending, 0);
  ++state_.upcall_count;
}

GuestStep DirectGuest::event_callback() {
  EventFrame frame{};
  MemoryMiss miss;
  if (!memory_.load(regs_->rsp, frame, miss)) return lost("its stack cannot be read in the event callback");
  note_upcall(frame.rip, frame.rflags);
  const iret_context back{.rax = regs_->rax,
                          .r11 = frame.r11,
                          .rcx = frame.rcx,
                          .flags = 0,
                          .rip = frame.rip,
                          .cs = frame.cs,
                          .rflags = frame.rflags,
                          .rsp = frame.rsp,
                          .ss = frame.ss};
  regs_->rsp -= sizeof back - sizeof frame;
  if (!memory_.store(regs_->rsp, back, miss)) return lost("its stack cannot be written in the event callback");
  // The call does not return, so what the interrupted code waits for stays as it is.
  regs_->rax = __HYPERVISOR_iret;
  regs_->rip = layout_.hypercall_page + __HYPERVISOR_iret * kPageEntryBytes + kPvStubReturn;
  regs_->rcx = regs_->rip;
  regs_->r11 = regs_->rflags;
  return leave_for(ASSAY_EXIT_HYPERCALL);
}

GuestStep DirectGuest::trap(uint32_t vector) {
  const bool has_code = has_error_code(vector);
  constexpr uint64_t kRegistersBytes = 16;  // rcx and r11 come first
  assay_fault fault{};
  fault.vector = vector;
  fault.error_code = has_code ? static_cast<uint32_t>(get<uint64_t>(regs_->rsp + kRegistersBytes)) : 0;
  fault.rip = get<uint64_t>(regs_->rsp + kRegistersBytes + (has_code ? sizeof(uint64_t) : 0));
  if (vector == 14) fault.address = get<uint64_t>(state_.info_va + offsetof(vcpu_info_t, arch.cr2));
  if (!state_.is_busy) return lost("exception " + std::to_string(vector) + " outside of an operation");
  return finish_fault(fault);
}

void DirectGuest::take_injection(assay_run& run) {
  const uint32_t vector = run.inject_vector;
  run.inject = 0;
  if (vector < kExceptionVectors) {
    const uint64_t rip = regs_->rip == instruction_end_ ? serve_rip_ : regs_->rip;
    if (state_.phase == DirectState::Phase::kExecute) {
      static_cast<void>(hvm_entry(vector, has_error_code(vector), 0));
    } else if (state_.is_busy) {
      finish_fault({vector, 0, vector == 14 ? regs_->cr2 : 0, rip});
    }
    return;
  }
  // The interrupt gate holds interrupts back, iretq lets them through again: nobody sees the time in between.
  if (vector == layout_.pvh_vector) note_upcall(regs_->rip, regs_->rflags);
}

}  // namespace assay
