/// sched_op commands that return at once: yield, pin_override, unknown ones, and the old form of the call.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"

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
