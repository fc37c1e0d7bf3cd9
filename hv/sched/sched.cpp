#include "hv/sched/sched.hpp"

#include <algorithm>
#include <optional>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/mm/translations.hpp"
#include "hv/sched/policy_guard.hpp"
#include "hv/sched/rendezvous.hpp"
#include "hv/sched/switching.hpp"
#include "hv/sched/unit.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

struct State {
  Pcpu* pcpus = nullptr;
  uint64_t flushes_done = 0;
};

/// In the arena; the pointer is set by boot.
State* state = nullptr;

/// Who runs on a pCPU that is scheduled alone, and is known as its unit.
bool switch_alone(Pcpu& pcpu, Scheduler& policy) {
  const PolicyGuard guard(policy);
  if (pcpu.policy != &policy) return false;  // it left while we waited
  const Ns time = now();
  Vcpu* previous = pcpu.current;
  const Choice choice = policy.choose(pcpu.id, previous, pcpu.yielded, time);
  HV_ASSERT(choice.vcpu == nullptr || (vcpu_runnable(*choice.vcpu) && may_run_on(*choice.vcpu, pcpu.id)));
  pcpu.yielded = false;
  pcpu.until = choice.until;
  const bool is_new = choice.vcpu != previous;
  if (is_new && previous != nullptr) previous->sched->running = false;
  if (is_new && choice.vcpu != nullptr) choice.vcpu->sched->running = true;
  switch_between(pcpu, previous, choice.vcpu, time);
  if (pcpu.leaving && pcpu.current == nullptr) leave_policy(pcpu);
  return is_new;
}

/// Its unit does not run, and has just become runnable.
void wake_under_lock(const PolicyGuard& policy, const Vcpu& vcpu, WakeReason reason) {
  // A pool may have no pCPU: then the unit is looked at again when it gets one.
  if (Vcpu& first = unit_of(vcpu); may_run_anywhere(first)) policy->wake(first, reason);
}

/// The unit has that vCPU's affinity: every resource of which that has a pCPU, with all of its pCPUs.
void share_affinity(Vcpu& vcpu) {
  const uint32_t together = vcpu.pool->pcpus_together;
  if (together == 1) return;
  for (uint64_t(Vcpu::*const mask)[4] : {&Vcpu::hard_affinity, &Vcpu::soft_affinity}) {
    for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) {
      if (affinity_has(vcpu.*mask, pcpu)) affinity_add(vcpu.*mask, pcpu / together * together, together);
    }
    for (Vcpu* other = &unit_of(vcpu); other != nullptr; other = other->unit_next) {
      if (other != &vcpu) std::ranges::copy(vcpu.*mask, other->*mask);
    }
  }
}

/// Empty: cpu. None: there is no such granularity, and the console says which there are.
std::optional<Granularity> granularity_of(std::string_view name) {
  if (name.empty()) return Granularity::kCpu;
  const auto wanted = granularity_by_name(name);
  const auto length = static_cast<int>(name.size());
  if (!wanted) {
    log("sched-gran=%.*s: no such granularity; there are cpu, core and socket", length, name.data());
  } else if (pcpus_together(*wanted) == 0) {
    log("sched-gran=%.*s: not all of this machine have as many pCPUs; sched-gran=cpu instead", length, name.data());
    return Granularity::kCpu;
  }
  return wanted;
}

}  // namespace

Status sched_init(const SchedOptions& options) {
  const std::string_view name = options.policy.empty() ? kDefaultPolicy : options.policy;
  const PolicyKind* kind = policy_by_name(name);
  if (kind == nullptr) {
    log("sched=%.*s: no such scheduler; there are:", static_cast<int>(name.size()), name.data());
    log_policy_names();
    return fail(XEN_EINVAL);
  }
  const auto granularity = granularity_of(options.granularity);
  if (!granularity) return fail(XEN_EINVAL);
  state = arena_new<State>();
  HV_ASSERT(state != nullptr);
  state->pcpus = static_cast<Pcpu*>(arena_alloc(sizeof(Pcpu) * host().pcpus));
  HV_ASSERT(state->pcpus != nullptr);
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) {
    new (&state->pcpus[pcpu]) Pcpu{.id = pcpu, .first = pcpu, .resource = {.first = pcpu}};
  }
  if (const Status status = cpupools_init(*kind, *granularity); !status.ok()) {
    log("sched=%.*s: schedules single vCPUs, and nothing else: sched-gran=cpu", static_cast<int>(name.size()),
        name.data());
    return status;
  }
  log("Using scheduler: %s", first_cpupool().policy->name());
  if (*granularity != Granularity::kCpu) log("Scheduling granularity: %s", granularity_name(*granularity).data());
  return kOk;
}

Pcpu& sched_pcpu(uint32_t pcpu) {
  HV_ASSERT(pcpu < host().pcpus);
  return state->pcpus[pcpu];
}

Vcpu* sched_unit_on(uint32_t pcpu) {
  const Pcpu& first = sched_pcpu(pcpu);
  return first.resource.pcpus == 1 ? first.current : first.resource.unit;
}

Vcpu* sched_switch(Pcpu& pcpu) {
  pcpu.reschedule = false;  // first: what is asked for from now on is another request
  Scheduler* const policy = pcpu.policy;
  bool is_new = false;
  if (policy != nullptr) {
    is_new = resource_of(pcpu).pcpus == 1 ? switch_alone(pcpu, *policy) : switch_together(pcpu, *policy);
  }
  Vcpu* next = pcpu.current;
  if (next != nullptr && is_new) {
    publish_time(*next);
    publish_runstate(*next);
    run_periodic(*next);
    if (next->pv != nullptr) next->pv->segments_stale = true;
  }
  return next;
}

void sched_look_again(uint32_t pcpu) {
  Pcpu& target = sched_pcpu(pcpu);
  target.reschedule = true;
  if (target.current == nullptr || !target.current->in_core) signal(pcpu);
}

void sched_request(uint32_t pcpu) {
  resource_of(sched_pcpu(pcpu)).decide = true;
  sched_look_again(pcpu);
}

void sched_yield(Vcpu& vcpu) {
  Pcpu& pcpu = sched_pcpu(vcpu.pcpu);
  pcpu.yielded = true;
  pcpu.reschedule = true;
  resource_of(pcpu).decide = true;
}

void sched_wake(Vcpu& vcpu) {
  bool has_place = false;
  {
    const PolicyGuard policy(vcpu);
    const PolicyUnit& unit = *vcpu.sched;
    if (vcpu.running || (unit.waiting && vcpu.runstate.state == RUNSTATE_runnable)) return;
    const bool blocked = vcpu.runstate.state == RUNSTATE_blocked;
    // Another reason may remain; a block that ended is no longer what it rests for.
    set_runstate(vcpu, resting_state(vcpu), now());
    if (!vcpu_runnable(vcpu) || unit.waiting) return;
    has_place = unit.running;
    if (!has_place) wake_under_lock(policy, vcpu, blocked ? WakeReason::kUnblocked : WakeReason::kUnpaused);
  }
  if (has_place) sched_look_again(vcpu.pcpu);
}

void sched_sleep(Vcpu& vcpu) {
  bool unit_runs = false;
  {
    const PolicyGuard policy(vcpu);
    if (vcpu_runnable(vcpu)) return;  // woken again while we waited
    unit_runs = vcpu.sched->running;
    if (!unit_runs && !unit_runnable(unit_of(vcpu))) policy->sleep(unit_of(vcpu));
    if (!vcpu.running) set_runstate(vcpu, resting_state(vcpu), now());
  }
  // Where its unit runs, it may have been the last one that kept it there.
  if (unit_runs) sched_look_again(vcpu.pcpu);
}

void sched_affinity_changed(Vcpu& vcpu) {
  uint32_t pcpu = 0;
  {
    const PolicyGuard policy(vcpu);
    share_affinity(vcpu);
    Vcpu& first = unit_of(vcpu);
    policy->affinity_changed(first);
    if (!first.sched->running) {
      if (!unit_runnable(first)) return;
      policy->sleep(first);
      if (vcpu_runnable(vcpu)) set_runstate(vcpu, RUNSTATE_runnable, now());
      wake_under_lock(policy, first, WakeReason::kRequeued);
      return;
    }
    if (may_run_on(first, first.pcpu) || fault("sched.running_vcpu_stays")) return;
    pcpu = first.pcpu;
  }
  sched_request(pcpu);
}

void sched_leave(uint32_t pcpu) {
  Pcpu& leaver = sched_pcpu(sched_pcpu(pcpu).first);
  Scheduler* const policy = leaver.policy;
  HV_ASSERT(policy != nullptr && !leaver.leaving);
  {
    const PolicyGuard guard(*policy);
    for_each_together(leaver.resource, [](Pcpu& member) { member.leaving = true; });
    if (sched_unit_on(leaver.id) == nullptr) return leave_policy(leaver);
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
  for (size_t i = 0; i < std::size(vcpu.hard_affinity); ++i) left |= vcpu.hard_affinity[i] & vcpu.pool->resources[i];
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
    out.check(&unit_of(*current) == sched_unit_on(pcpu.first), "a pCPU runs a vCPU of another unit than its siblings");
    out.check(current->runstate.state == RUNSTATE_running, "a running vCPU is in another runstate");
  }
  for (const CpuPool* pool = cpupool_at_or_above(0); pool != nullptr; pool = pool->next) {
    out.check(!pool->policy->lock().held(), "a policy's lock is held");
    pool->policy->audit(out);
  }
  return out.violations;
}

const char* sched_audit_vcpu(const Vcpu& vcpu) {
  const PolicyUnit* data = vcpu.sched;
  if (data == nullptr) return "the scheduler does not know it";
  if (data->owner != vcpu.pool->policy || data->domain->owner != data->owner)
    return "its scheduling data is of another pool";
  const Vcpu& first = *data->vcpu;
  if (!is_member(vcpu, first)) return "its unit does not know it";
  if (data->waiting && !unit_runnable(first)) return "queued but not runnable";
  if (data->waiting && !may_run_on(first, first.pcpu)) return "queued where it may not run";
  const bool comes = data->running && sched_pcpu(vcpu.pcpu).reschedule;  // to its place beside others of its unit
  const bool settled = vcpu.running || data->waiting || comes || !may_run_anywhere(vcpu);
  return vcpu_runnable(vcpu) && !settled ? "runnable, but in no queue" : nullptr;
}

Ns sched_idle_ns(uint32_t pcpu) {
  const Pcpu& p = sched_pcpu(pcpu);
  return p.idle_ns + (p.current == nullptr ? now() - p.idle_since : 0);
}

}  // namespace hv
