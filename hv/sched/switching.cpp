#include "hv/sched/switching.hpp"

#include "hv/base/host.hpp"
#include "hv/sched/rendezvous.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

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
  vcpu.pcpu = pcpu;
  vcpu.running = true;
  vcpu.in_core = true;
  set_runstate(vcpu, RUNSTATE_running, time);
}

}  // namespace

int resting_state(const Vcpu& vcpu) {
  if ((vcpu.pause_flags & (kPauseBlocked | kPausePolling)) != 0) return RUNSTATE_blocked;
  return vcpu_runnable(vcpu) ? RUNSTATE_runnable : RUNSTATE_offline;
}

void switch_between(Pcpu& pcpu, Vcpu* previous, Vcpu* next, Ns time) {
  if (next == previous) return;
  if (previous == nullptr) pcpu.idle_ns += time - pcpu.idle_since;
  if (next == nullptr) pcpu.idle_since = time;
  if (previous != nullptr) switch_out(*previous, time);
  if (next != nullptr) switch_in(*next, pcpu.id, time);
  pcpu.current = next;
}

void leave_policy(Pcpu& first) {
  first.policy->remove_pcpu(first.id);
  for_each_together(first.resource, [](Pcpu& pcpu) {
    pcpu.policy = nullptr;
    pcpu.leaving = false;
    if (!pcpu.online) timers_close(pcpu.id);
  });
}

}  // namespace hv
