/// Runstates: what a vCPU's time is accounted to. Source: public/vcpu.h, struct vcpu_runstate_info.
#include <array>

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/runstates.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

const Case kOnlyCurrent{{
    .slug = "runstate.accounting.current_state_grows_alone",
    .rule = "No time ever shrinks, and while the state does not change only the current state's time grows.",
    .source = "public/vcpu.h, struct vcpu_runstate_info, time",
    .method = "The caller, which runs, and a vCPU that is down. When the caller's state changed in between, again.",
    .requirements = {"RUNST-001"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const auto look = [&](uint32_t vcpu, int state) {
            const Runstate before = ops.runstate(vcpu).arg;
            c.vcpu().spin(kWatchNs);
            const Runstate after = ops.runstate(vcpu).arg;
            for (size_t i = 0; i < 4; ++i) c.check(after.time[i] >= before.time[i], "no time shrinks");
            if (after.state_entry_time != before.state_entry_time) return false;
            c.check_eq(after.state, state, "state");
            for (int i = 0; i < 4; ++i) {
              if (i == state) {
                c.check(after.time[i] + clock_error_ns(c) >= before.time[i] + kWatchNs, "the current state's grows");
                c.check(after.time[i] > before.time[i], "the current state's grows at all");
              } else {
                c.check_eq(after.time[i], before.time[i], "time of another state");
              }
            }
            return true;
          };
          c.check(look(1, RUNSTATE_offline), "a vCPU that is down does not change its state");
          for (int i = 0; i < 20; ++i) {
            if (look(0, RUNSTATE_running)) return;
          }
          c.inconclusive("the vCPU was interrupted every time");
        },
}};

const Case kSum{{
    .slug = "runstate.accounting.sum_is_elapsed_time",
    .rule = "The four times sum up to the system time that has passed, whatever the vCPU did.",
    .source = "public/vcpu.h, struct vcpu_runstate_info, time",
    .requirements = {"VCPU-015", "RUNST-001"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          std::array<uint64_t, 2> sums{};
          const uint64_t before = c.vcpu().time_ns();
          for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) sums[vcpu] = sum(ops.runstate(vcpu).arg);
          c.require_eq(ops.down(1), 0, "down");
          c.vcpu().spin(stay_ns(c));
          c.require_eq(ops.up(1), 0, "up");
          c.vcpu().spin(stay_ns(c));
          const uint64_t elapsed = c.vcpu().time_ns() - before;
          for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) {
            const uint64_t grown = sum(ops.runstate(vcpu).arg) - sums[vcpu];
            c.check(grown + clock_error_ns(c) >= 2 * stay_ns(c), "the sum covers the time spent");
            // Each was read a little before or after the guest's clock.
            const uint64_t slack = c.target().has(Capability::kVirtualTime) ? 100'000 : clock_error_ns(c) + kDelayNs;
            c.check(grown <= elapsed + slack, "and no more than what has passed");
            c.check(grown + slack >= elapsed, "nor less");
          }
        },
}};

const Case kBlockedAndOffline{{
    .slug = "runstate.accounting.blocked_and_offline",
    .rule = "A vCPU that waits for an event is blocked, one that is down or paused by its controller is offline: its "
            "time goes there.",
    .source = "public/vcpu.h, RUNSTATE_blocked, RUNSTATE_offline",
    .requirements = {"RUNST-002"},
    .needs = {Capability::kDom0},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu(0));
          EventChannels channels(c.vcpu(1));
          const EvtchnPort wake = channels.bind_ipi(1).port;
          c.vcpu(1).start_halt();
          c.require(wait_until(c, [&] { return ops.runstate(1).arg.state == RUNSTATE_blocked; }), "it blocks");
          const Runstate blocked = ops.runstate(1).arg;
          c.vcpu(0).spin(kDelayNs);
          const Runstate still = ops.runstate(1).arg;
          c.check(still.time[RUNSTATE_blocked] + clock_error_ns(c) >= blocked.time[RUNSTATE_blocked] + kDelayNs,
                  "blocked time grows");
          c.check_eq(still.time[RUNSTATE_running], blocked.time[RUNSTATE_running], "running time does not");
          c.require_eq(EventChannels(c.vcpu(0)).send(wake), 0, "waking it");
          c.require(c.vcpu(1).finish_hypercall(kLongNs).has_value(), "it wakes");

          c.require_eq(ops.down(1), 0, "down");
          c.require(wait_until(c, [&] { return ops.runstate(1).arg.state == RUNSTATE_offline; }), "it is offline");
          const uint64_t offline = ops.runstate(1).arg.time[RUNSTATE_offline];
          c.vcpu(0).spin(kDelayNs);
          c.check(ops.runstate(1).arg.time[RUNSTATE_offline] + clock_error_ns(c) >= offline + kDelayNs,
                  "offline time grows");

          DomctlOps control(c.dom0().vcpu(0));
          const Runstate before = ops.runstate(0).arg;
          c.require_eq(control.pause(c.guest().id()), 0, "pausing the domain");
          c.target().pass_time(kDelayNs);
          c.require_eq(control.unpause(c.guest().id()), 0, "unpausing it");
          const Runstate after = ops.runstate(0).arg;
          c.check(after.time[RUNSTATE_offline] + clock_error_ns(c) >= before.time[RUNSTATE_offline] + kDelayNs,
                  "time in which it was paused is offline time");
        },
}};

const Case kSteal{{
    .slug = "runstate.accounting.two_on_one_pcpu.runnable",
    .rule = "A vCPU that could run but has to wait for its pCPU is runnable meanwhile: its time is stolen.",
    .source = "public/vcpu.h, RUNSTATE_runnable",
    .method = "The toolstack puts both vCPUs on one pCPU; neither sleeps.",
    .requirements = {"RUNST-002"},
    .needs = {Capability::kDom0},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu(0));
          DomctlOps control(c.dom0().vcpu(0));
          Scratch map(c.dom0().vcpu(0));
          for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) {
            auto request = DomctlOps::request(XEN_DOMCTL_setvcpuaffinity, c.guest().id());
            request.u.vcpuaffinity.vcpu = vcpu;
            request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
            request.u.vcpuaffinity.cpumap_hard.nr_bits = 8;
            set_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, map.put(uint8_t{2}));
            c.require_eq(control.call(request).result, 0, "setvcpuaffinity");
          }
          std::array<Runstate, 2> before{};
          for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) before[vcpu] = ops.runstate(vcpu).arg;
          const auto waited = [&](uint32_t vcpu) {
            return ops.runstate(vcpu).arg.time[RUNSTATE_runnable] - before[vcpu].time[RUNSTATE_runnable];
          };
          constexpr uint64_t kEnough = 2'000'000;
          c.check(wait_until(c, [&] { return waited(0) > kEnough && waited(1) > kEnough; }), "both have waited");
          for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) {
            const Runstate after = ops.runstate(vcpu).arg;
            c.check(after.time[RUNSTATE_running] > before[vcpu].time[RUNSTATE_running], "both have run");
            c.check_eq(after.time[RUNSTATE_offline], before[vcpu].time[RUNSTATE_offline], "neither was offline");
          }
        },
}};

const Case kEntryTime{{
    .slug = "runstate.entry_time.last_change",
    .rule = "state_entry_time is the system time of the last change of state, and never in the future.",
    .source = "public/vcpu.h, struct vcpu_runstate_info, state_entry_time",
    .requirements = {"RUNST-003"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu(0));
          const uint64_t error = clock_error_ns(c);
          const auto check_between = [&](uint64_t from, std::string_view what) {
            const uint64_t entered = ops.runstate(1).arg.state_entry_time;
            const uint64_t to = c.vcpu(0).time_ns();
            c.check(entered + error >= from, std::string(what) + ": not before it was asked for");
            c.check(entered <= to + error, std::string(what) + ": not in the future");
            return entered;
          };
          const uint64_t before_down = c.vcpu(0).time_ns();
          c.require_eq(ops.down(1), 0, "down");
          c.require(wait_until(c, [&] { return ops.runstate(1).arg.state == RUNSTATE_offline; }), "it is offline");
          const uint64_t down_at = check_between(before_down, "down");
          c.vcpu(0).spin(kDelayNs);
          c.check_eq(ops.runstate(1).arg.state_entry_time, down_at, "while nothing changes it stays");
          const uint64_t before_up = c.vcpu(0).time_ns();
          c.require_eq(ops.up(1), 0, "up");
          c.require(wait_until(c, [&] { return ops.runstate(1).arg.state == RUNSTATE_running; }), "it runs");
          check_between(before_up, "up");
        },
}};

}  // namespace
}  // namespace assay
