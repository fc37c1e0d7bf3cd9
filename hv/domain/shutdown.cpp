/// A domain stops by its own will, by its mistakes, or because the machine does.
#include <cstdarg>
#include <cstdio>

#include "hv/base/fault.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/pause.hpp"

namespace hv {

namespace {

const char* first_domain_end(uint32_t code) {
  switch (code) {
    case SHUTDOWN_poweroff:
      return "halted: halting machine";
    case SHUTDOWN_crash:
      return "crashed: halting machine";
    case SHUTDOWN_reboot:
      return "shutdown: rebooting machine";
    case SHUTDOWN_watchdog:
      return "shutdown: watchdog rebooting machine";
    case SHUTDOWN_soft_reset:
      return "did unsupported soft reset, rebooting";
    default:
      return "shutdown: rebooting machine";
  }
}

/// Nothing runs without the first domain, and this machine has no way to start again by itself.
void stop_machine(uint32_t code) {
  log("Hardware Dom0 %s", first_domain_end(code));
  for (Domain* domain = domain_list().head; domain != nullptr; domain = domain->next) pause_domain_nosync(*domain);
}

void announce(Domain& domain) {
  if (domain.shutdown_code == SHUTDOWN_suspend && domain.suspend_port != Port{}) {
    if (!fault("domain.suspend_not_told")) evtchn_notify_via_xen(*domain.events, domain.suspend_port);
    return;
  }
  send_global_virq(VIRQ_DOM_EXC);
}

}  // namespace

void shutdown_domain(Domain& domain, uint8_t code) {
  if (domain.shutdown_code < 0 || fault("domain.later_code_wins")) domain.shutdown_code = code;
  if (domain.privileged) {
    stop_machine(static_cast<uint32_t>(domain.shutdown_code));
    return;
  }
  if (domain.shut_down) return;
  domain.shut_down = true;
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr) vcpu_pause(*domain.vcpus[i], kPauseShutdown);
  }
  announce(domain);
}

void resume_domain(Domain& domain) {
  const PauseGuard guard(domain);
  domain.shut_down = false;
  if (!fault("domain.resume_keeps_code")) domain.shutdown_code = -1;
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr) vcpu_unpause(*domain.vcpus[i], kPauseShutdown);
  }
}

void crash_domain(Domain& domain, const char* format, ...) {
  char why[160];
  va_list args;
  va_start(args, format);
  std::vsnprintf(why, sizeof why, format, args);
  va_end(args);
  // The first mistake is the one that matters: what follows while the vCPUs stop is noise.
  if (!domain.shut_down) log("Domain %u crashed: %s", unsigned{domain.id.raw()}, why);
  shutdown_domain(domain, SHUTDOWN_crash);
}

}  // namespace hv
