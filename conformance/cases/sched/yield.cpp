/// sched_op commands that return at once: yield, pin_override, unknown ones, and the old form of the call.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/shutdown_state.hpp"

namespace assay {
namespace {

const Case kYield{{
    .slug = "sched.yield.returns_zero",
    .rule = "yield returns 0 and the caller goes on; its argument is not looked at.",
    .source = "public/sched.h, SCHEDOP_yield",
    .requirements = {"SCHED-001"},
    .body =
        [](CaseContext& c) {
          SchedOps sched(c.vcpu());
          for (int i = 0; i < 10; ++i) c.check_eq(sched.yield(), 0, "yield");
          c.check_eq(sched.raw(SCHEDOP_yield, bad_pointer(c.guest_type())), 0, "yield with a bad pointer");
        },
}};

const Case kPinOverride{{
    .slug = "sched.pin_override.guest.eperm",
    .rule = "Only the hardware domain may pin itself for a while: EPERM for others, before the argument is read.",
    .source = "public/sched.h, SCHEDOP_pin_override",
    .requirements = {"SCHED-020"},
    .body =
        [](CaseContext& c) {
          SchedOps sched(c.vcpu());
          for (const int32_t pcpu : {0, -1, 10'000}) c.check_eq(sched.pin_override(pcpu), -XEN_EPERM, "pin_override");
          c.check_eq(sched.raw(SCHEDOP_pin_override, bad_pointer(c.guest_type())), -XEN_EPERM, "with a bad pointer");
        },
}};

const Case kPinOverrideDom0{{
    .slug = "sched.pin_override.dom0.pins_and_lets_go",
    .rule =
        "The hardware domain pins its vCPU to a pCPU that exists and lets go of it once: EINVAL when it is not pinned.",
    .source = "public/sched.h, SCHEDOP_pin_override",
    .method = "It is pinned to the pCPU that it runs on.",
    .requirements = {"SCHED-023"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          SchedOps sched(dom0);
          c.check_eq(sched.pin_override(-1), -XEN_EINVAL, "letting go of nothing");
          c.check_eq(sched.pin_override(100'000), -XEN_EINVAL, "a pCPU that does not exist");
          c.check_eq(sched.pin_override(0), 0, "pinning");
          c.check_eq(sched.yield(), 0, "it still runs");
          c.check_eq(sched.pin_override(-1), 0, "letting go");
          c.check_eq(sched.pin_override(-1), -XEN_EINVAL, "letting go twice");
          c.check_eq(sched.raw(SCHEDOP_pin_override, bad_pointer(GuestType::kPv64)), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kCompatShutdown{{
    .slug = "sched.compat.shutdown.code_by_value",
    .rule = "The old form of the call shuts the domain down with the code that is the argument itself.",
    .source = "public/xen.h, __HYPERVISOR_sched_op_compat",
    .requirements = {"SCHED-022"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          c.vcpu().start_hypercall(__HYPERVISOR_sched_op_compat, {SCHEDOP_shutdown, SHUTDOWN_suspend});
          c.require(wait_shut_down(c, control, c.guest().id()), "the guest shuts down");
          c.check_eq(shutdown_state(control, c.guest().id()).code, uint32_t{SHUTDOWN_suspend}, "code");
        },
}};

const Case kUnknown{{
    .slug = "sched.unknown_command.enosys",
    .rule = "An unknown command gives ENOSYS, whatever its argument.",
    .source = "public/sched.h, SCHEDOP_*",
    .requirements = {"SCHED-021"},
    .body =
        [](CaseContext& c) {
          SchedOps sched(c.vcpu());
          const Scratch argument(c.vcpu());
          for (const uint64_t command : {uint64_t{8}, uint64_t{9}, uint64_t{255}, uint64_t{0x7fff'ffff}}) {
            c.check_eq(sched.raw(command, argument.va()), -XEN_ENOSYS, "with a good pointer");
            c.check_eq(sched.raw(command, bad_pointer(c.guest_type())), -XEN_ENOSYS, "with a bad pointer");
          }
        },
}};

const Case kCompat{{
    .slug = "sched.compat.only_yield_block_shutdown",
    .rule = "The old form of the call knows yield, block and shutdown; the newer commands give ENOSYS.",
    .source = "public/xen.h, __HYPERVISOR_sched_op_compat",
    .method = "block is asked for with an upcall pending, so that it returns.",
    .requirements = {"SCHED-022"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          const Scratch argument(us);
          const auto compat = [&](uint64_t command) {
            return us.hypercall(__HYPERVISOR_sched_op_compat, {command, argument.va().raw()});
          };
          c.check_eq(compat(SCHEDOP_yield), 0, "yield");
          for (const uint64_t command :
               std::initializer_list<uint64_t>{SCHEDOP_poll, SCHEDOP_remote_shutdown, SCHEDOP_shutdown_code,
                                               SCHEDOP_watchdog, SCHEDOP_pin_override, 8, 255}) {
            c.check_eq(compat(command), -XEN_ENOSYS, "newer command");
          }
          SharedInfo(us).set_upcall_pending(0, 1);
          c.check_eq(compat(SCHEDOP_block), 0, "block with an upcall pending");
          c.check_eq(SharedInfo(us).upcall_mask(0), 0, "upcall mask after block");
        },
}};

}  // namespace
}  // namespace assay
