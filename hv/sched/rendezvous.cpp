#include "hv/sched/rendezvous.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/policy_guard.hpp"
#include "hv/sched/switching.hpp"
#include "hv/sched/unit.hpp"

namespace hv {

namespace {

/// Who of the resource's unit has that pCPU, and may run; null: nobody, it is idle.
Vcpu* vcpu_in_place(const Resource& resource, const Pcpu& pcpu) {
  Vcpu* vcpu = resource.unit;
  while (vcpu != nullptr && vcpu->id % resource.pcpus != pcpu.id - resource.first) vcpu = vcpu->unit_next;
  return vcpu != nullptr && vcpu_runnable(*vcpu) ? vcpu : nullptr;
}

bool must_decide(const Resource& resource, Ns time) {
  if (resource.decide) return true;
  return resource.unit != nullptr && (time >= resource.until || !unit_runnable(*resource.unit));
}

void switch_unit(Resource& resource, Vcpu* next, Ns time) {
  if (next == resource.unit) return;
  for_each_together(resource, [&](Pcpu& pcpu) { switch_between(pcpu, pcpu.current, nullptr, time); });
  if (resource.unit != nullptr) resource.unit->sched->running = false;
  if (next != nullptr) next->sched->running = true;
  for (Vcpu* vcpu = next; vcpu != nullptr; vcpu = vcpu->unit_next) {
    vcpu->pcpu = resource.first + vcpu->id % resource.pcpus;
  }
  resource.unit = next;
}

/// All have come. The rendezvous ends.
void decide(Resource& resource, Scheduler& policy, Ns time) {
  bool yielded = false;
  for_each_together(resource, [&](Pcpu& pcpu) {
    yielded = yielded || pcpu.yielded;
    pcpu.yielded = pcpu.has_come = false;
  });
  resource.come = 0;
  resource.decide = false;  // first: what is asked for from now on is another request
  const Choice choice = policy.choose(resource.first, resource.unit, yielded, time);
  HV_ASSERT(choice.vcpu == nullptr || (unit_runnable(*choice.vcpu) && may_run_on(*choice.vcpu, resource.first)));
  resource.until = choice.until;
  for_each_together(resource, [&](Pcpu& pcpu) { pcpu.until = choice.until; });
  switch_unit(resource, choice.vcpu, time);
  Pcpu& first = sched_pcpu(resource.first);
  if (first.leaving && resource.unit == nullptr) leave_policy(first);
}

enum class Step : uint8_t { kFirstToCome, kWaits, kUnchanged, kSwitchedIn };

Step step(Pcpu& pcpu, Resource& resource, Scheduler& policy) {
  const Ns time = now();
  const bool meets = resource.come != 0;
  if (meets || must_decide(resource, time)) {
    if (!pcpu.has_come) ++resource.come;
    pcpu.has_come = true;
    // Others may wait for it to leave its pCPU, and be waited for here.
    if (pcpu.current != nullptr && !vcpu_runnable(*pcpu.current)) switch_between(pcpu, pcpu.current, nullptr, time);
    if (resource.come < resource.pcpus) return meets ? Step::kWaits : Step::kFirstToCome;
    decide(resource, policy, time);
  }
  Vcpu* const next = vcpu_in_place(resource, pcpu);
  const bool is_new = next != nullptr && next != pcpu.current;
  switch_between(pcpu, pcpu.current, next, time);
  return is_new ? Step::kSwitchedIn : Step::kUnchanged;
}

}  // namespace

bool switch_together(Pcpu& pcpu, Scheduler& policy) {
  Resource& resource = resource_of(pcpu);
  while (true) {
    Step taken = Step::kWaits;
    {
      const PolicyGuard guard(policy);
      // It left its pool while it waited, and the others need not come any more.
      if (pcpu.policy != &policy && !fault("sched.rendezvous_outlives_core")) return false;
      taken = step(pcpu, resource, policy);
    }
    if (taken == Step::kUnchanged || taken == Step::kSwitchedIn) return taken == Step::kSwitchedIn;
    if (taken == Step::kFirstToCome) {
      for_each_together(resource, [&pcpu](const Pcpu& other) {
        if (other.id != pcpu.id) sched_look_again(other.id);
      });
    }
    wait_for_others(&resource.come);
  }
}

}  // namespace hv
