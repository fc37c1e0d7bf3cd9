#include "sim/target/xen/shared_mailbox.hpp"

#include <sched.h>

#include "sim/target/agent/host_clock.hpp"

namespace assay::xen {

using agents::host_cpus;
using agents::host_now_ns;
using agents::host_sleep_ns;

namespace {

/// Looks at the reply this often before it gives the host's CPU away: about 100 us, longer than a trivial operation.
constexpr unsigned kSpins = 4000;
/// After this long the wait is not for a trivial operation: sleep between looks, and ask whether anybody is alive.
constexpr uint64_t kYieldNs = 1'000'000;
/// Shorter naps starve an emulator on the same CPU: it is preempted before it gets anywhere.
constexpr uint64_t kNapNs = 30'000;
constexpr uint64_t kMachineCheckNs = 1'000'000;
constexpr uint64_t kDomainCheckNs = 100'000'000;
constexpr uint64_t kListenLimitNs = 10'000'000'000;

/// With one CPU for both sides only sleeping lets the other run: a yield to an emulator that never sleeps lasts a whole
/// time slice, milliseconds.
bool shares_one_cpu() {
  static const bool is_single = host_cpus() < 2;
  return is_single;
}

}  // namespace

SharedMailbox::SharedMailbox(DomId domain, const agents::MailboxMemory::Frames& frames, agents::Watch& watch)
    : domain_(domain), memory_(frames), watch_(&watch) {}

bool SharedMailbox::wait(uint64_t timeout_ns, bool owes_prompt_reply) {
  for (unsigned i = shares_one_cpu() ? 0 : kSpins; i > 0; --i) {
    if (memory_.has_replied()) return true;
    __builtin_ia32_pause();
  }
  const uint64_t start = host_now_ns();
  uint64_t machine_check = start + kMachineCheckNs;
  uint64_t domain_check = start + kDomainCheckNs;
  while (!memory_.has_replied()) {
    const uint64_t now = host_now_ns();
    if (now - start >= timeout_ns) return false;
    if (now >= machine_check) {
      watch_->check_machine();
      machine_check = now + kMachineCheckNs;
    }
    if (owes_prompt_reply && now >= domain_check) {
      watch_->check_domain(domain_);
      domain_check = host_now_ns() + kDomainCheckNs;
    }
    if (now - start < kYieldNs && !shares_one_cpu()) {
      sched_yield();
    } else {
      host_sleep_ns(kNapNs);
    }
  }
  return true;
}

bool SharedMailbox::await(GuestReply& reply, uint64_t timeout_ns) {
  if (!memory_.in_flight()) throw HarnessFault("a reply is awaited and no operation is in flight");
  if (!wait(timeout_ns, false)) return false;
  memory_.take(reply);
  return true;
}

void SharedMailbox::execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) {
  memory_.post(request);
  if (!wait(timeout_ns, true)) watch_->explain_silence(domain_, "operation " + std::to_string(request.op));
  memory_.take(reply);
}

void SharedMailbox::await_listener() {
  const uint64_t start_ns = host_now_ns();
  uint64_t domain_check = start_ns + kDomainCheckNs;
  while (!memory_.listens()) {
    if (__atomic_load_n(&memory_.header()->magic, __ATOMIC_ACQUIRE) == ASSAY_AGENT_MAGIC) {
      throw HarnessFault("an agent of version " + std::to_string(memory_.header()->version) +
                         " listens, not of version " + std::to_string(ASSAY_AGENT_VERSION));
    }
    const uint64_t now = host_now_ns();
    if (now - start_ns > kListenLimitNs) watch_->explain_silence(domain_, "the start of a vcpu");
    if (now >= domain_check) {
      watch_->check_machine();
      watch_->check_domain(domain_);
      domain_check = host_now_ns() + kDomainCheckNs;
    }
    host_sleep_ns(kNapNs);
  }
}

}  // namespace assay::xen
