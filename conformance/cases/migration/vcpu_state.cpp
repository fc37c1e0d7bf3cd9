/// What a toolstack saves of a vCPU besides its context, and puts back.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/vcpu_states.hpp"

namespace assay {
namespace {

constexpr std::string_view kExtendedSource = "public/domctl.h, xen_domctl_ext_vcpucontext";
constexpr std::string_view kXsaveSource = "public/domctl.h, xen_domctl_vcpuextstate";
constexpr std::string_view kMsrsSource = "public/domctl.h, xen_domctl_vcpu_msrs";
constexpr uint32_t kNoVcpu = 9;
constexpr uint32_t kTscAux = 0xc000'0103;
constexpr uint32_t kWithoutMachineCheck = offsetof(xen_domctl_ext_vcpucontext, vmce);
constexpr uint64_t kNotCanonical = 1ull << 50;
constexpr uint16_t kRing3 = 3;

xen_domctl_ext_vcpucontext extended(CaseContext& c, VcpuStateOps& ops) {
  const auto got = ops.extended(0);
  c.require_eq(got.result, 0, "get_ext_vcpucontext");
  return got.arg.u.ext_vcpucontext;
}

const Case kCallbacks{{
    .slug = "domctl.ext_vcpucontext.callbacks.kept",
    .rule =
        "The extended context has the callbacks of a PV vCPU for system calls from 32-bit mode and sysenter; what is "
        "set is read back, with selectors in ring 3. An HVM vCPU has none: setting one gives EINVAL.",
    .source = kExtendedSource,
    .requirements = {"MIG-020"},
    .body =
        [](CaseContext& c) {
          VcpuStateOps ops(c.dom0().vcpu(0), c.guest().id());
          xen_domctl_ext_vcpucontext state = extended(c, ops);
          c.check_eq(state.size, sizeof state, "size that comes back");
          state.syscall32_callback_eip = 0x1000;
          state.syscall32_callback_cs = 0x10;
          state.syscall32_disables_events = 1;
          state.sysenter_callback_eip = 0x2000;
          state.sysenter_callback_cs = 0x20;
          if (!c.pv()) {
            c.check_eq(ops.set_extended(state), -XEN_EINVAL, "callbacks of an HVM vCPU");
            c.check_eq(extended(c, ops).syscall32_callback_eip, 0u, "none is there afterwards");
            return;
          }
          c.check_eq(ops.set_extended(state), 0, "set");
          const xen_domctl_ext_vcpucontext after = extended(c, ops);
          c.check_eq(after.syscall32_callback_eip, 0x1000u, "syscall32: address");
          c.check_eq(after.syscall32_callback_cs, 0x10 | kRing3, "syscall32: selector");
          c.check_eq(after.syscall32_disables_events, 1u, "syscall32: masks events");
          c.check_eq(after.sysenter_callback_eip, 0x2000u, "sysenter: address");
          c.check_eq(after.sysenter_callback_cs, 0x20 | kRing3, "sysenter: selector");
          c.check_eq(after.sysenter_disables_events, 0u, "sysenter: masks events");
        },
}};

const Case kExtendedSize{{
    .slug = "domctl.ext_vcpucontext.size.older_ones_taken",
    .rule = "The size of an extended context says how much of it there is: without the callbacks EINVAL, without the "
            "machine checks they stay as they are, with their capabilities alone the rest of them is zero.",
    .source = kExtendedSource,
    .requirements = {"MIG-021"},
    .body =
        [](CaseContext& c) {
          VcpuStateOps ops(c.dom0().vcpu(0), c.guest().id());
          const xen_domctl_ext_vcpucontext before = extended(c, ops);
          const auto set = [&](uint32_t size, uint64_t capabilities) {
            xen_domctl_ext_vcpucontext state = before;
            state.size = size;
            state.vmce.caps = capabilities;
            state.vmce.mci_ctl2_bank0 = 1;
            return ops.set_extended(state);
          };
          for (const uint32_t size : {0u, 8u, kWithoutMachineCheck - 1}) {
            c.check_eq(set(size, 3), -XEN_EINVAL, "size " + show(size));
          }
          c.check_eq(set(kWithoutMachineCheck, 3), 0, "callbacks alone");
          c.check_eq(extended(c, ops).vmce.caps, before.vmce.caps, "capabilities after it");
          c.check_eq(set(kWithoutMachineCheck + sizeof(uint64_t), 3), 0, "capabilities as well");
          c.check_eq(extended(c, ops).vmce.caps, 3u, "capabilities after that");
          c.check_eq(extended(c, ops).vmce.mci_ctl2_bank0, 0u, "what was not given of the machine checks");
          c.check_eq(set(sizeof before, 2), 0, "all of it");
          c.check_eq(extended(c, ops).vmce.mci_ctl2_bank0, 1u, "the first bank");
          c.check_eq(set(1000, 2), 0, "a toolstack that knows more");
        },
}};

const Case kExtendedRefused{{
    .slug = "domctl.ext_vcpucontext.malformed.einval",
    .rule =
        "An extended context with an address that is not canonical, or with machine checks that the machine has not, "
        "gives EINVAL; one of a vCPU that there is not, or of the caller, ESRCH.",
    .source = kExtendedSource,
    .requirements = {"MIG-022"},
    .body =
        [](CaseContext& c) {
          VcpuStateOps ops(c.dom0().vcpu(0), c.guest().id());
          const xen_domctl_ext_vcpucontext before = extended(c, ops);
          xen_domctl_ext_vcpucontext state = before;
          state.syscall32_callback_eip = kNotCanonical;
          c.check_eq(ops.set_extended(state), -XEN_EINVAL, "syscall32 callback");
          state = before;
          state.sysenter_callback_eip = kNotCanonical;
          c.check_eq(ops.set_extended(state), -XEN_EINVAL, "sysenter callback");
          c.check_eq(extended(c, ops).sysenter_callback_eip, 0u, "the callback afterwards");
          for (const unsigned bit : {9u, 10u, 24u, 27u, 40u}) {
            state = before;
            state.vmce.caps |= 1ull << bit;
            c.check_eq(ops.set_extended(state), -XEN_EINVAL, "capability " + show(bit));
          }
          c.check_eq(extended(c, ops).vmce.caps, before.vmce.caps, "capabilities afterwards");
          state = before;
          state.vcpu = kNoVcpu;
          c.check_eq(ops.set_extended(state), -XEN_ESRCH, "set, no such vCPU");
          c.check_eq(ops.extended(kNoVcpu).result, -XEN_ESRCH, "get, no such vCPU");
          VcpuStateOps own(c.dom0().vcpu(0), c.dom0().id());
          c.check_eq(own.set_extended(before), -XEN_ESRCH, "set, the caller");
          c.check_eq(own.extended(0).result, -XEN_ESRCH, "get, the caller");
        },
}};

const Case kXsaveRoom{{
    .slug = "domctl.vcpuextstate.get.size_and_features_told",
    .rule =
        "Asked without room, or with neither size nor features, getvcpuextstate tells both; asked again with them it "
        "hands out what there is and says how much that was. Other features, or too little room, give EINVAL.",
    .source = kXsaveSource,
    .method = "The agent has not used XSAVE, so there is nothing but the header: xcr0 and what it has been.",
    .requirements = {"MIG-023"},
    .body =
        [](CaseContext& c) {
          VcpuStateOps ops(c.dom0().vcpu(0), c.guest().id());
          const auto asked = ops.xsave_size(0);
          c.require_eq(asked.result, 0, "without a buffer");
          const uint64_t size = asked.arg.u.vcpuextstate.size;
          const uint64_t features = asked.arg.u.vcpuextstate.xfeature_mask;
          c.check(size >= VcpuStateOps::kXsaveHeaderBytes, "room for the header at least");
          const auto again = ops.xsave(0, 0, 0);
          c.check_eq(again.result, 0, "with neither size nor features");
          c.check_eq(again.arg.u.vcpuextstate.size, size, "the size that it tells");
          c.check_eq(ops.buffer<uint64_t>(1).front(), kUntouched64, "nothing was written");
          const auto got = ops.xsave(0, size, features);
          c.check_eq(got.result, 0, "get");
          c.check_eq(got.arg.u.vcpuextstate.size, VcpuStateOps::kXsaveHeaderBytes, "bytes handed out");
          const std::vector<uint64_t> words = ops.buffer<uint64_t>(3);
          c.check_eq(words[0], 0u, "xcr0");
          c.check_eq(words[1], 0u, "what it has been");
          c.check_eq(words[2], kUntouched64, "the word behind them");
          c.check_eq(ops.xsave(0, VcpuStateOps::kXsaveHeaderBytes, features).result, 0, "room for just that");
          c.check_eq(ops.xsave(0, VcpuStateOps::kXsaveHeaderBytes - 1, features | 1ull << 62).result, -XEN_EINVAL,
                     "features that there are not");
          c.check_eq(ops.xsave(0, 8, features).result, -XEN_EINVAL, "too little room");
          c.check_eq(ops.buffer<uint64_t>(1).front(), kUntouched64, "nothing was written");
          c.check_eq(ops.xsave(0, size, features, bad_pointer(GuestType::kPv64)).result, -XEN_EFAULT, "a bad pointer");
        },
}};

const Case kXsaveSet{{
    .slug = "domctl.vcpuextstate.set.header_alone_or_refused",
    .rule =
        "What getvcpuextstate handed out can be set. Too few bytes, more than there can be, or a header that does not "
        "fit them give EINVAL, and the state stays.",
    .source = kXsaveSource,
    .requirements = {"MIG-024"},
    .body =
        [](CaseContext& c) {
          VcpuStateOps ops(c.dom0().vcpu(0), c.guest().id());
          constexpr uint64_t kHeader = VcpuStateOps::kXsaveHeaderBytes;
          const auto asked = ops.xsave_size(0);
          c.require_eq(asked.result, 0, "asking for the size");
          const uint64_t most = asked.arg.u.vcpuextstate.size;
          const std::vector<uint64_t> nothing(2);
          c.check_eq(ops.set_xsave(0, nothing, kHeader), 0, "no state");
          c.check_eq(ops.set_xsave(1, nothing, kHeader), 0, "no state of a vCPU that is down");
          for (const uint64_t bytes : {uint64_t{0}, kHeader - 1, kHeader + 1, most + 1, most + 8}) {
            c.check_eq(ops.set_xsave(0, nothing, bytes), -XEN_EINVAL, show(bytes) + " bytes");
          }
          c.check_eq(ops.set_xsave(0, {1, 1}, kHeader), -XEN_EINVAL, "a header that promises more");
          c.check_eq(ops.set_xsave(0, {0, 1}, kHeader), -XEN_EINVAL, "one that once did");
          const auto got = ops.xsave(0, most, asked.arg.u.vcpuextstate.xfeature_mask);
          c.check_eq(got.arg.u.vcpuextstate.size, kHeader, "bytes of the state afterwards");
          c.check(ops.buffer<uint64_t>(2) == nothing, "the header afterwards");
        },
}};

const Case kXsaveWhose{{
    .slug = "domctl.vcpuextstate.target.no_vcpu_or_caller",
    .rule = "A vCPU that there is not has no XSAVE state: ESRCH. That of the caller cannot be asked for: EINVAL.",
    .source = kXsaveSource,
    .requirements = {"MIG-024"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          VcpuStateOps ops(c.dom0().vcpu(0), c.dom0().id());
          c.check_eq(ops.xsave_size(kNoVcpu).result, -XEN_ESRCH, "get, no such vCPU");
          c.check_eq(ops.set_xsave(kNoVcpu, {0, 0}, VcpuStateOps::kXsaveHeaderBytes), -XEN_ESRCH, "set, no such vCPU");
          c.check_eq(ops.xsave_size(0).result, -XEN_EINVAL, "get, the caller");
          c.check_eq(ops.set_xsave(0, {0, 0}, VcpuStateOps::kXsaveHeaderBytes), -XEN_EINVAL, "set, the caller");
        },
}};

xen_domctl_vcpu_msr_t entry(uint32_t index, uint64_t value, uint32_t reserved = 0) {
  xen_domctl_vcpu_msr_t entry;
  entry.index = index;
  entry.reserved = reserved;
  entry.value = value;
  return entry;
}

const Case kMsrsKept{{
    .slug = "domctl.vcpu_msrs.pv.what_is_set_is_seen",
    .rule = "MSRs of a PV vCPU that are not zero are handed out; with too little room ENOBUFS and how many they are; "
            "without a list, how many they could be. What is set the guest reads.",
    .source = kMsrsSource,
    .requirements = {"MIG-025"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          VcpuStateOps ops(c.dom0().vcpu(0), c.guest().id());
          const auto asked = ops.msrs(0, 0, false);
          c.check_eq(asked.result, 0, "without a list");
          const uint32_t most = asked.arg.u.vcpu_msrs.msr_count;
          c.check(most >= 1, "one at least");
          const auto none = ops.msrs(0, most);
          c.check_eq(none.result, 0, "get");
          c.check_eq(none.arg.u.vcpu_msrs.msr_count, 0u, "all of them are zero");
          c.check(!c.vcpu().wrmsr(kTscAux, 7).has_value(), "the guest writes one");
          const auto got = ops.msrs(0, most);
          c.check_eq(got.result, 0, "get again");
          c.require_eq(got.arg.u.vcpu_msrs.msr_count, 1u, "how many there are");
          const auto first = ops.buffer<xen_domctl_vcpu_msr_t>(1).front();
          c.check_eq(first.index, kTscAux, "index");
          c.check_eq(first.reserved, 0u, "reserved");
          c.check_eq(first.value, 7u, "value");
          const auto small = ops.msrs(0, 0);
          c.check_eq(small.result, -XEN_ENOBUFS, "no room");
          c.check_eq(small.arg.u.vcpu_msrs.msr_count, 1u, "how much it takes");
          const auto set = ops.set_msrs(0, {entry(kTscAux, 9)});
          c.check_eq(set.result, 0, "set");
          c.check_eq(set.arg.u.vcpu_msrs.msr_count, 1u, "how many were");
          c.check_eq(c.vcpu().rdmsr(kTscAux).value, 9u, "as the guest reads it");
        },
}};

const Case kMsrsRefused{{
    .slug = "domctl.vcpu_msrs.set.refused_one_named",
    .rule = "An MSR that a PV vCPU has not, a value that it cannot have, or reserved bits give EINVAL and its number "
            "in the "
            "list; those before it are set. More than there can be: EINVAL.",
    .source = kMsrsSource,
    .requirements = {"MIG-026"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          VcpuStateOps ops(c.dom0().vcpu(0), c.guest().id());
          const auto refused = [&](const std::vector<xen_domctl_vcpu_msr_t>& entries, uint32_t which,
                                   const char* what) {
            const auto set = ops.set_msrs(0, entries);
            c.check_eq(set.result, -XEN_EINVAL, what);
            c.check_eq(set.arg.u.vcpu_msrs.msr_count, which, std::string(what) + ": its number");
          };
          c.check_eq(ops.set_msrs(0, {}).result, 0, "none at all");
          refused({entry(kTscAux, 3), entry(0x12345, 1)}, 1, "no such register");
          c.check_eq(c.vcpu().rdmsr(kTscAux).value, 3u, "the one before it");
          refused({entry(0x12345, 0)}, 0, "no such register, and zero");
          refused({entry(kTscAux, 4, 1)}, 0, "reserved bits");
          refused({entry(kTscAux, 1ull << 40)}, 0, "more than 32 bits");
          const uint32_t most = ops.msrs(0, 0, false).arg.u.vcpu_msrs.msr_count;
          c.check_eq(ops.set_msrs(0, std::vector(most + 1, entry(kTscAux, 5))).result, -XEN_EINVAL, "too many");
          c.check_eq(c.vcpu().rdmsr(kTscAux).value, 3u, "the register after all of them");
        },
}};

const Case kMsrsWhose{{
    .slug = "domctl.vcpu_msrs.target.pv_vcpu_only",
    .rule =
        "MSRs are handed out of PV vCPUs alone, as those of an HVM vCPU are in its context: EINVAL. So is the caller's "
        "own: EINVAL; and one that there is not: ESRCH.",
    .source = kMsrsSource,
    .requirements = {"MIG-026"},
    .body =
        [](CaseContext& c) {
          VcpuStateOps ops(c.dom0().vcpu(0), c.guest().id());
          VcpuStateOps own(c.dom0().vcpu(0), c.dom0().id());
          const int64_t result = c.pv() ? 0 : -XEN_EINVAL;
          c.check_eq(ops.msrs(0, 0, false).result, result, "get");
          c.check_eq(ops.set_msrs(0, {}).result, result, "set");
          c.check_eq(ops.msrs(kNoVcpu, 0, false).result, -XEN_ESRCH, "get, no such vCPU");
          c.check_eq(ops.set_msrs(kNoVcpu, {}).result, -XEN_ESRCH, "set, no such vCPU");
          c.check_eq(own.msrs(0, 0, false).result, -XEN_EINVAL, "get, the caller");
          c.check_eq(own.set_msrs(0, {}).result, -XEN_EINVAL, "set, the caller");
        },
}};

}  // namespace
}  // namespace assay
