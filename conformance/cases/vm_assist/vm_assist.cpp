/// vm_assist: which assists a kind of guest may ask for.
#include <algorithm>
#include <array>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/vcpu_contexts.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

constexpr std::array kPvTypes{VMASST_TYPE_4gb_segments,        VMASST_TYPE_4gb_segments_notify,
                              VMASST_TYPE_writable_pagetables, VMASST_TYPE_pae_extended_cr3,
                              VMASST_TYPE_architectural_iopl,  VMASST_TYPE_runstate_update_flag,
                              VMASST_TYPE_m2p_strict};
constexpr uint64_t kUnknownCommand = 2;

int64_t assist(Vcpu& vcpu, uint64_t command, uint64_t type) {
  return vcpu.hypercall(__HYPERVISOR_vm_assist, {command, type});
}

bool is_pv_type(uint64_t type) {
  return std::ranges::find(kPvTypes, static_cast<int>(type)) != kPvTypes.end();
}

const Case kInvalidType{{
    .slug = "vm_assist.type.not_for_this_guest.einval",
    .rule = "A type that is not for the kind of guest gives EINVAL, whatever the command.",
    .source = "public/xen.h, VMASST_TYPE_*",
    .method = "Every type from 0 to 70 and some far out, with valid and unknown commands.",
    .requirements = {"VMASST-001"},
    .body =
        [](CaseContext& c) {
          const auto refused = [&](uint64_t type) {
            for (const uint64_t command :
                 {uint64_t{VMASST_CMD_enable}, uint64_t{VMASST_CMD_disable}, kUnknownCommand}) {
              c.check_eq(assist(c.vcpu(), command, type), -XEN_EINVAL,
                         "command " + std::to_string(command) + ", type " + std::to_string(type));
            }
          };
          for (uint64_t type = 0; type <= 70; ++type) {
            const bool valid = c.pv() ? is_pv_type(type) : type == VMASST_TYPE_runstate_update_flag;
            if (!valid) refused(type);
          }
          refused(0x7fffffff);
          refused(0xffffffff);
        },
}};

const Case kHvm{{
    .slug = "vm_assist.pvh.runstate_update_flag_only",
    .rule = "An HVM guest may ask for runstate_update_flag and for nothing else.",
    .source = "public/xen.h, VMASST_TYPE_runstate_update_flag",
    .requirements = {"VMASST-002"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          for (const int type : kPvTypes) {
            const bool valid = type == VMASST_TYPE_runstate_update_flag;
            c.check_eq(assist(c.vcpu(), VMASST_CMD_enable, static_cast<uint64_t>(type)), valid ? 0 : -XEN_EINVAL,
                       "type " + std::to_string(type));
          }
        },
}};

const Case kPv{{
    .slug = "vm_assist.pv64.all_types",
    .rule = "A PV64 guest may ask for every type, those that only matter to 32-bit guests too, and runs on as before.",
    .source = "public/xen.h, VMASST_TYPE_*",
    .requirements = {"VMASST-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          for (const int type : kPvTypes) {
            c.check_eq(assist(c.vcpu(), VMASST_CMD_enable, static_cast<uint64_t>(type)), 0,
                       "type " + std::to_string(type));
          }
          const Gva page = c.guest().alloc_pages(1);
          c.vcpu().write(page, uint64_t{7});
          c.check_eq(c.vcpu().read<uint64_t>(page), 7, "memory is still there");
          c.check_eq(assist(c.vcpu(), VMASST_CMD_enable, VMASST_TYPE_m2p_strict + 1), -XEN_EINVAL, "one past the last");
        },
}};

const Case kIdempotent{{
    .slug = "vm_assist.command.idempotent_or_enosys",
    .rule = "Enabling and disabling give 0 however often; an unknown command on a valid type gives ENOSYS.",
    .source = "public/xen.h, VMASST_CMD_*",
    .requirements = {"VMASST-004"},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kType = VMASST_TYPE_runstate_update_flag;
          for (const int command :
               {VMASST_CMD_disable, VMASST_CMD_enable, VMASST_CMD_enable, VMASST_CMD_disable, VMASST_CMD_disable}) {
            c.check_eq(assist(c.vcpu(), static_cast<uint64_t>(command), kType), 0,
                       "command " + std::to_string(command));
          }
          for (const uint64_t command : {kUnknownCommand, uint64_t{3}, uint64_t{0x7fffffff}}) {
            c.check_eq(assist(c.vcpu(), command, kType), -XEN_ENOSYS, "command " + std::to_string(command));
          }
        },
}};

const Case kIopl{{
    .slug = "vm_assist.architectural_iopl.frames_report_it",
    .rule =
        "With the assist architectural_iopl the frame of a callback reports the virtual IOPL and returning keeps it; "
        "without, the frame's is 0.",
    .source = "public/xen.h, VMASST_TYPE_architectural_iopl",
    .method = "The second vCPU starts with an IOPL of 1 in its context's flags.",
    .requirements = {"VMASST-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kIoplField = 3u << 12, kIopl1 = 1u << 12;
          vcpu_guest_context_t context = pv_context(c.guest(), 1);
          context.user_regs.eflags |= kIopl1;
          c.require_eq(initialise_vcpu(c.vcpu(), 1, context), 0, "set-up: initialise");
          c.require_eq(VcpuOps(c.vcpu()).up(1), 0, "set-up: up");
          Vcpu& second = c.target().attach_vcpu(c.guest(), 1);
          EventChannels channels(second);
          const EvtchnPort port = channels.bind_ipi(1).port;
          second.set_upcalls(true);
          const auto reported = [&] {
            const uint64_t before = second.upcalls().count;
            c.require_eq(channels.send(port), 0, "send");
            const UpcallRecord record = second.upcalls();
            c.require_eq(record.count, before + 1, "upcalls");
            SharedInfo(second).acknowledge(port, 1);
            return record.rflags & kIoplField;
          };
          c.require_eq(assist(c.vcpu(), VMASST_CMD_enable, VMASST_TYPE_architectural_iopl), 0, "enable");
          c.check_eq(reported(), kIopl1, "IOPL of the first frame");
          c.check_eq(reported(), kIopl1, "IOPL of the second, after the first returned");
          c.require_eq(assist(c.vcpu(), VMASST_CMD_disable, VMASST_TYPE_architectural_iopl), 0, "disable");
          c.check_eq(reported(), 0, "IOPL without the assist");
        },
}};

}  // namespace
}  // namespace assay
