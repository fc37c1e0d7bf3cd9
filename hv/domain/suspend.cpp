#include "hv/domain/suspend.hpp"

#include "hv/base/host.hpp"
#include "hv/base/timer.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/pause.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

template <typename Visit>
void for_each_sibling(const Domain& domain, const Vcpu& caller, Visit visit) {
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr && domain.vcpus[i] != &caller) visit(*domain.vcpus[i]);
  }
}

/// Those that die are held for good. Domains come and go under the control lock only.
template <typename Visit>
void for_each_other(const Domain& own, Visit visit) {
  for (Domain* domain = domain_list().head; domain != nullptr; domain = domain->next) {
    if (domain != &own && domain->dying == DyingState::kAlive) visit(*domain);
  }
}

template <typename Visit>
void for_each_pcpu_but_the_first(Visit visit) {
  for (uint32_t pcpu = 1; pcpu < host().pcpus; ++pcpu) {
    if (sched_pcpu(pcpu).online) visit(pcpu);
  }
}

}  // namespace

Status suspend_machine(Domain& domain, const Vcpu& caller) {
  DomainList& list = domain_list();
  if (list.suspending) return fail(XEN_EBUSY);
  list.suspending = true;
  // Before the lock, for which one of them may wait.
  for_each_sibling(domain, caller, [](Vcpu& vcpu) {
    vcpu_pause(vcpu, kPauseDomain);
    vcpu_stop_sync(vcpu);
  });
  {
    const LockGuard guard(list.control_lock);
    for_each_other(domain, pause_domain);
    for_each_pcpu_but_the_first(timers_close);
    host().suspend(host().ctx);
    for_each_pcpu_but_the_first(timers_open);
    for_each_other(domain, unpause_domain);
  }
  if (domain.controller_pauses + domain.internal_pauses == 0) {
    for_each_sibling(domain, caller, [](Vcpu& vcpu) { vcpu_unpause(vcpu, kPauseDomain); });
  }
  list.suspending = false;
  return kOk;
}

}  // namespace hv
