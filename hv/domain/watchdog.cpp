#include "hv/domain/watchdog.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/domain/lifecycle.hpp"

namespace hv {

namespace {

constexpr Ns kSecond = 1'000'000'000;

void expired(void* context) {
  auto& domain = *static_cast<Domain*>(context);
  if (domain.dying != DyingState::kAlive || domain.shut_down) return;
  log("Watchdog timer fired for domain %u", domain.id.raw());
  shutdown_domain(domain, SHUTDOWN_watchdog);
}

void arm(Domain& domain, Watchdog& watchdog, uint32_t timeout_s, uint32_t pcpu) {
  watchdog.in_use = true;
  watchdog.timer.fire = expired;
  watchdog.timer.context = &domain;
  timer_set(watchdog.timer, pcpu, now() + timeout_s * kSecond);
}

}  // namespace

Result<uint32_t> watchdog_set(Domain& domain, uint32_t id, uint32_t timeout_s, uint32_t pcpu) {
  if (id > kWatchdogs) return fail(XEN_EINVAL);
  if (id == 0) {
    for (uint32_t i = 0; i < kWatchdogs; ++i) {
      if (domain.watchdogs[i].in_use) continue;
      arm(domain, domain.watchdogs[i], timeout_s, pcpu);
      return i + 1;
    }
    return fail(XEN_ENOSPC);
  }
  Watchdog& watchdog = domain.watchdogs[id - 1];
  if (!watchdog.in_use) return fail(XEN_EINVAL);
  if (timeout_s == 0) {
    timer_stop(watchdog.timer);
    watchdog.in_use = false;
  } else {
    arm(domain, watchdog, timeout_s, pcpu);
  }
  return 0u;
}

void watchdogs_stop(Domain& domain) {
  for (Watchdog& watchdog : domain.watchdogs) {
    if (fault("domain.watchdog_outlives")) return;
    timer_stop(watchdog.timer);
    watchdog.in_use = false;
  }
}

}  // namespace hv
