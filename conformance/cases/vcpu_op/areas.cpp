/// Memory that a guest shares with the hypervisor for a vCPU: vcpu_info, runstate and time areas.
#include <array>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/pv_mapping.hpp"
#include "conformance/guest/pvclock.hpp"
#include "conformance/guest/runstates.hpp"
#include "conformance/guest/scratch.hpp"
#include "conformance/guest/vcpu_contexts.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint32_t kFirstWithoutInfo = XEN_LEGACY_MAX_VCPUS;
/// PV64: addresses that can never be the guest's.
constexpr std::array kNeverOurs{Gva{0xffff'8300'0000'0000}, Gva{0x0000'8000'0000'0000}, Gva{0xffff'7fff'ffff'f000}};

int64_t initialise(CaseContext& c, uint32_t vcpu) {
  if (c.pv()) return initialise_vcpu(c.vcpu(), vcpu, pv_context(c.guest(), vcpu));
  return initialise_vcpu(c.vcpu(), vcpu, hvm_context(c.guest(), vcpu));
}

const Case kNoInfo{{
    .slug = "vcpu_op.initialise.no_vcpu_info.einval",
    .rule = "shared_info has room for 32 vCPUs: one beyond cannot be initialised before its vcpu_info is registered.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_info",
    .requirements = {"VCPU-003"},
    .vcpus = kFirstWithoutInfo + 1,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          c.check_eq(initialise(c, kFirstWithoutInfo), -XEN_EINVAL, "without a vcpu_info");
          c.check_eq(ops.is_up(kFirstWithoutInfo), 0, "it stays down");
          c.check_eq(initialise(c, kFirstWithoutInfo - 1), 0, "the last one that has its place in shared_info");
          const Gfn frame = c.guest().gfn_of(c.guest().alloc_pages(1));
          c.require_eq(ops.register_vcpu_info(kFirstWithoutInfo, frame, 0), 0, "registering one");
          c.check_eq(initialise(c, kFirstWithoutInfo), 0, "with a vcpu_info");
        },
}};

const Case kFreshInfo{{
    .slug = "vcpu_op.register_vcpu_info.had_none.zeroed_and_masked",
    .rule = "The first vcpu_info of a vCPU starts zeroed but for the upcall mask and what makes it look at its events.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_info",
    .requirements = {"VCPU-029", "VCPU-028"},
    .vcpus = kFirstWithoutInfo + 1,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const Gva area = c.guest().alloc_pages(1);
          c.require(!c.vcpu().fill(area, kPageSize, kUntouchedByte).has_value(), "set-up: filling the page");
          c.require_eq(ops.register_vcpu_info(kFirstWithoutInfo, c.guest().gfn_of(area), 64), 0, "register");
          const auto info = c.vcpu().read<vcpu_info_t>(area + 64);
          c.check_eq(info.evtchn_upcall_mask, 1, "upcalls are masked");
          c.check_eq(info.evtchn_upcall_pending, 1, "one is pending");
          c.check_eq(info.evtchn_pending_sel, ~uint64_t{0}, "every selector bit");
          c.check_eq(info.arch.cr2, 0, "the rest is zero");
          c.check_eq(c.vcpu().read<uint64_t>(area), kUntouched64, "memory in front is untouched");
          c.check_eq(c.vcpu().read<uint64_t>(area + 128), kUntouched64, "so is memory behind");
        },
}};

const Case kCarriedOver{{
    .slug = "vcpu_op.register_vcpu_info.moved.content_carried_over",
    .rule = "What the old vcpu_info held is in the new one, every selector bit is set and an upcall is pending.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_info",
    .requirements = {"VCPU-028"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const Gva old = c.guest().vcpu_info(1);
          c.vcpu().write(old + offsetof(vcpu_info_t, arch.cr2), uint64_t{0x1234'5678});
          const Gva area = c.guest().alloc_pages(1);
          c.vcpu().write(old + offsetof(vcpu_info_t, evtchn_upcall_mask), uint8_t{0});
          c.require_eq(ops.register_vcpu_info(1, c.guest().gfn_of(area), 0), 0, "register");
          const auto info = c.vcpu().read<vcpu_info_t>(area);
          c.check_eq(info.arch.cr2, 0x1234'5678, "a field of the guest's own");
          c.check_eq(info.evtchn_upcall_mask, 0, "the mask");
          c.check_eq(info.evtchn_upcall_pending, 1, "an upcall is pending");
          c.check_eq(info.evtchn_pending_sel, ~uint64_t{0}, "every selector bit");
        },
}};

const Case kOtherVcpu{{
    .slug = "vcpu_op.register_vcpu_info.other_vcpu.only_while_down",
    .rule = "The vcpu_info of another vCPU can be registered only while that vCPU is down.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_info",
    .requirements = {"VCPU-026"},
    .vcpus = 3,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const Gva area = c.guest().alloc_pages(1);
          const Gfn frame = c.guest().gfn_of(area);
          c.check_eq(ops.register_vcpu_info(1, frame, 0), -XEN_EINVAL, "of a vCPU that is up");
          c.check_eq(c.vcpu().read<uint64_t>(area), 0, "nothing is written");
          c.check_eq(ops.register_vcpu_info(2, frame, 128), 0, "of one that was never up");
          c.require_eq(ops.down(1), 0, "taking the other one down");
          c.check_eq(ops.register_vcpu_info(1, frame, 0), 0, "of one that is down");
        },
}};

const Case kTypeHeld{{
    .slug = "vcpu_op.register_vcpu_info.pv.frame_stays_writable_memory",
    .rule = "The frame of a registered vcpu_info is held as writable memory: it cannot become a page table.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_info",
    .method = "The page is unmapped first, so that no mapping of the guest's holds it.",
    .requirements = {"VCPU-030"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          const auto pin = [&](Gva page) {
            const uint64_t frame = c.guest().gfn_of(page).raw();
            c.require_eq(update_mapping(c.vcpu(), page, 0), 0, "set-up: unmapping");
            mmuext_op_t op{};
            op.cmd = MMUEXT_PIN_L1_TABLE;
            op.arg1.mfn = frame;
            const GuestStruct<mmuext_op_t> argument(c.vcpu(), op);
            return c.vcpu().hypercall(__HYPERVISOR_mmuext_op, {argument.va().raw(), 1, 0, DOMID_SELF});
          };
          c.check_eq(pin(c.guest().alloc_pages(1)), 0, "a page that nothing holds");
          const Gva area = c.guest().alloc_pages(1);
          c.require_eq(VcpuOps(c.vcpu()).register_vcpu_info(1, c.guest().gfn_of(area), 0), 0, "register");
          c.check(pin(area) < 0, "the page of a vcpu_info");
        },
}};

const Case kTimeMoves{{
    .slug = "vcpu_op.register_vcpu_info.time_updates.new_place_only",
    .rule = "After registration the time record is updated in the new place, and no more in shared_info.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_info",
    .requirements = {"VCPU-031"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const Gva page = c.guest().alloc_pages(2);
          c.require_eq(ops.register_vcpu_info(0, c.guest().gfn_of(page), 0), 0, "register");
          const Gva record = page + offsetof(vcpu_info_t, time);
          const auto old = c.vcpu().read<vcpu_time_info_t>(time_record_of(c.guest(), 0));
          const auto before = stable_record(c.vcpu(), record);
          c.check(before.version != 0 && before.tsc_to_system_mul != 0, "the new place has a record");
          c.vcpu().spin(kWatchNs);
          c.require_eq(ops.register_time_area(0, page + kPageSize), 0, "forcing an update");
          c.check(stable_record(c.vcpu(), record).version != before.version, "it is updated");
          const auto later = c.vcpu().read<vcpu_time_info_t>(time_record_of(c.guest(), 0));
          c.check_eq(later.version, old.version, "version in shared_info");
          c.check_eq(later.system_time, old.system_time, "time in shared_info");
        },
}};

const Case kRunstateArea{{
    .slug = "vcpu_op.register_runstate_memory_area.snapshot_at_once",
    .rule = "A registered runstate area holds a snapshot at once; a PV guest's address that can never be its own gives "
            "EFAULT.",
    .source = "public/vcpu.h, VCPUOP_register_runstate_memory_area",
    .requirements = {"VCPU-032"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const Gva area = c.guest().alloc_pages(1);
          c.vcpu().fill(area, kPageSize, kUntouchedByte);
          if (c.pv()) {
            for (const Gva wrong : kNeverOurs)
              c.check_eq(ops.register_runstate_area(0, wrong), -XEN_EFAULT, show(wrong));
          }
          c.vcpu().spin(kWatchNs);
          c.require_eq(ops.register_runstate_area(0, area), 0, "register");
          const auto now = c.vcpu().read<Runstate>(area);
          const uint64_t time_ns = c.vcpu().time_ns();
          const Runstate asked = ops.runstate(0).arg;
          c.check_eq(now.state, RUNSTATE_running, "state of the caller");
          c.check(now.state_entry_time <= asked.state_entry_time, "entry time");
          for (int i = 0; i < 4; ++i) c.check(now.time[i] <= asked.time[i], "time " + std::to_string(i));
          // The times of an area are as of its entry time; a query adds what has passed since.
          const uint64_t error = clock_error_ns(c);
          c.check(sum(now) + (time_ns - now.state_entry_time) <= sum(asked) + error, "not more than a query says");
          c.check(sum(now) + (time_ns - now.state_entry_time) + error + kWatchNs / 2 >= sum(asked), "nor less");
          c.check_eq(c.vcpu().read<uint64_t>(area + sizeof(Runstate)), kUntouched64, "memory behind");
          c.require_eq(ops.register_runstate_area(1, area), 0, "register for a vCPU that is down");
          c.check_eq(c.vcpu().read<Runstate>(area).state, RUNSTATE_offline, "its state");
        },
}};

const Case kTimeArea{{
    .slug = "vcpu_op.register_vcpu_time_memory_area.record_at_once",
    .rule =
        "A registered time area holds a record at once; a PV guest's address that can never be its own gives EFAULT.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_time_memory_area",
    .requirements = {"VCPU-034"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          const Gva area = c.guest().alloc_pages(1);
          c.vcpu().fill(area, kPageSize, 0);
          if (c.pv()) {
            for (const Gva wrong : kNeverOurs) c.check_eq(ops.register_time_area(0, wrong), -XEN_EFAULT, show(wrong));
          }
          c.require_eq(ops.register_time_area(0, area), 0, "register");
          const auto record = stable_record(c.vcpu(), area);
          c.check(record.version != 0, "a version");
          c.check(record.tsc_to_system_mul != 0, "a scale");
          c.check(record.system_time <= c.vcpu().time_ns() + clock_error_ns(c), "a time that has passed");
          c.check(record.system_time + clock_error_ns(c) + 2 * kLongNs >= c.vcpu().time_ns(), "not long ago");
          c.check_eq(c.vcpu().read<uint64_t>(area + sizeof(vcpu_time_info_t)), 0, "memory behind");
        },
}};

}  // namespace
}  // namespace assay
