/// How a domain ends: what it has mapped of others, event channels, then memory, then, when nobody refers to its frames
/// any more, its id.
#include "hv/base/fault.hpp"
#include "hv/domain/context.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/monitor.hpp"
#include "hv/domain/nodes.hpp"
#include "hv/domain/pause.hpp"
#include "hv/domain/release.hpp"
#include "hv/domain/watchdog.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

constexpr uint64_t kFramesBetweenChecks = 256;

void forget_virq_handler(const Domain& domain) {
  for (Domain*& handler : domain_list().virq_handlers) {
    if (handler == &domain && !fault("domain.dead_virq_handler")) handler = nullptr;
  }
}

void start_dying(Domain& domain) {
  pause_domain(domain);
  watchdogs_stop(domain);
  domain.dying = DyingState::kDying;
  domain.memory.dying = true;
  domain.events->dying = true;  // from here on it takes no new ports
  watchdogs_stop(domain);
  forget_virq_handler(domain);
}

/// False: call again.
bool release_memory(Domain& domain, bool (*preempt)(void*), void* context) {
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr) drop_vcpu_frames(*domain.vcpus[i]);
  }
  if (domain.eoi_frame != kInvalidMfn) put_page_and_type(domain.eoi_frame);
  domain.eoi_frame = kInvalidMfn;
  monitor_drop(domain);
  while (true) {
    uint64_t budget = kFramesBetweenChecks;
    if (relinquish_memory(domain.memory, budget)) return true;
    if (!fault("domain.destroy_not_preemptible") && preempt(context)) return false;
  }
}

/// Another pCPU that is inside the core may have looked the domain up before it died.
bool others_outside_core() {
  uint32_t inside = 0;
  for (const Domain* domain = domain_list().head; domain != nullptr; domain = domain->next) {
    for (uint32_t i = 0; i < domain->max_vcpus; ++i) {
      if (domain->vcpus[i] != nullptr && domain->vcpus[i]->in_core) ++inside;
    }
  }
  return inside <= 1;
}

/// Whoever emulated devices for the domain has no target any more: the id may come back as somebody else's.
void forget_target(DomId id) {
  for (Domain* domain = domain_list().head; domain != nullptr; domain = domain->next) {
    if (domain->target_of == id) domain->target_of = DomId{DOMID_INVALID};
  }
}

/// True when the domain is gone. What the toolstack can ask about a dead domain is kept until its last frame is free.
bool bury(Domain& domain) {
  if (domain.memory.pages.count + domain.memory.leftover_pages.count != 0) return false;
  free_vcpus_and_memory(domain);
  if (!memory_empty(domain.memory)) return false;  // somebody maps its shared_info
  unlist_domain(domain);
  forget_virq_handler(domain);
  forget_target(domain.id);
  forget_node_affinity(domain.id);
  free_domain(domain);
  return true;
}

}  // namespace

TeardownProgress destroy_domain(Domain& domain, bool (*preempt)(void*), void* context) {
  if (domain.dying == DyingState::kDead) return TeardownProgress::kDone;
  if (domain.dying == DyingState::kAlive) start_dying(domain);
  if (!grant_release_mappings(*domain.grants, preempt, context)) return TeardownProgress::kPreempted;
  if (evtchn_close_all(*domain.events, preempt, context) == ResetProgress::kPreempted) {
    return TeardownProgress::kPreempted;
  }
  if (!release_memory(domain, preempt, context)) return TeardownProgress::kPreempted;
  domain.dying = DyingState::kDead;
  send_global_virq(VIRQ_DOM_EXC);
  domain_list().dead_wait = true;
  return TeardownProgress::kDone;
}

void reap_dead_domains() {
  if (!domain_list().dead_wait || !others_outside_core()) return;
  bool left = false;
  for (Domain* domain = domain_list().head; domain != nullptr;) {
    Domain* next = domain->next;
    if (domain->dying == DyingState::kDead && !bury(*domain)) left = true;
    domain = next;
  }
  domain_list().dead_wait = left;
}

}  // namespace hv
