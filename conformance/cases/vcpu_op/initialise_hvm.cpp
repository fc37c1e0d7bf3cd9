/// VCPUOP_initialise of an HVM guest: modes, segments, control registers.
#include <array>

#include "conformance/case.hpp"
#include "conformance/guest/boot_record.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/vcpu_contexts.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint64_t kCr0Paging = 1u << 31;
constexpr uint64_t kCr4Pae = 1u << 5;
constexpr uint64_t kEferLongMode = 1u << 8;

struct Spoilt {
  const char* what;
  void (*spoil)(vcpu_hvm_context_t&);
};

/// Each refused with EINVAL, and the vCPU stays as it was.
void check_refused(CaseContext& c, const vcpu_hvm_context_t& good, std::span<const Spoilt> all) {
  for (const Spoilt& one : all) {
    vcpu_hvm_context_t context = good;
    one.spoil(context);
    c.check_eq(initialise_vcpu(c.vcpu(), 1, context), -XEN_EINVAL, one.what);
  }
  c.check_eq(VcpuOps(c.vcpu()).up(1), -XEN_EINVAL, "still not initialised");
}

const Case kModes{{
    .slug = "vcpu_op.initialise.hvm.unknown_mode.einval",
    .rule = "A context is for 32-bit or for 64-bit mode; any other mode gives EINVAL.",
    .source = "public/hvm/hvm_vcpu.h, struct vcpu_hvm_context, mode",
    .requirements = {"VCPU-009"},
    .guests = GuestTypes::kPvh,
    .vcpus = 3,
    .body =
        [](CaseContext& c) {
          constexpr std::array kUnknown{Spoilt{"mode 2", [](vcpu_hvm_context_t& v) { v.mode = 2; }},
                                        Spoilt{"mode 16", [](vcpu_hvm_context_t& v) { v.mode = 16; }},
                                        Spoilt{"mode 2^32 - 1", [](vcpu_hvm_context_t& v) { v.mode = 0xffffffff; }}};
          check_refused(c, hvm_context(c.guest(), 1), kUnknown);
          c.check_eq(initialise_vcpu(c.vcpu(), 1, hvm_context(c.guest(), 1)), 0, "64-bit mode");
          c.check_eq(initialise_vcpu(c.vcpu(), 2, hvm_context_32(c.guest())), 0, "32-bit mode");
          c.check_eq(initialise_vcpu(c.vcpu(), 2, hvm_context_32(c.guest())), -XEN_EEXIST, "a second time");
        },
}};

const Case kLongMode{{
    .slug = "vcpu_op.initialise.hvm.long_mode_half_on.einval",
    .rule = "64-bit mode needs CR0.PG, CR4.PAE and EFER.LME; without one of them, EINVAL.",
    .source = "public/hvm/hvm_vcpu.h, struct vcpu_hvm_x86_64",
    .requirements = {"VCPU-009"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr std::array kOff{
              Spoilt{"CR0.PG clear", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_64.cr0 &= ~kCr0Paging; }},
              Spoilt{"CR4.PAE clear", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_64.cr4 &= ~kCr4Pae; }},
              Spoilt{"EFER.LME clear", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_64.efer &= ~kEferLongMode; }},
              Spoilt{"an EFER bit that does not exist",
                     [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_64.efer |= 1ull << 40; }},
              Spoilt{"a CR4 bit that does not exist",
                     [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_64.cr4 |= 1ull << 40; }}};
          check_refused(c, hvm_context(c.guest(), 1), kOff);
        },
}};

const Case kSegments{{
    .slug = "vcpu_op.initialise.hvm.bad_segment.einval",
    .rule = "In 32-bit mode segments must be what their registers hold, and eip within the code segment: else EINVAL.",
    .source = "public/hvm/hvm_vcpu.h, struct vcpu_hvm_x86_32",
    .method = "One field of a good context at a time.",
    .requirements = {"VCPU-009"},
    .guests = GuestTypes::kPvh,
    .vcpus = 3,
    .body =
        [](CaseContext& c) {
          constexpr std::array kWrong{
              Spoilt{"cs not present", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.cs_ar = 0xc1b; }},
              Spoilt{"cs is data", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.cs_ar = 0xc93; }},
              Spoilt{"cs with reserved bits", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.cs_ar = 0x1c9b; }},
              Spoilt{"ss not writable", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.ss_ar = 0xc91; }},
              Spoilt{"ss is code", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.ss_ar = 0xc9b; }},
              Spoilt{"ss less privileged than cs", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.ss_ar = 0xcf3; }},
              Spoilt{"ds is code that cannot be read", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.ds_ar = 0xc99; }},
              Spoilt{"es is a system segment", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.es_ar = 0xc83; }},
              Spoilt{"tr is data", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.tr_ar = 0xc93; }},
              Spoilt{"tr not present", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.tr_ar = 0x0b; }},
              Spoilt{"cs is a system segment", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.cs_ar = 0xc8b; }},
              Spoilt{"ss with reserved bits", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.ss_ar = 0x1c93; }},
              Spoilt{"ss not present", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.ss_ar = 0xc13; }},
              Spoilt{"ss is a system segment", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.ss_ar = 0xc83; }},
              Spoilt{"ds with reserved bits", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.ds_ar = 0x1c93; }},
              Spoilt{"ds not present", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.ds_ar = 0xc13; }},
              Spoilt{"tr with reserved bits", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.tr_ar = 0x108b; }},
              Spoilt{"tr is a table", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.tr_ar = 0x82; }},
              Spoilt{"a CR4 bit that does not exist", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.cr4 |= 1u << 31; }},
              Spoilt{"eip behind the limit",
                     [](vcpu_hvm_context_t& v) {
                       v.cpu_regs.x86_32.cs_limit = 0xf;
                       v.cpu_regs.x86_32.eip = 0x10000;
                     }},
              Spoilt{"LMA without LME", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.efer = 1u << 10; }}};
          check_refused(c, hvm_context_32(c.guest()), kWrong);
          vcpu_hvm_context_t context = hvm_context_32(c.guest());
          context.cpu_regs.x86_32.ds_ar = 0;
          context.cpu_regs.x86_32.es_ar = 0;
          c.check_eq(initialise_vcpu(c.vcpu(), 1, context), 0, "ds and es that cannot be used are no mistake");
          vcpu_hvm_context_t narrow = hvm_context_32(c.guest());
          narrow.cpu_regs.x86_32.cs_ar = 0x9b;
          narrow.cpu_regs.x86_32.cs_limit = 0xffff'ffff;
          c.check_eq(initialise_vcpu(c.vcpu(), 2, narrow), 0, "16-bit code");
        },
}};

const Case kDown{{
    .slug = "vcpu_op.initialise.hvm.down_until_up",
    .rule = "An HVM vCPU is down after initialise, and runs when it is brought up.",
    .source = "public/vcpu.h, VCPUOP_initialise",
    .requirements = {"VCPU-010", "PVH-011"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          c.require_eq(initialise_vcpu(c.vcpu(), 1, hvm_context(c.guest(), 1)), 0, "initialise");
          c.check_eq(ops.is_up(1), 0, "it is down");
          c.target().pass_time(kWatchNs);
          c.check_eq(ops.is_up(1), 0, "and stays down");
          c.check_eq(boot_record(c.vcpu(), 1).rip, 0, "it has not run");
          c.require_eq(ops.up(1), 0, "up");
          c.check_eq(ops.is_up(1), 1, "it is up");
          Vcpu& second = c.target().attach_vcpu(c.guest(), 1);
          c.check_eq(second.hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), 4096, "and runs");
        },
}};

const Case kPad{{
    .slug = "vcpu_op.initialise.hvm.pad.einval",
    .rule = "Padding of a context that is not zero gives EINVAL.",
    .source = "public/hvm/hvm_vcpu.h, struct vcpu_hvm_context, pad",
    .requirements = {"VCPU-011"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr std::array kOuter{Spoilt{"pad 1", [](vcpu_hvm_context_t& v) { v.pad = 1; }},
                                      Spoilt{"pad 2^31", [](vcpu_hvm_context_t& v) { v.pad = 1u << 31; }}};
          check_refused(c, hvm_context(c.guest(), 1), kOuter);
          constexpr std::array kInner{
              Spoilt{"32-bit: pad1", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.pad1 = 1; }},
              Spoilt{"32-bit: pad2[0]", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.pad2[0] = 1; }},
              Spoilt{"32-bit: pad2[2]", [](vcpu_hvm_context_t& v) { v.cpu_regs.x86_32.pad2[2] = 1; }}};
          check_refused(c, hvm_context_32(c.guest()), kInner);
        },
}};

}  // namespace
}  // namespace assay
