/// The CPUID leaves that a hypervisor shows its guests. Source: public/arch-x86/cpuid.h.
#include <cstring>

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/version_ops.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

using Leaf = std::array<uint32_t, 4>;
constexpr size_t kEax = 0, kEbx = 1, kEcx = 2, kEdx = 3;
constexpr Leaf kNothing{};

Leaf leaf(CaseContext& c, Vcpu& vcpu, uint32_t index, uint32_t subleaf = 0) {
  const auto answer = vcpu.cpuid(XEN_CPUID_FIRST_LEAF + index, subleaf);
  c.require(answer.ok(), "CPUID leaf " + std::to_string(index) + " answers");
  return answer.value;
}

const Case kSignature{{
    .slug = "cpuid.xen_base.signature_and_limit",
    .rule = "The base leaf has the signature XenVMMXenVMM and the number of the last leaf.",
    .source = "public/arch-x86/cpuid.h, XEN_CPUID_LEAF(0)",
    .requirements = {"CPUID-001"},
    .body =
        [](CaseContext& c) {
          const Leaf base = leaf(c, c.vcpu(), 0);
          c.check_eq(base[kEax], uint32_t{XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES)}, "last leaf");
          c.check_eq(base[kEbx], uint32_t{XEN_CPUID_SIGNATURE_EBX}, "XenV");
          c.check_eq(base[kEcx], uint32_t{XEN_CPUID_SIGNATURE_ECX}, "MMXe");
          c.check_eq(base[kEdx], uint32_t{XEN_CPUID_SIGNATURE_EDX}, "nVMM");
          constexpr uint32_t kHypervisorBit = 1u << 31;
          const auto features = c.vcpu().cpuid(1);
          c.require(features.ok(), "CPUID leaf 1 answers");
          c.check_eq(features.value[kEcx] & kHypervisorBit, kHypervisorBit, "leaf 1 says there is a hypervisor");
        },
}};

const Case kVersion{{
    .slug = "cpuid.xen_version.as_xenver",
    .rule = "The second leaf has the hypervisor's version as XENVER_version gives it.",
    .source = "public/arch-x86/cpuid.h, XEN_CPUID_LEAF(1)",
    .requirements = {"CPUID-002"},
    .body =
        [](CaseContext& c) {
          const Leaf version = leaf(c, c.vcpu(), 1);
          c.check_eq(version[kEax], VersionOps(c.vcpu()).version(), "eax");
          c.check_eq(version[kEax] >> 16, 4u, "major version");
          c.check_eq(version[kEbx] | version[kEcx] | version[kEdx], 0u, "the rest");
        },
}};

const Case kFeatures{{
    .slug = "cpuid.xen_features.hypercall_page_msr",
    .rule = "The third leaf has the count of hypercall pages and the MSR that fills them; one feature is PV's alone.",
    .source = "public/arch-x86/cpuid.h, XEN_CPUID_LEAF(2)",
    .method = "On PVH the page that the MSR fills is called; on PV64 writing an address outside memory is refused.",
    .requirements = {"CPUID-003"},
    .body =
        [](CaseContext& c) {
          const Leaf features = leaf(c, c.vcpu(), 2);
          c.check_eq(features[kEax], 1u, "hypercall pages");
          c.check_eq(features[kEbx], 0x40000000u, "MSR");
          c.check_eq(features[kEcx], c.pv() ? uint32_t{XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD} : 0u, "features");
          c.check_eq(features[kEdx], 0u, "edx");
          const Gva page = c.guest().alloc_pages(1);
          const auto fault = c.vcpu().wrmsr(features[kEbx], c.guest().gfn_of(page).raw() << kPageShift);
          c.require(!fault.has_value(), "the MSR takes the address of a page");
          // Every entry loads its own number: mov $number, %eax.
          constexpr uint8_t kMovEax = 0xb8;
          const auto entry = c.vcpu().read<std::array<uint8_t, 32>>(page + __HYPERVISOR_xen_version * 32);
          const size_t at = c.pv() ? 3 : 0;
          c.check_eq(entry[at], kMovEax, "instruction that loads the number");
          c.check_eq(entry[at + 1], uint8_t{__HYPERVISOR_xen_version}, "number");
        },
}};

const Case kTime{{
    .slug = "cpuid.xen_time.subleaves",
    .rule = "The fourth leaf has the TSC mode, its rate and incarnation; then offset and scale; then the host's rate.",
    .source = "public/arch-x86/cpuid.h, XEN_CPUID_LEAF(3)",
    .method = "Rate and incarnation are compared with XEN_DOMCTL_gettscinfo.",
    .requirements = {"CPUID-004"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          const Leaf tsc = leaf(c, c.vcpu(), 3, 0);
          DomctlOps control(c.dom0().vcpu(0));
          const auto info = control.call(XEN_DOMCTL_gettscinfo, c.guest().id());
          c.require_eq(info.result, 0, "gettscinfo");
          c.check_eq(tsc[kEbx], info.arg.u.tsc_info.tsc_mode, "mode");
          c.check_eq(tsc[kEcx], info.arg.u.tsc_info.gtsc_khz, "rate of the guest's TSC");
          c.check_eq(tsc[kEdx], info.arg.u.tsc_info.incarnation, "incarnation");
          const Leaf scale = leaf(c, c.vcpu(), 3, 1);
          c.check(scale != tsc, "offset and scale are a leaf of their own");
          const Leaf host = leaf(c, c.vcpu(), 3, 2);
          c.check_eq(host[kEax], tsc[kEcx], "rate of the host's TSC, whose rate a guest's has by default");
          c.check_eq(host[kEbx] | host[kEcx] | host[kEdx], 0u, "the rest");
          c.check(leaf(c, c.vcpu(), 3, 3) == kNothing, "no further subleaf");
        },
}};

const Case kHvm{{
    .slug = "cpuid.xen_hvm.vcpu_and_domain",
    .rule =
        "The fifth leaf tells an HVM guest its vCPU and domain ids, each with a bit that says so; a PV guest nothing.",
    .source = "public/arch-x86/cpuid.h, XEN_CPUID_LEAF(4)",
    .requirements = {"CPUID-005"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) {
            const Leaf hvm = leaf(c, c.vcpu(vcpu), 4);
            if (c.pv()) {
              c.check(hvm == kNothing, "all zero for PV");
              continue;
            }
            constexpr uint32_t kPresent = XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT;
            c.check_eq(hvm[kEax] & kPresent, kPresent, "both ids are there");
            c.check_eq(hvm[kEbx], vcpu, "vCPU id");
            c.check_eq(hvm[kEcx], uint32_t{c.guest().id().raw()}, "domain id");
          }
        },
}};

const Case kPv{{
    .slug = "cpuid.xen_pv.machine_address_width",
    .rule = "The sixth leaf tells a PV guest the width of machine addresses; an HVM guest nothing.",
    .source = "public/arch-x86/cpuid.h, XEN_CPUID_LEAF(5)",
    .requirements = {"CPUID-006"},
    .body =
        [](CaseContext& c) {
          const Leaf pv = leaf(c, c.vcpu(), 5);
          if (!c.pv()) {
            c.check(pv == kNothing, "all zero for HVM");
            return;
          }
          const uint32_t bits = pv[kEbx] & XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK;
          c.check(bits >= 20 && bits <= 52, "a width that x86 has");
          const uint64_t frame = c.guest().gfn_of(c.guest().alloc_pages(1)).raw();
          c.check_eq((frame << kPageShift) >> bits, 0, "the machine address of a page fits");
          c.check_eq(pv[kEax] | pv[kEcx] | pv[kEdx], 0u, "the rest");
        },
}};

const Case kBeyond{{
    .slug = "cpuid.xen_beyond_limit.zero",
    .rule = "Leaves above the advertised last one are zero.",
    .source = "public/arch-x86/cpuid.h, XEN_CPUID_LEAF(0)",
    .requirements = {"CPUID-007"},
    .body =
        [](CaseContext& c) {
          const Leaf base = leaf(c, c.vcpu(), 0);
          const uint32_t last = base[kEax] - XEN_CPUID_FIRST_LEAF;
          c.require(last >= 2 && last < 0xff, "a last leaf that makes sense");
          for (const uint32_t index : {last + 1, last + 2, uint32_t{0x10}, uint32_t{0x80}, uint32_t{0xff}}) {
            c.check(leaf(c, c.vcpu(), index) == kNothing, "leaf " + std::to_string(index));
            c.check(leaf(c, c.vcpu(), index, 1) == kNothing, "leaf " + std::to_string(index) + ", subleaf 1");
          }
        },
}};

const Case kSameData{{
    .slug = "cpuid.xen_leaves.pv_and_hvm.same_data",
    .rule = "What a PV guest reads by the forced-emulation prefix is what an HVM guest reads by CPUID.",
    .source = "public/arch-x86/xen.h, XEN_CPUID",
    .method = "A guest of each type; base, version and time leaves, which say nothing of the kind of guest.",
    .requirements = {"CPUID-009"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests, Capability::kPvhGuest},
    .body =
        [](CaseContext& c) {
          GuestSpec spec = c.guest_spec();
          spec.type = GuestType::kPvh;
          Vcpu& hvm = c.guest(spec).vcpu(0);
          for (const uint32_t index : {0u, 1u}) {
            const auto ours = leaf(c, c.vcpu(), index);
            c.check(leaf(c, hvm, index) == ours, "leaf " + std::to_string(index));
          }
          const Leaf pv_features = leaf(c, c.vcpu(), 2);
          const Leaf hvm_features = leaf(c, hvm, 2);
          c.check_eq(pv_features[kEax], hvm_features[kEax], "hypercall pages");
          c.check_eq(pv_features[kEbx], hvm_features[kEbx], "MSR");
          const auto ours = leaf(c, c.vcpu(), 3, 2);
          c.check(leaf(c, hvm, 3, 2) == ours, "rate of the host's TSC");
          constexpr uint32_t kVendor = 0;
          const auto pv_vendor = c.vcpu().cpuid(kVendor);
          const auto hvm_vendor = hvm.cpuid(kVendor);
          c.check_eq(pv_vendor.value[kEbx], hvm_vendor.value[kEbx], "vendor");
        },
}};

}  // namespace
}  // namespace assay
