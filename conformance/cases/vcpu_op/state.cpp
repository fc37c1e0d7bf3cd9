/// vcpu_op: which vCPUs exist, which are up, and what they report of themselves.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

const Case kAbsent{{
    .slug = "vcpu_op.any.absent_vcpu.enoent",
    .rule = "An operation on a vCPU that does not exist gives ENOENT, before the command is looked at.",
    .source = "public/vcpu.h",
    .requirements = {"VCPU-001"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          for (const uint32_t vcpu : {2u, 128u, 8192u, 0x7fffffffu, 0xffffffffu}) {
            const std::string which = "vCPU " + std::to_string(vcpu);
            c.check_eq(ops.is_up(vcpu), -XEN_ENOENT, "is_up, " + which);
            c.check_eq(ops.raw(99, vcpu, Gva{0}), -XEN_ENOENT, "unknown command, " + which);
          }
        },
}};

const Case kUnknown{{
    .slug = "vcpu_op.unknown_command.enosys",
    .rule = "An unknown command on a vCPU that exists gives ENOSYS.",
    .source = "public/vcpu.h",
    .requirements = {"VCPU-037"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          for (const uint64_t command : {uint64_t{14}, uint64_t{99}, uint64_t{0x7fffffff}}) {
            c.check_eq(ops.raw(command, 0, Gva{0}), -XEN_ENOSYS, "command " + std::to_string(command));
          }
        },
}};

const Case kIsUp{{
    .slug = "vcpu_op.is_up.online_and_down",
    .rule = "is_up is 1 for a vCPU that is online and 0 for one that is down.",
    .source = "public/vcpu.h, VCPUOP_is_up",
    .requirements = {"VCPU-014"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          c.check_eq(ops.is_up(0), 1, "the caller");
          c.check_eq(ops.is_up(1), 0, "a vCPU never brought up");
        },
}};

const Case kUpUninitialised{{
    .slug = "vcpu_op.up.uninitialised.einval",
    .rule = "A vCPU that was never initialised cannot be brought up: EINVAL. Up on a running one is 0.",
    .source = "public/vcpu.h, VCPUOP_up",
    .requirements = {"VCPU-012"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          c.check_eq(ops.up(1), -XEN_EINVAL, "uninitialised");
          c.check_eq(ops.is_up(1), 0, "it stays down");
          c.check_eq(ops.up(0), 0, "running");
        },
}};

const Case kInitialiseAgain{{
    .slug = "vcpu_op.initialise.initialised.eexist",
    .rule = "Initialising an initialised vCPU gives EEXIST.",
    .source = "public/vcpu.h, VCPUOP_initialise",
    .requirements = {"VCPU-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          Scratch context(c.vcpu(), 2);
          c.check_eq(ops.raw(VCPUOP_initialise, 0, context.va()), -XEN_EEXIST, "the caller itself");
        },
}};

const Case kInitialiseBadPointer{{
    .slug = "vcpu_op.initialise.bad_pointer.efault",
    .rule = "A context that cannot be read gives EFAULT, and the vCPU stays uninitialised.",
    .source = "public/vcpu.h, VCPUOP_initialise",
    .requirements = {"HCALL-020", "VCPU-012"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            c.check_eq(ops.raw(VCPUOP_initialise, 1, bad.va), -XEN_EFAULT, bad.what);
          }
          c.check_eq(ops.up(1), -XEN_EINVAL, "it is still uninitialised");
        },
}};

const Case kDownAndUp{{
    .slug = "vcpu_op.down_then_up.stops_and_runs",
    .rule = "down stops the vCPU named; up lets it run on.",
    .source = "public/vcpu.h, VCPUOP_down",
    .requirements = {"VCPU-013", "VCPU-014"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu(0));
          c.check_eq(ops.is_up(1), 1, "the second vCPU is up");
          c.check_eq(ops.down(1), 0, "down");
          c.check_eq(ops.is_up(1), 0, "it is down");
          c.vcpu(1).start_hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          c.check(!c.vcpu(1).finish_hypercall(20 * kMillisecond), "a vCPU that is down does not run");
          c.check_eq(ops.up(1), 0, "up");
          c.check_eq(c.vcpu(1).finish_hypercall(1000 * kMillisecond), 4096, "it runs on");
        },
}};

const Case kRunstate{{
    .slug = "vcpu_op.get_runstate_info.caller_running",
    .rule = "The caller's runstate is running, and its four times grow with system time.",
    .source = "public/vcpu.h, VCPUOP_get_runstate_info",
    .requirements = {"VCPU-015"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const auto sum = [](const vcpu_runstate_info_t& info) {
            return info.time[0] + info.time[1] + info.time[2] + info.time[3];
          };
          const auto before = ops.runstate(0);
          c.require_eq(before.result, 0, "get_runstate_info");
          c.check_eq(before.arg.state, RUNSTATE_running, "state");
          c.vcpu().spin(kDelayNs);
          const auto after = ops.runstate(0);
          c.check(sum(after.arg) + clock_error_ns(c) >= sum(before.arg) + kDelayNs, "the times cover what was spent");
          c.check(after.arg.time[RUNSTATE_running] > before.arg.time[RUNSTATE_running], "time spent running grew");
          const auto down = ops.runstate(1);
          c.check_eq(down.arg.state, RUNSTATE_offline, "state of a vCPU that is down");
        },
}};

const Case kRegisterInfoAlignment{{
    .slug = "vcpu_op.register_vcpu_info.misplaced.enxio",
    .rule = "An offset that is not a multiple of 8, or too near the end of the page, gives ENXIO.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_info",
    .requirements = {"VCPU-024"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const Gfn frame = c.guest().gfn_of(c.guest().alloc_pages(1));
          c.check_eq(ops.register_vcpu_info(0, frame, 4), -XEN_ENXIO, "offset 4");
          c.check_eq(ops.register_vcpu_info(0, frame, 4096 - 56), -XEN_ENXIO, "8 bytes too far");
          c.check_eq(ops.register_vcpu_info(0, frame, 4096), -XEN_ENXIO, "behind the page");
          c.check_eq(ops.register_vcpu_info(0, frame, 0xfffffff8u), -XEN_ENXIO, "far behind the page");
          c.check_eq(ops.register_vcpu_info(0, frame, 4096 - 64), 0, "last place that fits");
        },
}};

const Case kRegisterInfoTwice{{
    .slug = "vcpu_op.register_vcpu_info.second_time.einval",
    .rule = "A vCPU's info can be registered once: the second time gives EINVAL.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_info",
    .requirements = {"VCPU-025", "VCPU-028"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const Gva area = c.guest().alloc_pages(1);
          c.check_eq(ops.register_vcpu_info(0, c.guest().gfn_of(area), 0), 0, "first time");
          const auto info = c.vcpu().read<vcpu_info_t>(area);
          c.check_eq(info.evtchn_upcall_pending, 1, "an upcall is pending in the new place");
          c.check_eq(info.evtchn_pending_sel, ~uint64_t{0}, "every selector bit is set");
          c.check_eq(ops.register_vcpu_info(0, c.guest().gfn_of(area), 128), -XEN_EINVAL, "second time");
        },
}};

const Case kRegisterInfoBadFrame{{
    .slug = "vcpu_op.register_vcpu_info.bad_frame.einval",
    .rule = "A frame that is no writable memory of the guest gives EINVAL.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_info",
    .requirements = {"VCPU-027"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          for (const uint64_t frame : {uint64_t{1} << 40, ~uint64_t{0}}) {
            c.check_eq(ops.register_vcpu_info(0, Gfn{frame}, 0), -XEN_EINVAL, "frame " + std::to_string(frame));
          }
        },
}};

const Case kSingleshotOther{{
    .slug = "vcpu_op.singleshot_timer.other_vcpu.einval",
    .rule = "A vCPU sets and stops its own singleshot timer only.",
    .source = "public/vcpu.h, VCPUOP_set_singleshot_timer",
    .requirements = {"VCPU-020"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          c.check_eq(ops.set_singleshot_timer(1, 1), -XEN_EINVAL, "set for another vCPU");
          c.check_eq(ops.stop_singleshot_timer(1), -XEN_EINVAL, "stop for another vCPU");
          c.check_eq(ops.stop_singleshot_timer(0), 0, "stop for itself");
        },
}};

const Case kPeriodicLimits{{
    .slug = "vcpu_op.set_periodic_timer.out_of_range.einval",
    .rule = "A period below 1 ms or above the maximum gives EINVAL; stopping is always 0.",
    .source = "public/vcpu.h, VCPUOP_set_periodic_timer",
    .requirements = {"VCPU-016", "VCPU-019"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          c.check_eq(ops.set_periodic_timer(0, kMillisecond - 1), -XEN_EINVAL, "below 1 ms");
          c.check_eq(ops.set_periodic_timer(0, uint64_t{1} << 62), -XEN_EINVAL, "2^62 ns");
          c.check_eq(ops.set_periodic_timer(0, kMillisecond), 0, "1 ms");
          c.check_eq(ops.stop_periodic_timer(0), 0, "stop");
          c.check_eq(ops.stop_periodic_timer(0), 0, "stop again");
        },
}};

}  // namespace
}  // namespace assay
