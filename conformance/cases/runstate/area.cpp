/// The runstate area in guest memory: when it is written, and what a reader may rely on.
#include "conformance/case.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/pv_mapping.hpp"
#include "conformance/guest/runstates.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

/// vCPU 1 with a runstate area, put to sleep and woken by vCPU 0.
class Sleeper {
 public:
  explicit Sleeper(CaseContext& c)
      : c_(c),
        ops_(c.vcpu(0)),
        ours_(c.vcpu(0)),
        wake_(EventChannels(c.vcpu(1)).bind_ipi(1).port),
        area_(c.guest().alloc_pages(1)) {
    c.require_eq(VcpuOps(c.vcpu(1)).register_runstate_area(1, area_), 0, "set-up: registering an area");
  }
  [[nodiscard]] Gva area() const { return area_; }
  [[nodiscard]] Runstate seen() const { return c_.vcpu(0).read<Runstate>(area_); }
  [[nodiscard]] Runstate asked() { return ops_.runstate(1).arg; }
  void sleep() {
    c_.vcpu(1).start_halt();
    c_.require(wait_until(c_, [&] { return asked().state == RUNSTATE_blocked; }), "it blocks");
  }
  void wake() {
    c_.require_eq(ours_.send(wake_), 0, "waking it");
    c_.require(c_.vcpu(1).finish_hypercall(kLongNs).has_value(), "it wakes");
    SharedInfo(c_.vcpu(0)).acknowledge(wake_, 1);
  }

 private:
  CaseContext& c_;
  VcpuOps ops_;
  EventChannels ours_;
  EvtchnPort wake_;
  Gva area_;
};

const Case kRewritten{{
    .slug = "runstate.area.scheduled_in.rewritten",
    .rule = "The registered area is rewritten each time the vCPU is scheduled in, with what a query would give.",
    .source = "public/vcpu.h, VCPUOP_register_runstate_memory_area",
    .requirements = {"VCPU-033"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Sleeper sleeper(c);
          uint64_t last = sleeper.seen().state_entry_time;
          for (int i = 0; i < 3; ++i) {
            sleeper.sleep();
            const uint64_t blocked_before = sleeper.seen().time[RUNSTATE_blocked];
            c.vcpu(0).spin(stay_ns(c));
            sleeper.wake();
            const Runstate seen = sleeper.seen();
            const Runstate asked = sleeper.asked();
            c.check_eq(seen.state, RUNSTATE_running, "state");
            c.check(seen.state_entry_time > last, "a new entry time");
            c.check(seen.time[RUNSTATE_blocked] >= blocked_before + stay_ns(c) / 2, "the blocked time has arrived");
            c.check(seen.time[RUNSTATE_blocked] <= asked.time[RUNSTATE_blocked], "no more than a query says");
            last = seen.state_entry_time;
          }
        },
}};

const Case kSleeping{{
    .slug = "runstate.area.blocked.sibling_sees_it",
    .rule = "While a vCPU sleeps its area says so: it is written when the vCPU is scheduled out, too.",
    .source = "public/vcpu.h, VCPUOP_register_runstate_memory_area",
    .requirements = {"VCPU-033", "RUNST-003"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Sleeper sleeper(c);
          c.check_eq(sleeper.seen().state, RUNSTATE_running, "state while it runs");
          sleeper.sleep();
          c.check(wait_until(c, [&] { return sleeper.seen().state == RUNSTATE_blocked; }), "state while it sleeps");
          const uint64_t seen = sleeper.seen().state_entry_time;
          c.check_eq(seen, sleeper.asked().state_entry_time, "entry time");
          sleeper.wake();
          c.check_eq(sleeper.seen().state, RUNSTATE_running, "state when it runs again");
        },
}};

int64_t update_flag(CaseContext& c, uint64_t command) {
  return c.vcpu().hypercall(__HYPERVISOR_vm_assist, {command, VMASST_TYPE_runstate_update_flag});
}

const Case kUpdateFlag{{
    .slug = "runstate.area.update_flag_assist.clear_afterwards",
    .rule = "With the assist runstate_update_flag areas are still updated, and bit 63 of the entry time is clear when "
            "the update is done.",
    .source = "public/vcpu.h, XEN_RUNSTATE_UPDATE",
    .requirements = {"RUNST-004"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Sleeper sleeper(c);
          c.require_eq(update_flag(c, VMASST_CMD_enable), 0, "enabling the assist");
          uint64_t last = sleeper.seen().state_entry_time;
          for (int i = 0; i < 3; ++i) {
            sleeper.sleep();
            sleeper.wake();
            const Runstate seen = sleeper.seen();
            c.check_eq(seen.state_entry_time & XEN_RUNSTATE_UPDATE, 0, "bit 63");
            c.check(seen.state_entry_time > last, "a new entry time");
            c.check_eq(seen.state_entry_time, sleeper.asked().state_entry_time, "the one that a query gives");
            last = seen.state_entry_time;
          }
        },
}};

const Case kNoFlag{{
    .slug = "runstate.area.no_assist.flag_never_set",
    .rule = "Without the assist bit 63 of the entry time is never set: a stray one in memory is overwritten.",
    .source = "public/vcpu.h, XEN_RUNSTATE_UPDATE",
    .requirements = {"RUNST-005"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Sleeper sleeper(c);
          const Gva entry_time = sleeper.area() + offsetof(Runstate, state_entry_time);
          for (int i = 0; i < 2; ++i) {
            c.check_eq(sleeper.seen().state_entry_time & XEN_RUNSTATE_UPDATE, 0, "bit 63 while it runs");
            sleeper.sleep();
            c.check_eq(sleeper.seen().state_entry_time & XEN_RUNSTATE_UPDATE, 0, "bit 63 while it sleeps");
            c.vcpu(0).write(entry_time, uint64_t{XEN_RUNSTATE_UPDATE});
            sleeper.wake();
            const uint64_t seen = sleeper.seen().state_entry_time;
            c.check_eq(seen, sleeper.asked().state_entry_time, "the entry time");
          }
        },
}};

const Case kUnmapped{{
    .slug = "runstate.area.pv.unmapped.left_alone",
    .rule =
        "A PV area is written through the guest's own mapping: while that is gone nothing is, and the guest runs on.",
    .source = "public/vcpu.h, VCPUOP_register_runstate_memory_area",
    .requirements = {"RUNST-006"},
    .guests = GuestTypes::kPv64,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Sleeper sleeper(c);
          const uint64_t entry = c.guest().gfn_of(sleeper.area()).raw() << kPageShift | kMapped;
          constexpr uint64_t kEverywhere = uint64_t{UVMF_INVLPG} | uint64_t{UVMF_ALL};
          c.require_eq(c.vcpu(0).hypercall(__HYPERVISOR_update_va_mapping, {sleeper.area().raw(), 0, kEverywhere}), 0,
                       "unmapping the area for all vCPUs");
          sleeper.sleep();
          sleeper.wake();
          const uint64_t unseen = sleeper.asked().state_entry_time;
          c.require_eq(update_mapping(c.vcpu(0), sleeper.area(), entry), 0, "mapping it again");
          c.check(sleeper.seen().state_entry_time < unseen, "what happened meanwhile was not written");
          sleeper.sleep();
          sleeper.wake();
          const uint64_t seen = sleeper.seen().state_entry_time;
          c.check_eq(seen, sleeper.asked().state_entry_time, "what happens now is");
        },
}};

}  // namespace
}  // namespace assay
