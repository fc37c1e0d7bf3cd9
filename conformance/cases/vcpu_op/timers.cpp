/// The periodic and the singleshot timer of a vCPU.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/timer_port.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
/// How finely wait_until looks.
constexpr uint64_t kLookNs = 100'000;

/// Clears, waits for the next event, and returns when it was seen.
uint64_t next_tick(CaseContext& c, TimerVirq& timer, std::string_view what) {
  timer.clear();
  c.require(timer.fires(), what);
  return c.vcpu().time_ns();
}

/// Two ticks in a row are `period` apart: never closer, and where time is simulated no further.
void check_period(CaseContext& c, TimerVirq& timer, uint64_t period_ns) {
  uint64_t last = next_tick(c, timer, "first tick");
  for (int i = 0; i < 3; ++i) {
    const uint64_t now = next_tick(c, timer, "next tick");
    const uint64_t error = clock_error_ns(c) + kLookNs;
    c.check(now + error >= last + period_ns, "no tick comes early");
    const bool exact = c.target().has(Capability::kVirtualTime);
    if (exact) c.check(now <= last + period_ns + error, "none comes late");
    last = now;
  }
}

const Case kPeriodic{{
    .slug = "vcpu_op.set_periodic_timer.ticks",
    .rule = "A periodic timer raises VIRQ_TIMER every period until it is stopped; a new period replaces the old one.",
    .source = "public/vcpu.h, VCPUOP_set_periodic_timer",
    .requirements = {"VCPU-017", "VCPU-019"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          TimerVirq timer(c);
          c.require_eq(ops.set_periodic_timer(0, 5 * kMillisecond), 0, "a period of 5 ms");
          check_period(c, timer, 5 * kMillisecond);
          c.require_eq(ops.set_periodic_timer(0, 20 * kMillisecond), 0, "a period of 20 ms");
          check_period(c, timer, 20 * kMillisecond);
          c.require_eq(ops.stop_periodic_timer(0), 0, "stop");
          timer.clear();
          c.vcpu().spin(kDelayNs);
          c.check(!timer.fired(), "no tick after it was stopped");
        },
}};

const Case kPeriodicOther{{
    .slug = "vcpu_op.set_periodic_timer.another_vcpu.ticks_there",
    .rule = "The periodic timer of any vCPU of the domain can be set: the ticks are that vCPU's.",
    .source = "public/vcpu.h, VCPUOP_set_periodic_timer",
    .requirements = {"VCPU-017"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu(0));
          c.require_eq(ops.stop_periodic_timer(0), 0, "set-up: no ticks of the first vCPU");
          c.require_eq(ops.stop_periodic_timer(1), 0, "nor of the second");
          TimerVirq first(c, 0);
          TimerVirq second(c, 1);
          c.require_eq(ops.set_periodic_timer(1, 5 * kMillisecond), 0, "set by the first vCPU for the second");
          c.check(second.fires(), "the second vCPU's event");
          second.clear();
          c.check(second.fires(), "and again");
          c.check(!first.fired(), "not the first one's");
          c.require_eq(ops.stop_periodic_timer(1), 0, "stopped by the first vCPU");
          second.clear();
          c.vcpu().spin(kDelayNs);
          c.check(!second.fired(), "no tick after that");
        },
}};

const Case kAtBirth{{
    .slug = "vcpu_op.set_periodic_timer.new_vcpu.pv_ticks_hvm_does_not",
    .rule = "A new PV vCPU ticks every 10 ms; a new HVM vCPU does not tick.",
    .source = "public/vcpu.h, VCPUOP_set_periodic_timer",
    .requirements = {"VCPU-018"},
    .body =
        [](CaseContext& c) {
          TimerVirq timer(c);
          if (c.pv()) {
            check_period(c, timer, 10 * kMillisecond);
            return;
          }
          c.vcpu().spin(kDelayNs);
          c.check(!timer.fired(), "no tick");
        },
}};

const Case kPast{{
    .slug = "vcpu_op.set_singleshot_timer.past.fires_at_once",
    .rule = "A timeout that has passed raises the event at once; the call gives 0, with the future flag too.",
    .source = "public/vcpu.h, VCPU_SSHOTTMR_future",
    .requirements = {"VCPU-021"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          c.require_eq(ops.stop_periodic_timer(0), 0, "set-up: no ticks");
          TimerVirq timer(c);
          for (const uint32_t flags : {0u, uint32_t{VCPU_SSHOTTMR_future}}) {
            for (const uint64_t timeout : {uint64_t{1}, c.vcpu().time_ns() / 2, c.vcpu().time_ns()}) {
              timer.clear();
              c.check_eq(ops.set_singleshot_timer(0, timeout, flags), 0, "set_singleshot_timer");
              c.check(timer.fires(), "the event");
            }
          }
        },
}};

const Case kDeadline{{
    .slug = "vcpu_op.set_singleshot_timer.deadline.once_and_not_early",
    .rule = "A singleshot timer raises its event once, never before its absolute deadline; stopped, not at all.",
    .source = "public/vcpu.h, VCPUOP_set_singleshot_timer",
    .requirements = {"VCPU-022"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          c.require_eq(ops.stop_periodic_timer(0), 0, "set-up: no ticks");
          TimerVirq timer(c);
          const uint64_t deadline = c.vcpu().time_ns() + kDelayNs;
          c.require_eq(ops.set_singleshot_timer(0, deadline), 0, "set_singleshot_timer");
          c.require(timer.fires(), "the event");
          check_passed(c, c.vcpu(), deadline, "not before the deadline");
          timer.clear();
          c.vcpu().spin(2 * kDelayNs);
          c.check(!timer.fired(), "no second event");
          c.require_eq(ops.set_singleshot_timer(0, c.vcpu().time_ns() + 20 * kDelayNs), 0, "set_singleshot_timer");
          c.require_eq(ops.stop_singleshot_timer(0), 0, "stop_singleshot_timer");
          c.vcpu().spin(kDelayNs);
          c.check(!timer.fired(), "none from a timer that was stopped");
        },
}};

}  // namespace
}  // namespace assay
