/// The operations of protocol.h that are not plain memory accesses.
#include <algorithm>

#include "sim/abi/xen.hpp"
#include "sim/guest/direct/direct_guest.hpp"
#include "sim/guest/vectors.hpp"

namespace assay {

namespace {

/// A guest that spins is interrupted now and then, whatever the core asked for: real hardware always has something.
constexpr uint64_t kStrayInterruptNs = 10'000'000;
constexpr uint64_t kLow = 0xffffffffu;

}  // namespace

GuestStep DirectGuest::operate() {
  switch (request_->op) {
    case ASSAY_OP_NOP:
      return finish();
    case ASSAY_OP_HYPERCALL: {
      const auto& arg = request_->arg;
      state_.phase = DirectState::Phase::kCall;
      return call(arg[0], arg[1], arg[2], arg[3], arg[4], arg[5], arg[6]);
    }
    case ASSAY_OP_READ:
      return read();
    case ASSAY_OP_WRITE:
      return write();
    case ASSAY_OP_FILL:
      return fill();
    case ASSAY_OP_ATOMIC:
      return atomic();
    case ASSAY_OP_CPUID:
      return read_cpuid();
    case ASSAY_OP_RDMSR:
      return access_msr(false);
    case ASSAY_OP_WRMSR:
      return access_msr(true);
    case ASSAY_OP_TIME:
      return tell_time();
    case ASSAY_OP_UPCALLS:
      return let_upcalls();
    case ASSAY_OP_UPCALL_RECORD:
      return tell_upcalls();
    case ASSAY_OP_WAIT_UPCALL:
      return wait_upcall();
    case ASSAY_OP_SPIN:
      return spin();
    case ASSAY_OP_HALT:
      return halt();
    case ASSAY_OP_CALL:
      return finish(ASSAY_STATUS_UNSUPPORTED);  // there is no processor to run machine code
    case ASSAY_OP_PARK:
      return park();
    case ASSAY_OP_EXECUTE:
      return execute();
    case ASSAY_OP_COUNT_:
      break;
  }
  return finish(ASSAY_STATUS_BAD_OP);
}

GuestStep DirectGuest::finish(assay_status status) {
  reply_->status = status;
  state_.phase = DirectState::Phase::kServe;
  state_.is_busy = false;
  has_replied_ = true;
  regs_->rip = serve_rip_;
  machine_.fold(status, reply_->value[0], reply_->value[1], reply_->value[2]);
  return kIdle;
}

/// As the agent: back to the stack and the interrupt state from before the operation.
GuestStep DirectGuest::finish_fault(const assay_fault& fault) {
  *reply_ = GuestReply{};
  reply_->fault = fault;
  regs_->rsp = stack_top() - 256;
  machine_.fold(fault.vector, fault.error_code, fault.address);
  return finish(ASSAY_STATUS_FAULT);
}

GuestStep DirectGuest::finish_call() {
  if (request_->op == ASSAY_OP_HALT) {
    set_upcalls(state_.upcalls_before);
    return finish();
  }
  reply_->value[0] = regs_->rax;
  const auto& arg = request_->arg;
  const bool moved = arg[0] == __HYPERVISOR_vcpu_op && arg[1] == VCPUOP_register_vcpu_info && regs_->rax == 0;
  if (moved && arg[2] == vcpu_id_) follow_vcpu_info();
  return finish();
}

/// The guest moved its vcpu_info: from now on its mask, pending flag and time are there.
void DirectGuest::follow_vcpu_info() {
  const auto where = get<vcpu_register_vcpu_info_t>(request_->arg[3]);
  const uint64_t pfn = is_pv() ? get<uint64_t>(__MACH2PHYS_VIRT_START + where.mfn * sizeof(uint64_t)) : where.mfn;
  state_.info_va = layout_.virt_base + pfn * ASSAY_PAGE_SIZE + where.offset;
}

GuestStep DirectGuest::instruction(assay_exit_reason reason) {
  regs_->rip = instruction_end_;
  return leave_for(reason);
}

GuestStep DirectGuest::after_instruction() {
  regs_->rip = serve_rip_;
  if (state_.phase == DirectState::Phase::kBoot) return boot_pvh();
  switch (request_->op) {
    case ASSAY_OP_CPUID:
      reply_->value = {regs_->rax & kLow, regs_->rbx & kLow, regs_->rcx & kLow, regs_->rdx & kLow};
      return finish();
    case ASSAY_OP_RDMSR:
      reply_->value[0] = (regs_->rax & kLow) | regs_->rdx << 32;
      return finish();
    case ASSAY_OP_HALT:
      set_upcalls(state_.upcalls_before);
      return finish();
    default:
      return finish();
  }
}

GuestStep DirectGuest::read_cpuid() {
  regs_->rax = request_->arg[0] & kLow;
  regs_->rcx = request_->arg[1] & kLow;
  return instruction(ASSAY_EXIT_CPUID);
}

GuestStep DirectGuest::access_msr(bool is_write) {
  regs_->rcx = request_->arg[0] & kLow;
  exit_->index = request_->arg[0] & kLow;
  if (is_write) {
    regs_->rax = request_->arg[1] & kLow;
    regs_->rdx = request_->arg[1] >> 32;
    exit_->is_write = 1;
    exit_->value = request_->arg[1];
  }
  return instruction(ASSAY_EXIT_MSR);
}

GuestStep DirectGuest::tell_time() {
  reply_->value[0] = system_time();
  reply_->value[1] = tsc();
  return finish();
}

GuestStep DirectGuest::let_upcalls() {
  set_upcalls(request_->arg[0] != 0);
  return finish();
}

GuestStep DirectGuest::tell_upcalls() {
  reply_->value = {state_.upcall_count, state_.upcall_rflags, state_.upcall_mask | state_.upcalls_spurious << 8,
                   state_.upcall_rip};
  return finish();
}

GuestStep DirectGuest::wait_for(uint64_t ns) {
  if (now_ns_ >= state_.stray_interrupt_ns) {
    state_.stray_interrupt_ns = now_ns_ + kStrayInterruptNs;
    return leave_for(ASSAY_EXIT_PREEMPTED);
  }
  const uint64_t wanted = ns > ASSAY_NEVER - now_ns_ ? ASSAY_NEVER : now_ns_ + std::max<uint64_t>(ns, 1);
  return {GuestStep::Kind::kWait, std::min(wanted, state_.stray_interrupt_ns)};
}

GuestStep DirectGuest::wait_upcall() {
  const uint64_t wanted = request_->arg[0];
  const uint64_t timeout_ns = request_->arg[1];
  reply_->value[0] = state_.upcall_count;
  if (state_.upcall_count >= wanted) return finish();
  if (timeout_ns == 0) return finish(ASSAY_STATUS_TIMED_OUT);
  const uint64_t now = system_time();
  if (!state_.spin_started) {
    state_.spin_started = true;
    state_.spin_start_ns = now;
    state_.stray_interrupt_ns = now_ns_ + kStrayInterruptNs;
  }
  const uint64_t spent = now - state_.spin_start_ns;
  if (spent >= timeout_ns) return finish(ASSAY_STATUS_TIMED_OUT);
  return wait_for(timeout_ns - spent);
}

GuestStep DirectGuest::spin() {
  const uint64_t now = system_time();
  if (!state_.spin_started) {
    state_.spin_started = true;
    state_.spin_start_ns = now;
    state_.stray_interrupt_ns = now_ns_ + kStrayInterruptNs;
  }
  const uint64_t spent = now - state_.spin_start_ns;
  return spent >= request_->arg[0] ? finish() : wait_for(request_->arg[0] - spent);
}

GuestStep DirectGuest::halt() {
  state_.upcalls_before = upcalls_enabled();
  if (is_pv()) {
    state_.phase = DirectState::Phase::kCall;
    return call(__HYPERVISOR_sched_op, SCHEDOP_block);
  }
  regs_->rflags |= kFlagInterrupt;
  return instruction(ASSAY_EXIT_HALT);
}

GuestStep DirectGuest::park() {
  state_.is_parked = request_->arg[0] != 0;
  state_.park_port = static_cast<uint32_t>(request_->arg[1]);
  return finish();
}

/// Sleeps in the hypervisor until the port that the host rings becomes pending.
GuestStep DirectGuest::poll() {
  const uint64_t ports = scratch() + sizeof(sched_poll_t);
  sched_poll_t poll{};
  poll.nr_ports = 1;
  set_xen_guest_handle_raw(poll.ports, reinterpret_cast<evtchn_port_t*>(ports));
  put(scratch(), poll);
  put(ports, state_.park_port);
  state_.phase = DirectState::Phase::kPoll;
  return call(__HYPERVISOR_sched_op, SCHEDOP_poll, scratch());
}

void DirectGuest::clear_park_port() {
  const uint64_t word_va =
      layout_.shared_info + offsetof(shared_info_t, evtchn_pending) + state_.park_port / 64 * sizeof(uint64_t);
  if (state_.park_port >= sizeof(shared_info_t::evtchn_pending) * 8) return;
  put(word_va, get<uint64_t>(word_va) & ~(1ull << (state_.park_port % 64)));
}

}  // namespace assay
