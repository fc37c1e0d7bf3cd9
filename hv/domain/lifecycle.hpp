/// From creation to the last reference: how domains come, stop and go.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

/// What a domain is created from; made of the domctl, or by the builder of the first domain.
struct DomainConfig {
  DomId id;
  GuestKind kind = GuestKind::kPv64;
  bool privileged = false;
  uint32_t ssid = 0;
  uint32_t flags = 0;  ///< XEN_DOMCTL_CDF_*
  uint32_t emulation_flags = 0;
  uint32_t misc_flags = 0;
  uint32_t max_vcpus = 0;
  uint32_t max_evtchn_port = 0;
  GrantLimits grants{};
  std::array<uint8_t, 16> handle{};
  struct CpuPool* pool = nullptr;  ///< null = the first
};

/// A domain without vCPUs and memory, paused once by its controller, in the list. ENOMEM: nothing is left.
Result<Domain*> create_domain(const DomainConfig& config);
/// Allocates the vCPUs 0..max_vcpus-1 that do not exist yet, all down.
Status allocate_vcpus(Domain& domain);

/// XEN_DOMCTL_pausedomain. EOVERFLOW beyond 255 pauses. No vCPU runs when this returns.
Status pause_by_controller(Domain& domain);
/// EINVAL: not paused. The first one finishes creation.
Status unpause_by_controller(Domain& domain);

/// Records `code` unless one is recorded, stops every vCPU, and tells the subscriber of a suspend or VIRQ_DOM_EXC.
/// `code` is the low byte that the guest gave. The first domain takes the machine with it.
void shutdown_domain(Domain& domain, uint8_t code);
void resume_domain(Domain& domain);
/// The guest did what no domain survives: one line on the console, then shutdown with SHUTDOWN_crash.
[[gnu::format(printf, 2, 3)]] void crash_domain(Domain& domain, const char* format, ...);

enum class TeardownProgress : uint8_t { kDone, kPreempted };
/// Grants it has mapped, event channels, then memory; at the end VIRQ_DOM_EXC. Preemptible: call it again. Idempotent:
/// a dead domain is done.
/// A dead domain keeps its id until reap_dead_domains finds that nobody refers to its frames.
TeardownProgress destroy_domain(Domain& domain, bool (*preempt)(void*), void* context);
/// Frees dead domains that nothing refers to any more; waits for another time while more than one vCPU is inside the
/// core. The caller must not hold a Domain that may be dead.
void reap_dead_domains();

/// VIRQ_TIMER and its like: dropped when unbound.
void send_vcpu_virq(Vcpu& vcpu, uint32_t virq);
/// To the domain that handles this global virq: the first one unless XEN_DOMCTL_set_virq_handler said otherwise.
void send_global_virq(uint32_t virq);
/// EINVAL: no global virq.
Status set_virq_handler(Domain& domain, uint32_t virq);

/// Forgets every domain: the arena is fresh. Called once by boot.
void domains_init();
[[nodiscard]] Domain* first_domain();

}  // namespace hv
