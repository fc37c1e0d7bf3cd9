/// A domain that suspends itself and is resumed where it is: what it finds, and what others may do to it meanwhile.
#include "conformance/case.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/runstates.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/shutdown_state.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/domctl.h, XEN_DOMCTL_resumedomain";

/// guest() has suspended itself, by a call of vCPU 0.
struct Suspended {
  explicit Suspended(CaseContext& context)
      : c(context), control(context.dom0().vcpu(0)), id(context.guest().id()), sched(context.vcpu()) {
    sched.start_shutdown(SHUTDOWN_suspend);
    c.require(wait_shut_down(c, control, id), "set-up: the guest suspends itself");
  }
  /// What the call of vCPU 0 returns.
  int64_t resume() {
    c.require_eq(control.call(XEN_DOMCTL_resumedomain, id).result, 0, "resumedomain");
    const std::optional<int64_t> result = c.vcpu().finish_hypercall(kLongNs);
    c.require(result.has_value(), "the guest goes on");
    return *result;
  }

  CaseContext& c;
  DomctlOps control;
  DomId id;
  SchedOps sched;
};

const Case kEvents{{
    .slug = "migration.suspended.event_sent.pending_when_resumed",
    .rule =
        "An event that is sent to a suspended domain is pending when it is resumed, and its channels are still bound.",
    .source = kSource,
    .requirements = {"MIG-040"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          const ChannelPair pair = quiet_channel(c, c.vcpu(), c.peer().vcpu(0));
          SharedInfo info(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0)), ours(c.vcpu());
          Suspended t(c);
          c.check_eq(theirs.send(pair.remote), 0, "sending to it");
          c.check_eq(t.resume(), 0, "the call that suspended it");
          c.check(info.pending(pair.local), "the event is pending");
          c.check_eq(info.upcall_pending(0), 1u, "and announced");
          info.acknowledge(pair.local, 0);
          c.check_eq(theirs.send(pair.remote), 0, "sending to the domain that runs");
          c.check(info.pending(pair.local), "that event is pending, too");
          info.acknowledge(pair.local, 0);
          c.check_eq(ours.send(pair.local), 0, "sending from it");
          c.check(SharedInfo(c.peer().vcpu(0)).pending(pair.remote), "the other end is pending");
        },
}};

const Case kTimer{{
    .slug = "migration.suspended.timer_due.pending_when_resumed",
    .rule = "A timer of a vCPU that is due while the domain is suspended has fired when it is resumed.",
    .source = kSource,
    .requirements = {"MIG-041"},
    .body =
        [](CaseContext& c) {
          EventChannels channels(c.vcpu());
          SharedInfo info(c.vcpu());
          VcpuOps timers(c.vcpu());
          const PortResult timer = channels.bind_virq(VIRQ_TIMER, 0);
          c.require_eq(timer.result, 0, "set-up: binding the timer");
          timers.stop_periodic_timer(0);
          info.acknowledge(timer.port, 0);
          const uint64_t deadline = c.vcpu().time_ns() + kDelayNs;
          c.require_eq(timers.set_singleshot_timer(0, deadline), 0, "set-up: a timer");
          Suspended t(c);
          c.target().pass_time(2 * kDelayNs);
          c.check_eq(t.resume(), 0, "the call that suspended it");
          c.check(wait_until(c, [&] { return info.pending(timer.port); }), "the timer has fired");
          check_passed(c, c.vcpu(), deadline, "its deadline has passed");
        },
}};

const Case kTime{{
    .slug = "migration.suspended.time.goes_on_and_is_offline",
    .rule =
        "System time goes on for a suspended domain; the time that it was suspended its vCPUs were offline, and what a "
        "vCPU's runstates sum up to never goes back.",
    .source = "public/vcpu.h, RUNSTATE_offline",
    .requirements = {"MIG-042"},
    .body =
        [](CaseContext& c) {
          VcpuOps vcpus(c.vcpu());
          const uint64_t time_before = c.vcpu().time_ns();
          const uint64_t tsc_before = c.vcpu().tsc();
          const Runstate before = vcpus.runstate(0).arg;
          {
            Suspended t(c);
            c.target().pass_time(2 * kDelayNs);
            c.check_eq(t.resume(), 0, "the call that suspended it");
          }
          const uint64_t error = clock_error_ns(c);
          c.check(c.vcpu().time_ns() + error >= time_before + 2 * kDelayNs, "system time went on");
          c.check(c.vcpu().tsc() > tsc_before, "and the TSC");
          const Runstate after = vcpus.runstate(0).arg;
          c.check(after.time[RUNSTATE_offline] + error >= before.time[RUNSTATE_offline] + kDelayNs, "it was offline");
          c.check(sum(after) >= sum(before), "the sum of its times");
          for (const int state : {RUNSTATE_running, RUNSTATE_runnable, RUNSTATE_blocked, RUNSTATE_offline}) {
            c.check(after.time[state] >= before.time[state], "time in state " + show(state));
          }
        },
}};

const Case kMemory{{
    .slug = "migration.suspended.grants.used_meanwhile",
    .rule =
        "Grants of a suspended domain stay: who has mapped one reads and writes on, a new one can be mapped and copied "
        "into, and the domain sees it all when it is resumed.",
    .source = kSource,
    .requirements = {"MIG-043"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c, c.peer().vcpu(0), c.vcpu());
          pair.permit();
          const GrantPair::Mapped mapped = pair.map();
          const Gva own = c.guest().alloc_pages(1);
          c.vcpu().write(own, uint64_t{11});
          Suspended t(c);
          c.check_eq(c.peer().vcpu(0).read<uint64_t>(mapped.at.va), GrantPair::kGrantedWord, "what was there");
          c.peer().vcpu(0).write(mapped.at.va + 8, uint64_t{12});
          const GrantPair::Mapped again = pair.map();
          c.peer().vcpu(0).write(again.at.va + 16, uint64_t{13});
          pair.unmap(again);
          c.check_eq(t.resume(), 0, "the call that suspended it");
          c.check_eq(c.vcpu().read<uint64_t>(own), 11u, "its own memory");
          c.check_eq(c.vcpu().read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the granted page");
          c.check_eq(c.vcpu().read<uint64_t>(pair.page + 8), 12u, "what was written through the old mapping");
          c.check_eq(c.vcpu().read<uint64_t>(pair.page + 16), 13u, "what was written through a new one");
          pair.unmap(mapped);
        },
}};

const Case kSiblings{{
    .slug = "migration.suspended.two_vcpus.both_go_on",
    .rule = "All vCPUs of a suspended domain stand still, and all go on when it is resumed.",
    .source = kSource,
    .requirements = {"MIG-044"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          c.vcpu(1).start_halt();
          const auto cpu_time = [&](uint32_t vcpu) {
            return control.vcpu_info(c.guest().id(), vcpu).arg.u.getvcpuinfo.cpu_time;
          };
          Suspended t(c);
          const uint64_t times[] = {cpu_time(0), cpu_time(1)};
          c.target().pass_time(kWatchNs);
          for (const uint32_t vcpu : {0u, 1u}) {
            const auto info = control.vcpu_info(c.guest().id(), vcpu);
            c.check_eq(info.arg.u.getvcpuinfo.running, 0u, "vCPU " + show(vcpu) + " runs");
            c.check_eq(info.arg.u.getvcpuinfo.online, 1u, "vCPU " + show(vcpu) + " is online");
            c.check_eq(info.arg.u.getvcpuinfo.cpu_time, times[vcpu], "its time");
          }
          c.check_eq(t.resume(), 0, "the call that suspended it");
          EventChannels channels(c.vcpu());
          const PortResult wake = channels.bind_ipi(1);
          c.require_eq(wake.result, 0, "a port of the second vCPU");
          SharedInfo info(c.vcpu());
          info.set_upcall_mask(1, 0);
          c.check_eq(channels.send(wake.port), 0, "sending to it");
          c.check(c.vcpu(1).finish_hypercall(kLongNs).has_value(), "the second vCPU goes on");
        },
}};

const Case kAnswer{{
    .slug = "migration.suspended.result_set.returned_when_resumed",
    .rule =
        "What a toolstack puts into the result register of the vCPU that suspended the domain is what its call returns "
        "(1: the suspension was cancelled).",
    .source = "public/sched.h, SHUTDOWN_suspend",
    .requirements = {"MIG-045"},
    .body =
        [](CaseContext& c) {
          for (const uint64_t answer : {uint64_t{1}, uint64_t{0}}) {
            Suspended t(c);
            Scratch context(c.dom0().vcpu(0), (sizeof(vcpu_guest_context_t) + kPageSize - 1) / kPageSize);
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getvcpucontext, t.id);
            set_handle(request.u.vcpucontext.ctxt, context.va());
            c.require_eq(t.control.call(request).result, 0, "getvcpucontext");
            const Gva rax = context.va(offsetof(vcpu_guest_context_t, user_regs) + offsetof(cpu_user_regs, rax));
            context.vcpu().write(rax, answer);
            request.cmd = XEN_DOMCTL_setvcpucontext;
            c.require_eq(t.control.call(request).result, 0, "setvcpucontext");
            c.check_eq(t.resume(), answer, "what the call returns");
          }
        },
}};

const Case kNotSuspended{{
    .slug = "domctl.resumedomain.not_shut_down.nothing",
    .rule = "Resuming a domain that has not shut down returns 0 and does nothing; itself: EINVAL, none such: ESRCH.",
    .source = kSource,
    .requirements = {"MIG-046"},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          c.check_eq(control.call(XEN_DOMCTL_resumedomain, id).result, 0, "a domain that runs");
          c.check_eq(VcpuOps(c.vcpu()).is_up(0), 1, "it runs on");
          c.require_eq(control.pause(id), 0, "pausing it");
          c.check_eq(control.call(XEN_DOMCTL_resumedomain, id).result, 0, "a domain that is paused");
          c.check((control.domain_info(id).arg.u.getdomaininfo.flags & XEN_DOMINF_paused) != 0, "it is paused still");
          c.check_eq(control.unpause(id), 0, "unpausing it");
          c.check_eq(control.call(XEN_DOMCTL_resumedomain, c.dom0().id()).result, -XEN_EINVAL, "itself");
          c.check_eq(control.call(XEN_DOMCTL_resumedomain, kDomAbsent).result, -XEN_ESRCH, "no such domain");
        },
}};

const Case kTwice{{
    .slug = "migration.suspended.paused_too.both_undone",
    .rule = "A suspended domain that is paused as well runs only when it is resumed and unpaused, in either order.",
    .source = kSource,
    .requirements = {"MIG-046"},
    .body =
        [](CaseContext& c) {
          for (const bool resume_first : {true, false}) {
            Suspended t(c);
            c.require_eq(t.control.pause(t.id), 0, "pausing it");
            const auto resume = [&] { return t.control.call(XEN_DOMCTL_resumedomain, t.id).result; };
            c.check_eq(resume_first ? resume() : t.control.unpause(t.id), 0, "the first of the two");
            c.check(!c.vcpu().finish_hypercall(kWatchNs).has_value(), "it does not run yet");
            c.check_eq(resume_first ? t.control.unpause(t.id) : resume(), 0, "the second");
            c.check(c.vcpu().finish_hypercall(kLongNs).has_value(), "now it runs");
          }
        },
}};

}  // namespace
}  // namespace assay
