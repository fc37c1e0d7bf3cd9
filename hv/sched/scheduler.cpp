#include "hv/sched/scheduler.hpp"

#include "hv/base/host.hpp"
#include "hv/sched/policy_guard.hpp"

namespace hv {

void Scheduler::fire(void* timer) {
  auto& due = *static_cast<PolicyTimer*>(timer);
  const PolicyGuard guard(*due.owner);
  // Set again, by whoever had the lock since it went off.
  if (due.timer.deadline == kNever) due.owner->timer_fired(due, now());
}

void Scheduler::set_timer(PolicyTimer& timer, uint32_t pcpu, Ns deadline) {
  timer.owner = this;
  timer.timer.fire = fire;
  timer.timer.context = &timer;
  timer_set(timer.timer, pcpu, deadline);
}

}  // namespace hv
