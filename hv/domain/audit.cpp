#include "hv/domain/audit.hpp"

#include <cstdio>

#include "hv/domain/domain_list.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

struct Findings {
  void (*report)(void*, const char*);
  void* context;
  uint32_t count = 0;

  void add(const char* text) {
    report(context, text);
    ++count;
  }
};

void report(Findings& findings, const Domain& domain, const char* what) {
  char text[160];
  std::snprintf(text, sizeof text, "d%u: %s", unsigned{domain.id.raw()}, what);
  findings.add(text);
}

void report(Findings& findings, const Vcpu& vcpu, const char* what) {
  char text[160];
  std::snprintf(text, sizeof text, "d%uv%u: %s", unsigned{vcpu.domain->id.raw()}, vcpu.id, what);
  findings.add(text);
}

/// All grant tables, one after the other.
const GrantTable* next_table(const GrantTable* table) {
  const Domain* domain = table == nullptr ? domain_list().head : domain_by_id(table->id)->next;
  return domain == nullptr ? nullptr : domain->grants;
}

void audit_vcpu(const Domain& domain, const Vcpu& vcpu, Findings& findings) {
  const bool should_pause = domain.controller_pauses + domain.internal_pauses != 0;
  if (vcpu.domain != &domain || vcpu.memory != &domain.memory) report(findings, vcpu, "does not name its domain back");
  if (((vcpu.pause_flags & kPauseDomain) != 0) != should_pause)
    report(findings, vcpu, "its pause flag is not the domain's");
  if (((vcpu.pause_flags & kPauseShutdown) != 0) != domain.shut_down) {
    report(findings, vcpu, "its shutdown flag is not the domain's");
  }
  const bool alive = domain.dying == DyingState::kAlive;
  if (alive && (vcpu.pause_flags & kPauseDown) == 0 && !vcpu.initialised)
    report(findings, vcpu, "up but not initialised");
  if (const char* wrong = sched_audit_vcpu(vcpu); wrong != nullptr) report(findings, vcpu, wrong);
}

void audit_vcpus(const Domain& domain, Findings& findings) {
  uint32_t polling = 0;
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    const Vcpu* vcpu = domain.vcpus[i];
    if (vcpu == nullptr) continue;
    if (vcpu->id != i) report(findings, *vcpu, "in another vCPU's place");
    if ((vcpu->pause_flags & kPausePolling) != 0) ++polling;
    audit_vcpu(domain, *vcpu, findings);
  }
  if (polling != domain.pollers) report(findings, domain, "the count of polling vCPUs is wrong");
}

void audit_domain(Domain& domain, Findings& findings) {
  if (domain.next != nullptr && !(domain.id < domain.next->id)) report(findings, domain, "the list is not in order");
  if (domain.memory.id != domain.id || domain.events->id != domain.id)
    report(findings, domain, "its parts have other ids");
  if (domain.dying != DyingState::kAlive && (!domain.memory.dying || !domain.events->dying)) {
    report(findings, domain, "dying, but its parts are not");
  }
  if (domain.dying == DyingState::kDead && domain.events->active_ports != 0)
    report(findings, domain, "dead with open ports");
  audit_vcpus(domain, findings);
  findings.count += evtchn_audit(*domain.events, findings.report, findings.context);
  findings.count += grant_audit(*domain.grants, next_table, findings.report, findings.context);
}

}  // namespace

uint32_t domains_audit(void (*report)(void*, const char*), void* context) {
  Findings findings{report, context};
  for (Domain* domain = domain_list().head; domain != nullptr; domain = domain->next) audit_domain(*domain, findings);
  return findings.count;
}

}  // namespace hv
