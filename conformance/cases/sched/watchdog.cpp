#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shutdown_state.hpp"

namespace assay {
namespace {

constexpr uint32_t kLongS = 3600;  // no case lasts as long

/// Xen 4.17 makes its answer to id 0 from unsigned 32-bit values: an error comes without its sign in the upper half.
int32_t low_half(int64_t result) {
  return static_cast<int32_t>(result);
}

const Case kTwoTimers{{
    .slug = "sched.watchdog.two_timers.enospc",
    .rule = "Id 0 arms a new timer and returns its id: 1, then 2, then ENOSPC; timeout 0 frees the one named.",
    .source = "public/sched.h, SCHEDOP_watchdog",
    .requirements = {"SCHED-016", "SCHED-017"},
    .body =
        [](CaseContext& c) {
          SchedOps sched(c.vcpu());
          c.check_eq(sched.watchdog(0, kLongS), 1, "first timer");
          c.check_eq(sched.watchdog(0, kLongS), 2, "second timer");
          c.check_eq(low_half(sched.watchdog(0, kLongS)), -XEN_ENOSPC, "third timer");
          c.check_eq(low_half(sched.watchdog(0, 0)), -XEN_ENOSPC, "a third that would expire at once");
          c.check_eq(sched.watchdog(1, kLongS), 0, "re-arming the first");
          c.check_eq(sched.watchdog(1, 0), 0, "freeing the first");
          c.check_eq(sched.watchdog(1, 0), -XEN_EINVAL, "freeing it again");
          c.check_eq(sched.watchdog(0, kLongS), 1, "a timer after the first was freed");
          c.check_eq(sched.watchdog(2, 0), 0, "freeing the second");
        },
}};

const Case kBadId{{
    .slug = "sched.watchdog.unused_or_unknown_id.einval",
    .rule = "An id past 2, or one that is not in use, gives EINVAL and arms nothing.",
    .source = "public/sched.h, SCHEDOP_watchdog",
    .requirements = {"SCHED-016", "SCHED-017"},
    .body =
        [](CaseContext& c) {
          SchedOps sched(c.vcpu());
          for (const uint32_t id : {1u, 2u, 3u, 0x8000'0000u, 0xffff'ffffu}) {
            c.check_eq(sched.watchdog(id, kLongS), -XEN_EINVAL, "arming");
            c.check_eq(sched.watchdog(id, 0), -XEN_EINVAL, "freeing");
          }
          c.check_eq(sched.watchdog(0, kLongS), 1, "the first timer is free");
        },
}};

const Case kExpires{{
    .slug = "sched.watchdog.zero_timeout.shuts_down_at_once",
    .rule = "Id 0 with timeout 0 arms a timer that expires at once, and a watchdog that expires shuts the domain down "
            "with code 4.",
    .source = "public/sched.h, SHUTDOWN_watchdog",
    .requirements = {"SCHED-018", "SCHED-019"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          SchedOps sched(c.vcpu());
          const GuestStruct<sched_watchdog_t> arg(c.vcpu(), sched_watchdog_t{0, 0});
          c.vcpu().start_hypercall(__HYPERVISOR_sched_op, {SCHEDOP_watchdog, arg.va().raw()});
          c.require(wait_shut_down(c, control, c.guest().id()), "the domain shuts down");
          c.check_eq(shutdown_state(control, c.guest().id()).code, uint32_t{SHUTDOWN_watchdog}, "recorded code");
        },
}};

const Case kDestroyed{{
    .slug = "sched.watchdog.domain_destroyed.fires_no_more",
    .rule = "The timer of a domain that is destroyed is gone: another domain in its place is left alone.",
    .source = "public/sched.h, SCHEDOP_watchdog",
    .requirements = {"SCHED-018", "DOM-LIFE-005"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kPastNs = 2'000'000'000;
          DomctlOps control(c.dom0().vcpu(0));
          c.check_eq(SchedOps(c.vcpu()).watchdog(0, 1), 1, "a timer of one second");
          c.target().destroy_guest(c.guest());
          Domain& next = c.peer();
          c.target().pass_time(kPastNs);
          c.check(!shutdown_state(control, next.id()).shut_down, "a guest that was made afterwards lives");
          c.check_eq(next.vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), 4096, "and works");
        },
}};

}  // namespace
}  // namespace assay
