#include "hv/sched/sched.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/mm/translations.hpp"
#include "hv/sched/round_robin.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

struct State {
  Lock lock;  ///< queues, who runs where, runstates
  Scheduler* policy = nullptr;
  Pcpu* pcpus = nullptr;
  uint64_t flushes_done = 0;
};

/// In the arena; the pointer is set by boot.
State* state = nullptr;

/// Runstate of a vCPU that is not running. Source: public/vcpu.h, RUNSTATE_*.
int resting_state(const Vcpu& vcpu) {
  if ((vcpu.pause_flags & (kPauseBlocked | kPausePolling)) != 0) return RUNSTATE_blocked;
  return vcpu_runnable(vcpu) ? RUNSTATE_runnable : RUNSTATE_offline;
}

void switch_out(Vcpu& vcpu, Ns time) {
  timer_stop(vcpu.periodic);
  set_runstate(vcpu, resting_state(vcpu), time);
  // Under the scheduler's lock, so that whoever runs it next writes later; and before anyone may take its memory away.
  publish_runstate(vcpu);
  vcpu.running = false;
  vcpu.in_core = false;
}

void switch_in(Vcpu& vcpu, uint32_t pcpu, Ns time) {
  HV_ASSERT(!vcpu.running && !vcpu.queued);
  HV_ASSERT(may_run_on(vcpu, pcpu));
  vcpu.pcpu = pcpu;
  vcpu.running = true;
  vcpu.in_core = true;
  set_runstate(vcpu, RUNSTATE_running, time);
}

}  // namespace

void sched_init() {
  state = arena_new<State>();
  HV_ASSERT(state != nullptr);
  state->policy = RoundRobin::create(host().pcpus);
  state->pcpus = static_cast<Pcpu*>(arena_alloc(sizeof(Pcpu) * host().pcpus));
  HV_ASSERT(state->policy != nullptr && state->pcpus != nullptr);
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) new (&state->pcpus[pcpu]) Pcpu{.id = pcpu};
  cpupools_init();
  log("Using scheduler: %s", state->policy->name());
}

Scheduler& sched_policy() {
  return *state->policy;
}

Pcpu& sched_pcpu(uint32_t pcpu) {
  HV_ASSERT(pcpu < host().pcpus);
  return state->pcpus[pcpu];
}

Vcpu* sched_switch(Pcpu& pcpu) {
  Vcpu* previous = pcpu.current;
  Vcpu* next = nullptr;
  {
    LockGuard guard(state->lock);
    const Ns time = now();  // under the lock: runstates of one vCPU follow each other in time
    const Choice choice = state->policy->choose(pcpu.id, previous, pcpu.yielded, time);
    next = choice.vcpu;
    HV_ASSERT(next == nullptr || vcpu_runnable(*next));
    pcpu.reschedule = false;
    pcpu.yielded = false;
    pcpu.until = choice.until;
    if (next == previous) return next;
    if (previous == nullptr) pcpu.idle_ns += time - pcpu.idle_since;
    if (next == nullptr) pcpu.idle_since = time;
    if (previous != nullptr) switch_out(*previous, time);
    if (next != nullptr) switch_in(*next, pcpu.id, time);
    pcpu.current = next;
  }
  if (next != nullptr) {
    publish_time(*next);
    publish_runstate(*next);
    run_periodic(*next);
    if (next->pv != nullptr) next->pv->segments_stale = true;
  }
  return next;
}

void sched_request(uint32_t pcpu) {
  Pcpu& target = sched_pcpu(pcpu);
  target.reschedule = true;
  if (target.current == nullptr || !target.current->in_core) signal(pcpu);
}

void sched_yield(Vcpu& vcpu) {
  Pcpu& pcpu = sched_pcpu(vcpu.pcpu);
  pcpu.yielded = true;
  pcpu.reschedule = true;
}

void sched_wake(Vcpu& vcpu) {
  uint32_t pcpu = 0;
  {
    LockGuard guard(state->lock);
    if (!vcpu_runnable(vcpu)) {
      // Another reason remains; a block that ended is no longer what it rests for.
      if (!vcpu.running) set_runstate(vcpu, resting_state(vcpu), now());
      return;
    }
    if (vcpu.running || vcpu.queued) return;
    set_runstate(vcpu, RUNSTATE_runnable, now());
    pcpu = state->policy->wake(vcpu);
  }
  sched_request(pcpu);
}

void sched_sleep(Vcpu& vcpu) {
  {
    LockGuard guard(state->lock);
    if (!vcpu.running) {
      state->policy->sleep(vcpu);
      set_runstate(vcpu, resting_state(vcpu), now());
      return;
    }
  }
  sched_request(vcpu.pcpu);
}

void sched_forget(Vcpu& vcpu) {
  LockGuard guard(state->lock);
  HV_ASSERT(!vcpu.running);
  state->policy->sleep(vcpu);
}

void sched_affinity_changed(Vcpu& vcpu) {
  uint32_t pcpu = 0;
  {
    LockGuard guard(state->lock);
    if (vcpu.queued) {
      state->policy->sleep(vcpu);
      pcpu = state->policy->wake(vcpu);
    } else if (vcpu.running && !may_run_on(vcpu, vcpu.pcpu) && !fault("sched.running_vcpu_stays")) {
      pcpu = vcpu.pcpu;
    } else {
      return;
    }
  }
  sched_request(pcpu);
}

void sched_complete_flushes() {
  const uint64_t wanted = flushes_wanted();
  if (state->flushes_done >= wanted) return;
  const auto stale = [](const Pcpu& pcpu) {
    const Vcpu* vcpu = pcpu.current;
    return vcpu != nullptr && !vcpu->in_core && pcpu.tlb_version != vcpu_tlb_version(*vcpu);
  };
  for (uint32_t number = 0; number < host().pcpus; ++number) {
    if (stale(sched_pcpu(number))) signal(number);
  }
  for (uint32_t number = 0; number < host().pcpus; ++number) {
    const Pcpu& pcpu = sched_pcpu(number);
    while (stale(pcpu)) wait_for_others(&pcpu.tlb_version);
  }
  if (state->flushes_done < wanted) state->flushes_done = wanted;
}

uint32_t sched_audit(void (*report)(void*, const char*), void* context) {
  uint32_t violations = 0;
  const auto check = [&](bool good, const char* what) {
    if (good) return;
    ++violations;
    report(context, what);
  };
  for (uint32_t number = 0; number < host().pcpus; ++number) {
    const Vcpu* current = sched_pcpu(number).current;
    if (current == nullptr) continue;
    check(current->running, "a pCPU runs a vCPU that is not marked as running");
    check(current->pcpu == number, "a pCPU runs a vCPU that says it is elsewhere");
    check(!current->queued, "a running vCPU is queued");
    check(current->runstate.state == RUNSTATE_running, "a running vCPU is in another runstate");
  }
  return violations;
}

Ns sched_idle_ns(uint32_t pcpu) {
  const Pcpu& p = sched_pcpu(pcpu);
  return p.idle_ns + (p.current == nullptr ? now() - p.idle_since : 0);
}

}  // namespace hv
