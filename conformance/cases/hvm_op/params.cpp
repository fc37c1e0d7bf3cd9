/// HVMOP_set_param and HVMOP_get_param: who may set and read which parameter, and what values it takes.
#include <array>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/hvm_ops.hpp"
#include "conformance/guest/shutdown_state.hpp"

namespace assay {
namespace {

constexpr std::array kOwnSettable{HVM_PARAM_CALLBACK_IRQ,   HVM_PARAM_STORE_EVTCHN,
                                  HVM_PARAM_VM86_TSS,       HVM_PARAM_CONSOLE_EVTCHN,
                                  HVM_PARAM_X87_FIP_WIDTH,  HVM_PARAM_ACPI_IOPORTS_LOCATION,
                                  HVM_PARAM_VM86_TSS_SIZED, HVM_PARAM_VM_GENERATION_ID_ADDR};
constexpr std::array kOwnReadOnly{HVM_PARAM_STORE_PFN, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_ALTP2M};
constexpr std::array kDeprecated{HVM_PARAM_PAE_ENABLED,      HVM_PARAM_DM_DOMAIN,
                                 HVM_PARAM_MEMORY_EVENT_CR0, HVM_PARAM_MEMORY_EVENT_CR3,
                                 HVM_PARAM_MEMORY_EVENT_CR4, HVM_PARAM_MEMORY_EVENT_INT3,
                                 HVM_PARAM_NESTEDHVM,        HVM_PARAM_MEMORY_EVENT_SINGLE_STEP,
                                 HVM_PARAM_BUFIOREQ_EVTCHN,  HVM_PARAM_MEMORY_EVENT_MSR};

template <size_t kCount>
bool among(const std::array<int, kCount>& list, uint32_t index) {
  for (const int one : list) {
    if (std::cmp_equal(one, index)) return true;
  }
  return false;
}

constexpr uint64_t kSmallestTss = uint64_t{0x68} << 32;

/// A value that changes nothing for the guest, where 0 is not one.
uint64_t harmless_value(const Domain& guest, uint32_t index) {
  switch (index) {
    case HVM_PARAM_CALLBACK_IRQ:
      return agent_callback(guest);
    case HVM_PARAM_VM86_TSS_SIZED:
      return kSmallestTss;
    default:
      return 0;
  }
}

std::string name(uint32_t index) {
  return "parameter " + std::to_string(index);
}

const Case kTargetChecks{{
    .slug = "hvm_op.param.bad_index_or_target.refused",
    .rule = "An index out of range gives EINVAL, then an unknown domain ESRCH, then a PV domain EINVAL; in that order.",
    .source = "public/hvm/params.h, HVM_NR_PARAMS",
    .method = "Both operations; each later mistake is made together with the earlier ones.",
    .requirements = {"HVMP-001"},
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          constexpr DomId kDom0{0};
          for (const uint32_t index : {uint32_t{HVM_NR_PARAMS}, 64u, 0xffffffffu}) {
            c.check_eq(ops.set_param(index, 0), -XEN_EINVAL, "set " + name(index));
            c.check_eq(ops.get_param(index).result, -XEN_EINVAL, "get " + name(index));
            c.check_eq(ops.set_param(index, 0, kDomAbsent), -XEN_EINVAL, "set, of an absent domain too");
          }
          c.check_eq(ops.set_param(HVM_PARAM_STORE_PFN, 0, kDomAbsent), -XEN_ESRCH, "set for an absent domain");
          c.check_eq(ops.get_param(HVM_PARAM_STORE_PFN, kDomAbsent).result, -XEN_ESRCH, "get of an absent domain");
          c.check_eq(ops.set_param(HVM_PARAM_STORE_PFN, 0, kDom0), -XEN_EINVAL, "set for dom0, a PV domain");
          const auto got = ops.get_param(HVM_PARAM_STORE_PFN, kDom0);
          c.check_eq(got.result, -XEN_EINVAL, "get of dom0, a PV domain");
          c.check_eq(got.arg.value, kUntouched64, "nothing is copied back");
        },
}};

const Case kForeign{{
    .slug = "hvm_op.param.no_privilege_over_target.eperm",
    .rule = "A guest may neither set nor read parameters of another HVM domain: EPERM, and nothing changes.",
    .source = "public/hvm/hvm_op.h, HVMOP_set_param",
    .requirements = {"HVMP-001"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          HvmOps ours(c.vcpu());
          const DomId peer = c.peer().id();
          HvmOps theirs(c.peer().vcpu(0));
          c.require_eq(theirs.set_param(HVM_PARAM_STORE_EVTCHN, 0x1234), 0, "set-up: a value of the peer's own");
          c.check_eq(ours.set_param(HVM_PARAM_STORE_EVTCHN, 1, peer), -XEN_EPERM, "set");
          c.check_eq(ours.get_param(HVM_PARAM_STORE_EVTCHN, peer).result, -XEN_EPERM, "get");
          c.check_eq(theirs.get_param(HVM_PARAM_STORE_EVTCHN).arg.value, 0x1234, "the peer's value");
        },
}};

const Case kOwnSet{{
    .slug = "hvm_op.set_param.own.only_listed_ones",
    .rule = "A guest may set a fixed few of its own parameters; the others give EPERM.",
    .source = "public/hvm/params.h",
    .requirements = {"HVMP-002"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          for (uint32_t index = 0; index < HVM_NR_PARAMS; ++index) {
            if (among(kDeprecated, index) || index == HVM_PARAM_ACPI_IOPORTS_LOCATION) continue;
            const bool settable = among(kOwnSettable, index);
            const uint64_t value = harmless_value(c.guest(), index);
            c.check_eq(ops.set_param(index, value), settable ? 0 : -XEN_EPERM, name(index));
          }
        },
}};

const Case kOwnGet{{
    .slug = "hvm_op.get_param.own.only_listed_ones",
    .rule = "A guest may read what it may set, its console and xenstore frames and ALTP2M; the others give EPERM.",
    .source = "public/hvm/params.h",
    .method = "Every index. Where it is refused, nothing is copied back.",
    .requirements = {"HVMP-004"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          for (uint32_t index = 0; index < HVM_NR_PARAMS; ++index) {
            if (among(kDeprecated, index)) continue;
            const bool readable = among(kOwnSettable, index) || among(kOwnReadOnly, index);
            const auto got = ops.get_param(index);
            c.check_eq(got.result, readable ? 0 : -XEN_EPERM, name(index));
            c.check_eq(got.arg.value == kUntouched64, !readable, name(index) + ": nothing copied back");
          }
        },
}};

const Case kDeprecatedOnes{{
    .slug = "hvm_op.param.deprecated.einval",
    .rule = "Deprecated indices give EINVAL, for get and set, whoever asks.",
    .source = "public/hvm/params.h, indices without a meaning any more",
    .requirements = {"HVMP-003"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          HvmOps own(c.vcpu());
          HvmOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          for (const int deprecated : kDeprecated) {
            const auto index = static_cast<uint32_t>(deprecated);
            c.check_eq(own.set_param(index, 0), -XEN_EINVAL, name(index) + ", set by the guest");
            c.check_eq(own.get_param(index).result, -XEN_EINVAL, name(index) + ", read by the guest");
            c.check_eq(control.set_param(index, 0, guest), -XEN_EINVAL, name(index) + ", set by dom0");
            c.check_eq(control.get_param(index, guest).result, -XEN_EINVAL, name(index) + ", read by dom0");
          }
        },
}};

const Case kSetOnce{{
    .slug = "hvm_op.set_param.set_once.eexist",
    .rule = "A set-once parameter takes the same value again, but another one gives EEXIST and changes nothing.",
    .source = "public/hvm/params.h, HVM_PARAM_IOREQ_SERVER_PFN",
    .requirements = {"HVMP-005"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          struct Once {
            uint32_t index;
            uint64_t first, second;
          };
          HvmOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          for (const Once& once :
               {Once{HVM_PARAM_IOREQ_SERVER_PFN, 0xff000, 0xff001}, Once{HVM_PARAM_NR_IOREQ_SERVER_PAGES, 2, 3}}) {
            const std::string which = name(once.index);
            c.check_eq(control.set_param(once.index, once.first, guest), 0, which + ", first time");
            c.check_eq(control.set_param(once.index, once.first, guest), 0, which + ", the same again");
            c.check_eq(control.set_param(once.index, once.second, guest), -XEN_EEXIST, which + ", another value");
            c.check_eq(control.set_param(once.index, 0, guest), -XEN_EEXIST, which + ", back to 0");
            c.check_eq(control.get_param(once.index, guest).arg.value, once.first, which + ", value afterwards");
          }
        },
}};

const Case kFipWidth{{
    .slug = "hvm_op.set_param.x87_fip_width.zero_four_eight",
    .rule = "X87_FIP_WIDTH takes 0, 4 and 8; anything else gives EINVAL and changes nothing.",
    .source = "public/hvm/params.h, HVM_PARAM_X87_FIP_WIDTH",
    .requirements = {"HVMP-006"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          for (const uint64_t width : {4u, 8u, 0u}) {
            c.check_eq(ops.set_param(HVM_PARAM_X87_FIP_WIDTH, width), 0, "width " + std::to_string(width));
          }
          for (const uint64_t width : {uint64_t{1}, uint64_t{2}, uint64_t{7}, uint64_t{16}, ~uint64_t{0}}) {
            c.check_eq(ops.set_param(HVM_PARAM_X87_FIP_WIDTH, width), -XEN_EINVAL, "width " + std::to_string(width));
          }
        },
}};

const Case kTripleFault{{
    .slug = "hvm_op.set_param.triple_fault_reason.highest",
    .rule = "TRIPLE_FAULT_REASON takes the shutdown reasons; a greater number gives EINVAL and changes nothing.",
    .source = "public/hvm/params.h, HVM_PARAM_TRIPLE_FAULT_REASON",
    .requirements = {"HVMP-007", "HVMP-011"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          HvmOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          const auto reason = [&] { return control.get_param(HVM_PARAM_TRIPLE_FAULT_REASON, guest).arg.value; };
          c.check_eq(reason(), uint64_t{SHUTDOWN_reboot}, "what a new domain has");
          c.check_eq(control.set_param(HVM_PARAM_TRIPLE_FAULT_REASON, SHUTDOWN_MAX, guest), 0, "the greatest");
          c.check_eq(reason(), uint64_t{SHUTDOWN_MAX}, "value read back");
          for (const uint64_t wrong : {uint64_t{SHUTDOWN_MAX} + 1, uint64_t{255}, uint64_t{1} << 32}) {
            c.check_eq(control.set_param(HVM_PARAM_TRIPLE_FAULT_REASON, wrong, guest), -XEN_EINVAL, show(wrong));
          }
          c.check_eq(reason(), uint64_t{SHUTDOWN_MAX}, "value after the refusals");
        },
}};

const Case kIoports{{
    .slug = "hvm_op.set_param.acpi_ioports.no_timer.refused",
    .rule = "A PVH guest has no power management timer whose ports could move: ACPI_IOPORTS_LOCATION gives ENODEV.",
    .source = "public/hvm/params.h, HVM_PARAM_ACPI_IOPORTS_LOCATION",
    .requirements = {"HVMP-002"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          for (const uint64_t version : {0u, 1u, 2u}) {
            c.check_eq(ops.set_param(HVM_PARAM_ACPI_IOPORTS_LOCATION, version), -XEN_ENODEV, show(version));
          }
          c.check_eq(ops.get_param(HVM_PARAM_ACPI_IOPORTS_LOCATION).arg.value, 0, "value afterwards");
        },
}};

const Case kTss{{
    .slug = "hvm_op.set_param.vm86_tss.sized_or_not",
    .rule =
        "VM86_TSS names a TSS of 128 bytes, VM86_TSS_SIZED one of any size: it is one parameter, read by the latter.",
    .source = "public/hvm/params.h, HVM_PARAM_VM86_TSS_SIZED",
    .requirements = {"HVMP-002", "HVMP-011"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          c.check_eq(ops.set_param(HVM_PARAM_VM86_TSS, 0x2000), 0, "by address");
          c.check_eq(ops.get_param(HVM_PARAM_VM86_TSS).arg.value, 0x2000, "address read back");
          c.check_eq(ops.get_param(HVM_PARAM_VM86_TSS_SIZED).arg.value, uint64_t{128} << 32 | 0x2000, "with its size");
          c.check_eq(ops.set_param(HVM_PARAM_VM86_TSS_SIZED, kSmallestTss | 0x3000), 0, "by address and size");
          c.check_eq(ops.get_param(HVM_PARAM_VM86_TSS_SIZED).arg.value, kSmallestTss | 0x3000, "read back");
          HvmOps control(c.dom0().vcpu(0));
          c.check_eq(control.set_param(HVM_PARAM_VM86_TSS_SIZED, kSmallestTss - 1, c.guest().id()), -XEN_EINVAL,
                     "too small, set by dom0");
          c.check_eq(ops.get_param(HVM_PARAM_VM86_TSS_SIZED).arg.value, kSmallestTss | 0x3000, "value afterwards");
        },
}};

const Case kTssTooSmall{{
    .slug = "hvm_op.set_param.vm86_tss.own_too_small.crashed",
    .rule = "A guest that gives its own TSS fewer bytes than a TSS has is crashed.",
    .source = "xen/arch/x86/hvm/hvm.c, hvm_set_param",
    .requirements = {"HVMP-002"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          GuestStruct<xen_hvm_param_t> argument(c.vcpu());
          xen_hvm_param_t param{};
          param.domid = DOMID_SELF;
          param.index = HVM_PARAM_VM86_TSS_SIZED;
          param.value = kSmallestTss - 1;
          argument.put(param);
          const DomId guest = c.guest().id();
          DomctlOps control(c.dom0().vcpu(0));
          c.vcpu().start_hypercall(__HYPERVISOR_hvm_op, {HVMOP_set_param, argument.va().raw()});
          c.require(wait_shut_down(c, control, guest), "the domain shuts down");
          c.check_eq(shutdown_state(control, guest).code, uint32_t{SHUTDOWN_crash}, "recorded code");
        },
}};

const Case kReadBack{{
    .slug = "hvm_op.set_param.plain.reads_back",
    .rule = "A plain parameter reads back as the guest set it, all 64 bits, and one parameter is not another.",
    .source = "public/hvm/hvm_op.h, HVMOP_get_param",
    .requirements = {"HVMP-011"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          constexpr std::array kPlain{HVM_PARAM_STORE_EVTCHN, HVM_PARAM_CONSOLE_EVTCHN, HVM_PARAM_VM_GENERATION_ID_ADDR,
                                      HVM_PARAM_VM86_TSS_SIZED};
          uint64_t value = 0x0000'0068'0000'1000;
          for (const int index : kPlain) {
            c.check_eq(ops.set_param(static_cast<uint32_t>(index), value), 0,
                       "set " + name(static_cast<uint32_t>(index)));
            value += 0x1000;
          }
          value = 0x0000'0068'0000'1000;
          for (const int index : kPlain) {
            const auto got = ops.get_param(static_cast<uint32_t>(index));
            c.check_eq(got.arg.value, value, name(static_cast<uint32_t>(index)));
            c.check_eq(got.arg.domid, DOMID_SELF, "the rest of the structure is as passed");
            value += 0x1000;
          }
          c.check_eq(ops.get_param(HVM_PARAM_CALLBACK_IRQ).arg.value, agent_callback(c.guest()), "set at boot");
        },
}};

const Case kBootRings{{
    .slug = "hvm_op.get_param.console_and_store.as_the_toolstack_set_them",
    .rule = "A PVH guest finds its console and xenstore rings by parameters that the toolstack has set.",
    .source = "public/hvm/params.h, HVM_PARAM_STORE_PFN",
    .requirements = {"PVH-010"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          HvmOps own(c.vcpu());
          HvmOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          uint64_t value = 0x123;
          for (const int param :
               {HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN}) {
            const auto index = static_cast<uint32_t>(param);
            c.check_eq(own.get_param(index).arg.value, 0, name(index) + " before");
            c.check_eq(control.set_param(index, value, guest), 0, name(index) + ", set by dom0");
            c.check_eq(own.get_param(index).arg.value, value, name(index) + ", as the guest reads it");
            ++value;
          }
        },
}};

}  // namespace
}  // namespace assay
