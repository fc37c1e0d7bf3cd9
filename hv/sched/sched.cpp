#include "hv/sched/sched.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/mm/translations.hpp"
#include "hv/sched/policy_guard.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

struct State {
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
  // Under the policy's lock, so that whoever runs it next writes later; and before anyone may take its memory away.
  publish_runstate(vcpu);
  vcpu.running = false;
  vcpu.in_core = false;
}

void switch_in(Vcpu& vcpu, uint32_t pcpu, Ns time) {
  HV_ASSERT(!vcpu.running && !vcpu.sched->waiting);
  HV_ASSERT(may_run_on(vcpu, pcpu));
  vcpu.pcpu = pcpu;
  vcpu.running = true;
  vcpu.in_core = true;
  set_runstate(vcpu, RUNSTATE_running, time);
}

/// Under the policy's lock: runstates of one vCPU follow each other in time.
void switch_between(Pcpu& pcpu, Vcpu* previous, Vcpu* next, Ns time) {
  if (next == previous) return;
  if (previous == nullptr) pcpu.idle_ns += time - pcpu.idle_since;
  if (next == nullptr) pcpu.idle_since = time;
  if (previous != nullptr) switch_out(*previous, time);
  if (next != nullptr) switch_in(*next, pcpu.id, time);
  pcpu.current = next;
}

void leave_policy(Pcpu& pcpu) {
  pcpu.policy->remove_pcpu(pcpu.id);
  pcpu.policy = nullptr;
  pcpu.leaving = false;
  if (!pcpu.online) timers_close(pcpu.id);
}

/// Null when it had none when its lock was taken.
void choose_and_switch(Pcpu& pcpu, Scheduler& policy) {
  const PolicyGuard guard(policy);
  if (pcpu.policy != &policy) return;  // it left while we waited
  const Ns time = now();
  Vcpu* previous = pcpu.current;
  const Choice choice = policy.choose(pcpu.id, previous, pcpu.yielded, time);
  HV_ASSERT(choice.vcpu == nullptr || vcpu_runnable(*choice.vcpu));
  pcpu.yielded = false;
  pcpu.until = choice.until;
  switch_between(pcpu, previous, choice.vcpu, time);
  if (pcpu.leaving && pcpu.current == nullptr) leave_policy(pcpu);
}

/// Asleep or running until now, and runnable.
void wake_under_lock(const PolicyGuard& policy, Vcpu& vcpu, WakeReason reason) {
  set_runstate(vcpu, RUNSTATE_runnable, now());
  // A pool may have no pCPU: then the vCPU is looked at again when it gets one.
  if (may_run_anywhere(vcpu)) policy->wake(vcpu, reason);
}

}  // namespace

Status sched_init(std::string_view policy) {
  const PolicyKind* kind = policy_by_name(policy.empty() ? kDefaultPolicy : policy);
  if (kind == nullptr) {
    log("sched=%.*s: no such scheduler; there are:", static_cast<int>(policy.size()), policy.data());
    log_policy_names();
    return fail(XEN_EINVAL);
  }
  state = arena_new<State>();
  HV_ASSERT(state != nullptr);
  state->pcpus = static_cast<Pcpu*>(arena_alloc(sizeof(Pcpu) * host().pcpus));
  HV_ASSERT(state->pcpus != nullptr);
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) new (&state->pcpus[pcpu]) Pcpu{.id = pcpu};
  cpupools_init(*kind);
  log("Using scheduler: %s", first_cpupool().policy->name());
  return kOk;
}

Pcpu& sched_pcpu(uint32_t pcpu) {
  HV_ASSERT(pcpu < host().pcpus);
  return state->pcpus[pcpu];
}

Vcpu* sched_switch(Pcpu& pcpu) {
  const Vcpu* previous = pcpu.current;
  pcpu.reschedule = false;  // first: what is asked for from now on is another request
  if (pcpu.policy != nullptr) choose_and_switch(pcpu, *pcpu.policy);
  Vcpu* next = pcpu.current;
  if (next != nullptr && next != previous) {
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
  const PolicyGuard policy(vcpu);
  if (!vcpu_runnable(vcpu)) {
    // Another reason remains; a block that ended is no longer what it rests for.
    if (!vcpu.running) set_runstate(vcpu, resting_state(vcpu), now());
    return;
  }
  if (vcpu.running || vcpu.sched->waiting) return;
  const bool blocked = vcpu.runstate.state == RUNSTATE_blocked;
  wake_under_lock(policy, vcpu, blocked ? WakeReason::kUnblocked : WakeReason::kUnpaused);
}

void sched_sleep(Vcpu& vcpu) {
  {
    const PolicyGuard policy(vcpu);
    if (vcpu_runnable(vcpu)) return;  // woken again while we waited
    if (!vcpu.running) {
      policy->sleep(vcpu);
      set_runstate(vcpu, resting_state(vcpu), now());
      return;
    }
  }
  sched_request(vcpu.pcpu);
}

void sched_affinity_changed(Vcpu& vcpu) {
  uint32_t pcpu = 0;
  {
    const PolicyGuard policy(vcpu);
    policy->affinity_changed(vcpu);
    if (!vcpu.running) {
      if (!vcpu_runnable(vcpu)) return;
      policy->sleep(vcpu);
      wake_under_lock(policy, vcpu, WakeReason::kRequeued);
      return;
    }
    if (may_run_on(vcpu, vcpu.pcpu) || fault("sched.running_vcpu_stays")) return;
    pcpu = vcpu.pcpu;
  }
  sched_request(pcpu);
}

void sched_leave(uint32_t pcpu) {
  Pcpu& leaver = sched_pcpu(pcpu);
  Scheduler* const policy = leaver.policy;
  HV_ASSERT(policy != nullptr && !leaver.leaving);
  {
    const PolicyGuard guard(*policy);
    leaver.leaving = true;
    if (leaver.current == nullptr) return leave_policy(leaver);
  }
  sched_request(pcpu);
}

// Two callers that took each other's pCPU away would wait for ever.
void sched_await_leaves(const Vcpu& caller) {
  const Pcpu& own = sched_pcpu(caller.pcpu);
  for (uint32_t number = 0; number < host().pcpus; ++number) {
    const Pcpu& pcpu = sched_pcpu(number);
    while (pcpu.leaving && !own.leaving && vcpu_runnable(caller)) wait_for_others(&pcpu.leaving);
  }
}

bool may_run_anywhere(const Vcpu& vcpu) {
  uint64_t left = 0;
  for (size_t i = 0; i < std::size(vcpu.hard_affinity); ++i) left |= vcpu.hard_affinity[i] & vcpu.pool->pcpus[i];
  return left != 0;
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
  AuditReport out{report, context};
  for (uint32_t number = 0; number < host().pcpus; ++number) {
    const Pcpu& pcpu = sched_pcpu(number);
    const Vcpu* current = pcpu.current;
    out.check(pcpu.online || pcpu.leaving || pcpu.policy == nullptr, "a pCPU that is offline is in a pool");
    out.check(pcpu.online || pcpu.leaving || current == nullptr, "a pCPU that is offline runs a vCPU");
    if (current == nullptr) continue;
    out.check(current->running, "a pCPU runs a vCPU that is not marked as running");
    out.check(current->pcpu == number, "a pCPU runs a vCPU that says it is elsewhere");
    out.check(!current->sched->waiting, "a running vCPU is queued");
    out.check(current->sched->owner == pcpu.policy, "a pCPU runs a vCPU of another pool");
    out.check(current->runstate.state == RUNSTATE_running, "a running vCPU is in another runstate");
  }
  for (const CpuPool* pool = cpupool_at_or_above(0); pool != nullptr; pool = pool->next) {
    out.check(!pool->policy->lock().held(), "a policy's lock is held");
    pool->policy->audit(out);
  }
  return out.violations;
}

const char* sched_audit_vcpu(const Vcpu& vcpu) {
  const PolicyVcpu* data = vcpu.sched;
  if (data == nullptr || data->vcpu != &vcpu) return "the scheduler does not know it";
  if (data->owner != vcpu.pool->policy || data->domain->owner != data->owner)
    return "its scheduling data is of another pool";
  if (data->waiting && !vcpu_runnable(vcpu)) return "queued but not runnable";
  if (data->waiting && !may_run_on(vcpu, vcpu.pcpu)) return "queued where it may not run";
  const bool settled = vcpu.running || data->waiting || !may_run_anywhere(vcpu);
  return vcpu_runnable(vcpu) && !settled ? "runnable, but in no queue" : nullptr;
}

Ns sched_idle_ns(uint32_t pcpu) {
  const Pcpu& p = sched_pcpu(pcpu);
  return p.idle_ns + (p.current == nullptr ? now() - p.idle_since : 0);
}

}  // namespace hv
