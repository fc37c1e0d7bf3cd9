/// The event loop: who takes the next step, what a step is, and how time passes.
#include <algorithm>
#include <utility>

#include "sim/engine/machine.hpp"

namespace assay {

namespace {
/// Tags of what is folded into the digest, so that different things cannot look alike.
constexpr uint64_t kFoldRun = 1ull << 63;
constexpr uint64_t kFoldJump = 1ull << 62;

constexpr uint64_t place_of(uint32_t pcpu, uint16_t domid, uint32_t vcpu) {
  return static_cast<uint64_t>(vcpu) << 24 | static_cast<uint64_t>(domid) << 8 | pcpu;
}
}  // namespace

bool Machine::run_until(const bool& done, uint64_t deadline_ns) {
  check_alive();
  const CoreTrapScope scope(*this);
  deadline_ns_ = deadline_ns;
  while (!done) {
    if (state_.now_ns >= state_.next_event_ns) fire_due();
    if (state_.now_ns >= deadline_ns) return false;
    const uint32_t pcpu = pick();
    if (pcpu == PcpuSet::kNone) {
      jump(deadline_ns);
    } else {
      advance(pcpu);
    }
  }
  return true;
}

void Machine::pass_time(uint64_t ns) {
  const bool never = false;
  const uint64_t deadline = ns > ASSAY_NEVER - state_.now_ns ? ASSAY_NEVER : state_.now_ns + ns;
  run_until(never, deadline);
}

void Machine::settle() {
  check_alive();
  const CoreTrapScope scope(*this);
  is_settling_ = true;
  for (uint32_t pcpu = 0; pcpu < config_.pcpus;) {
    // Two of them may wait for signals that are on their way.
    if (state_.now_ns >= state_.next_event_ns) fire_due();
    if (state_.pcpus[pcpu].in_core) {
      advance(switch_to_ != PcpuSet::kNone ? std::exchange(switch_to_, PcpuSet::kNone) : pcpu);
    } else {
      ++pcpu;
    }
  }
  is_settling_ = false;
}

uint32_t Machine::pick() {
  if (switch_to_ != PcpuSet::kNone) return std::exchange(switch_to_, PcpuSet::kNone);
  if (steers_) return state_.ready.empty() ? PcpuSet::kNone : policy_->next(state_.last_pcpu, state_.ready);
  // Interrupts are prompt: another pCPU notices a signal before anybody's next instruction.
  if (!state_.interrupted.empty()) return state_.interrupted.after(state_.last_pcpu);
  return state_.ready.after(state_.last_pcpu);
}

void Machine::advance(uint32_t pcpu) {
  PcpuState& state = state_.pcpus[pcpu];
  state_.last_pcpu = pcpu;
  if (state.in_core) return resume(pcpu);
  // An interrupt that the core has injected is delivered first, as hardware completes it: an exit now would lose it.
  const bool delivers = state.guest != nullptr && state.run.inject != 0;
  if (!state_.interrupted.has(pcpu) || delivers) return step_guest(pcpu);
  state_.interrupted.remove(pcpu);
  state.exit = assay_exit{};
  state.exit.reason = state.has_entered ? ASSAY_EXIT_PREEMPTED : ASSAY_EXIT_NONE;
  enter(pcpu);
}

void Machine::step_guest(uint32_t pcpu) {
  PcpuState& state = state_.pcpus[pcpu];
  state.exit = assay_exit{};
  state.wait_ns = ASSAY_NEVER;
  const uint64_t next = std::min(state_.next_event_ns, deadline_ns_);
  const bool is_alone = state_.ready.after(pcpu) == pcpu;
  const uint64_t turn_end = is_alone ? next : std::min(next, state_.now_ns + kTurnNs);
  const StepLimits limits{state_.now_ns, state_.interrupted.has(pcpu) ? state_.now_ns : turn_end};
  const GuestStep step = state.guest->step(state.run, limits, state.exit);
  state_.now_ns += step.spent_ns;
  if (step.kind == GuestStep::Kind::kExit) return enter(pcpu);
  if (step.kind == GuestStep::Kind::kTurn) return;
  state_.ready.remove(pcpu);
  if (step.kind == GuestStep::Kind::kWait) {
    state.wait_ns = step.until_ns;
    state_.next_event_ns = std::min(state_.next_event_ns, step.until_ns);
  }
}

void Machine::enter(uint32_t pcpu) {
  PcpuState& state = state_.pcpus[pcpu];
  state_.now_ns += hardware_ == nullptr ? kExitCostNs : hardware_->exit_cost_ns(pcpu, state_.now_ns, kExitCostNs);
  note_exit(pcpu, state);
  if (watcher_ != nullptr) watcher_->on_exit(state_.now_ns, pcpu, state.run, state.exit);
  state.in_core = true;
  ++state_.inside;
  state.has_entered = true;
  points_left_ = kPointsPerEntryMax;
  resume(pcpu);
}

void Machine::note_exit(uint32_t pcpu, const PcpuState& state) {
  static constexpr assay_regs kNoRegisters{};
  const assay_regs& regs = state.run.regs != nullptr ? *state.run.regs : kNoRegisters;
  const assay_exit& exit = state.exit;
  const uint64_t place = place_of(pcpu, state.run.domid, state.run.vcpu_id);
  state_.digest.fold(place, state_.now_ns, regs.rax, regs.rdi);
  state_.digest.fold(exit.reason | static_cast<uint64_t>(exit.vector) << 32, exit.address ^ exit.index, regs.rsi,
                     regs.rdx);
  ++state_.exits;
  TraceEntry& entry = next_trace_entry();
  entry.now_ns = state_.now_ns;
  entry.kind = TraceEntry::Kind::kExit;
  entry.pcpu = pcpu;
  entry.id = exit.reason;
  entry.domid = state.run.domid;
  entry.vcpu = state.run.vcpu_id;
  entry.words = {regs.rax, regs.rdi, regs.rsi};
}

TraceEntry& Machine::next_trace_entry() {
  return state_.trace[state_.trace_count++ % MachineState::kTraceEntries];
}

void Machine::resume(uint32_t pcpu) {
  running_pcpu_ = pcpu;
  switch_to_ = PcpuSet::kNone;
  running_ = fibers_[pcpu].get();
  running_->resume();
  running_ = nullptr;
  if (faulted_) die(CoreDied::How::kFault, describe_fault(fault_));
  check_alive();
  if (!state_.pcpus[pcpu].in_core) absorb(pcpu);
}

void Machine::absorb(uint32_t pcpu) {
  PcpuState& state = state_.pcpus[pcpu];
  const assay_run& run = state.run;
  const bool idle = run.mode == ASSAY_MODE_IDLE;
  if (run.mode > ASSAY_MODE_HVM || (!idle && run.regs == nullptr)) {
    die(CoreDied::How::kPanic,
        "the core returned a run without a mode or without registers on pcpu " + std::to_string(pcpu));
  }
  bind(pcpu);
  if (watcher_ != nullptr) watcher_->on_entry(state_.now_ns, pcpu, run);
  state_.digest.fold(kFoldRun | place_of(pcpu, run.domid, run.vcpu_id), run.until_ns, idle ? 0 : run.regs->rip,
                     idle ? 0 : run.regs->rax);
  state_.next_event_ns = std::min(state_.next_event_ns, run.until_ns);
  if (state.guest != nullptr || state_.interrupted.has(pcpu)) {
    state_.ready.add(pcpu);
  } else {
    state_.ready.remove(pcpu);
  }
}

void Machine::bind(uint32_t pcpu) {
  PcpuState& state = state_.pcpus[pcpu];
  const assay_run& run = state.run;
  const bool idle = run.mode == ASSAY_MODE_IDLE;
  const uint64_t key = idle ? PcpuState::kNobody : place_of(0, run.domid, run.vcpu_id);
  if (key == state.bound_key) return;
  unbind(pcpu);
  state.bound_key = key;
  if (idle) return;
  GuestExecutor* const guest = state_.guests.find(run.domid, run.vcpu_id);
  if (guest == nullptr) return;
  // Inside the core a pCPU may have given it up already, and not come back yet to say who is next there.
  if (guest->pcpu != PcpuSet::kNone && state_.pcpus[guest->pcpu].in_core) unbind(guest->pcpu);
  if (guest->pcpu != PcpuSet::kNone) {
    die(CoreDied::How::kPanic, "the core runs vcpu " + std::to_string(run.vcpu_id) + " of domain " +
                                   std::to_string(run.domid) + " on pcpus " + std::to_string(guest->pcpu) + " and " +
                                   std::to_string(pcpu) + " at once");
  }
  guest->pcpu = pcpu;
  state.guest = guest;
}

void Machine::unbind(uint32_t pcpu) {
  PcpuState& state = state_.pcpus[pcpu];
  if (state.guest != nullptr) state.guest->pcpu = PcpuSet::kNone;
  state.guest = nullptr;
  state.bound_key = PcpuState::kNobody;
  state.wait_ns = ASSAY_NEVER;
}

void Machine::attach(uint16_t domid, uint32_t vcpu, GuestExecutor& guest) {
  state_.guests.attach(domid, vcpu, guest);
  guest.pcpu = PcpuSet::kNone;
  for (uint32_t pcpu = 0; pcpu < config_.pcpus; ++pcpu) {
    PcpuState& state = state_.pcpus[pcpu];
    if (state.in_core || state.bound_key != place_of(0, domid, vcpu)) continue;
    state.bound_key = PcpuState::kNobody;
    bind(pcpu);
    state_.ready.add(pcpu);
  }
}

void Machine::detach(GuestExecutor& guest) {
  state_.guests.detach(guest);
  if (guest.pcpu == PcpuSet::kNone) return;
  PcpuState& state = state_.pcpus[guest.pcpu];
  state.guest = nullptr;  // the vCPU is still there: it only has nobody to execute it
  if (!state.in_core && !state_.interrupted.has(guest.pcpu)) state_.ready.remove(guest.pcpu);
  guest.pcpu = PcpuSet::kNone;
}

void Machine::interrupt(uint32_t pcpu) {
  state_.interrupted.add(pcpu);
  state_.ready.add(pcpu);
}

uint64_t Machine::next_event_of(uint32_t pcpu) const {
  const PcpuState& state = state_.pcpus[pcpu];
  const uint64_t next = std::min({state.timer_ns, state.wait_ns, state.signal_ns});
  const bool has_time_slice = !state.in_core && !state_.interrupted.has(pcpu);
  return has_time_slice ? std::min(next, state.run.until_ns) : next;
}

uint64_t Machine::next_event() const {
  uint64_t next = ASSAY_NEVER;
  for (uint32_t pcpu = 0; pcpu < config_.pcpus; ++pcpu) next = std::min(next, next_event_of(pcpu));
  return next;
}

void Machine::fire_due() {
  const uint64_t now = state_.now_ns;
  uint64_t next = ASSAY_NEVER;
  for (uint32_t pcpu = 0; pcpu < config_.pcpus; ++pcpu) {
    PcpuState& state = state_.pcpus[pcpu];
    if (state.timer_ns <= now) {
      state.timer_ns = ASSAY_NEVER;
      interrupt(pcpu);
    }
    if (state.signal_ns <= now) {
      state.signal_ns = ASSAY_NEVER;
      interrupt(pcpu);
    }
    if (!state.in_core && state.run.until_ns <= now) interrupt(pcpu);
    if (state.wait_ns <= now) {
      state.wait_ns = ASSAY_NEVER;
      state_.ready.add(pcpu);
    }
    next = std::min(next, next_event_of(pcpu));
  }
  state_.next_event_ns = next;
}

bool Machine::jump(uint64_t deadline_ns) {
  state_.next_event_ns = next_event();
  const uint64_t target = std::min(state_.next_event_ns, deadline_ns);
  if (target <= state_.now_ns) return false;
  state_.now_ns = target;
  state_.digest.fold(kFoldJump, target);
  return true;
}

}  // namespace assay
