#include "conformance/case.hpp"
#include "conformance/guest/timer_port.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint64_t kSoonNs = kDelayNs;

/// VIRQ_TIMER of vCPU 0, which nothing but the case's own timer raises.
class TimerPort : public TimerVirq {
 public:
  explicit TimerPort(CaseContext& c) : TimerVirq(c), c_(c), vcpu_(c.vcpu()) {
    c.require_eq(VcpuOps(vcpu_).stop_periodic_timer(0), 0, "set-up: stopping the ticks of a PV vCPU");
    clear();
  }

  void set(uint64_t timeout_ns) {
    c_.check_eq(vcpu_.hypercall(__HYPERVISOR_set_timer_op, {timeout_ns}), 0, "set_timer_op");
  }

 private:
  CaseContext& c_;
  Vcpu& vcpu_;
};

const Case kOnce{{
    .slug = "set_timer_op.deadline.once_and_not_early",
    .rule = "The timer raises VIRQ_TIMER once, not before the deadline, and the call returns 0.",
    .source = "public/xen.h, __HYPERVISOR_set_timer_op",
    .requirements = {"TIMER-004", "TIMER-005"},
    .body =
        [](CaseContext& c) {
          TimerPort timer(c);
          const uint64_t deadline = c.vcpu().time_ns() + kSoonNs;
          timer.set(deadline);
          c.require(timer.fires(), "the timer fires");
          check_passed(c, c.vcpu(), deadline, "not before the deadline");
          timer.clear();
          c.vcpu().spin(2 * kSoonNs);
          c.check(!timer.fired(), "it does not fire again");
        },
}};

const Case kPast{{
    .slug = "set_timer_op.past.fires_at_once",
    .rule = "A deadline that has passed already raises VIRQ_TIMER promptly.",
    .source = "public/xen.h, __HYPERVISOR_set_timer_op",
    .requirements = {"TIMER-002", "TIMER-005"},
    .body =
        [](CaseContext& c) {
          TimerPort timer(c);
          for (const uint64_t timeout : {uint64_t{1}, c.vcpu().time_ns()}) {
            timer.set(timeout);
            c.require(timer.fires(), "the timer fires");
            timer.clear();
          }
        },
}};

const Case kZeroCancels{{
    .slug = "set_timer_op.zero.cancels",
    .rule = "A timeout of 0 cancels the timer; cancelling none is no error.",
    .source = "public/xen.h, __HYPERVISOR_set_timer_op",
    .method = "When the timer fires before it can be cancelled, the same with four times the delay.",
    .requirements = {"TIMER-001", "TIMER-005"},
    .body =
        [](CaseContext& c) {
          TimerPort timer(c);
          timer.set(0);
          for (uint64_t delay = kSoonNs; delay < kLongNs; delay *= 4) {
            timer.set(c.vcpu().time_ns() + delay);
            timer.set(0);
            if (!timer.fired()) {
              c.vcpu().spin(delay + kSoonNs);
              c.check(!timer.fired(), "the cancelled timer does not fire");
              return;
            }
            timer.clear();
          }
          c.inconclusive("every timer fired before it could be cancelled");
        },
}};

const Case kReplaces{{
    .slug = "set_timer_op.second_call.replaces",
    .rule = "A vCPU has one timer, shared with the singleshot vcpu_op: the latest call sets the deadline.",
    .source = "public/vcpu.h, VCPUOP_set_singleshot_timer",
    .method = "When the first deadline passes before it can be replaced, the same with four times the delay.",
    .requirements = {"VCPU-023", "TIMER-004"},
    .body =
        [](CaseContext& c) {
          TimerPort timer(c);
          VcpuOps vcpus(c.vcpu());
          for (uint64_t delay = kSoonNs; delay < kLongNs; delay *= 4) {
            const uint64_t now = c.vcpu().time_ns();
            timer.set(now + delay);
            c.check_eq(vcpus.set_singleshot_timer(0, now + 3 * delay), 0, "set_singleshot_timer");
            if (!timer.fired()) {
              c.require(timer.fires(), "the timer fires");
              check_passed(c, c.vcpu(), now + 3 * delay, "not before the second deadline");
              return;
            }
            timer.clear();
          }
          c.inconclusive("every first deadline passed before it could be replaced");
        },
}};

const Case kOutOfRange{{
    .slug = "set_timer_op.negative_or_far.fires_after_100ms",
    .rule =
        "A negative timeout, or one more than 2^50 ns ahead, is taken to be an error of the guest's clock: the timer "
        "fires after 100 ms.",
    .source = "xen/common/sched/core.c, do_set_timer_op",
    .requirements = {"TIMER-003", "TIMER-005"},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kInsteadNs = 100'000'000;
          TimerPort timer(c);
          for (const uint64_t timeout : {~uint64_t{0}, (uint64_t{1} << 50) + c.vcpu().time_ns() + kLongNs}) {
            const uint64_t before = c.vcpu().time_ns();
            timer.set(timeout);
            c.require(timer.fires(), "the timer fires");
            check_passed(c, c.vcpu(), before + kInsteadNs, "not before 100 ms have passed");
            timer.clear();
          }
        },
}};

}  // namespace
}  // namespace assay
