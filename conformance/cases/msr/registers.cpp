/// Model-specific registers as guests read and write them: what is theirs, what is refused.
#include "conformance/case.hpp"

namespace assay {
namespace {

constexpr uint32_t kTsc = 0x10;
constexpr uint32_t kApicBase = 0x1b;
constexpr uint32_t kMtrrCapabilities = 0xfe;
constexpr uint32_t kSysenterCs = 0x174, kSysenterEsp = 0x175, kSysenterEip = 0x176;
constexpr uint32_t kPat = 0x277;
constexpr uint32_t kX2apicId = 0x802, kX2apicVersion = 0x803, kX2apicPriority = 0x808, kX2apicSpurious = 0x80f;
constexpr uint32_t kEfer = 0xc000'0080;
constexpr uint32_t kStar = 0xc000'0081, kLstar = 0xc000'0082, kCstar = 0xc000'0083, kSfmask = 0xc000'0084;
constexpr uint32_t kFsBase = 0xc000'0100, kKernelGsBase = 0xc000'0102;
constexpr uint32_t kNoSuchRegister = 0xdead'beef;

constexpr uint32_t kGeneralProtection = 13;
constexpr uint64_t kNotCanonical = 0x0000'9000'0000'0000;

uint64_t read(CaseContext& c, uint32_t index) {
  const auto answer = c.vcpu().rdmsr(index);
  c.require(answer.ok(), "MSR " + show(index) + " can be read");
  return answer.value;
}

void check_refused(CaseContext& c, const std::optional<assay_fault>& fault, const std::string& what) {
  if (c.check(fault.has_value(), what + " faults")) c.check_eq(fault->vector, kGeneralProtection, what + ": vector");
}

void check_refuses(CaseContext& c, uint32_t index, uint64_t value, const std::string& what) {
  const uint64_t before = read(c, index);
  check_refused(c, c.vcpu().wrmsr(index, value), what);
  c.check_eq(read(c, index), before, what + ": the register afterwards");
}

/// Writes, reads back, and puts back what was there: the agent's own code uses some of them.
void check_keeps(CaseContext& c, uint32_t index, uint64_t value) {
  const uint64_t before = read(c, index);
  c.require(!c.vcpu().wrmsr(index, value).has_value(), "MSR " + show(index) + " can be written");
  c.check_eq(read(c, index), value, "MSR " + show(index) + " afterwards");
  c.check(!c.vcpu().wrmsr(index, before).has_value(), "MSR " + show(index) + " can be put back");
}

const Case kBases{{
    .slug = "msr.segment_bases.kept_and_canonical",
    .rule =
        "The bases of fs and of the user's gs read back as written; PV: an address that is not canonical raises #GP.",
    .source = "public/arch-x86/xen-x86_64.h, SEGBASE_FS, SEGBASE_GS_USER",
    .requirements = {"MSR-001"},
    .body =
        [](CaseContext& c) {
          for (const uint32_t index : {kFsBase, kKernelGsBase}) {
            check_keeps(c, index, 0x7fff'1234'5000);
            if (c.pv()) check_refuses(c, index, kNotCanonical, "not canonical, MSR " + show(index));
          }
        },
}};

const Case kSystemCalls{{
    .slug = "msr.system_calls.hvm.kept",
    .rule = "An HVM guest's registers of system calls are its own and read back as written.",
    .source = "public/arch-x86/hvm/save.h, struct hvm_hw_cpu",
    .requirements = {"MSR-002"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          check_keeps(c, kStar, 0x0023'0010'0000'0000);
          check_keeps(c, kSfmask, 0x700);
          check_keeps(c, kSysenterCs, 0x10);
          for (const uint32_t index : {kLstar, kCstar, kSysenterEsp, kSysenterEip}) {
            check_keeps(c, index, 0x1234'5000);
          }
        },
}};

const Case kLongMode{{
    .slug = "msr.efer.long_mode.active",
    .rule = "EFER has long mode enabled and active; an HVM guest may write it as it is, and no reserved bit.",
    .source = "the processor's manual, EFER",
    .requirements = {"MSR-003"},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kLongModeEnabled = 1u << 8, kLongModeActive = 1u << 10, kReserved = 1u << 1;
          const uint64_t efer = read(c, kEfer);
          c.check_eq(efer & (kLongModeEnabled | kLongModeActive), kLongModeEnabled | kLongModeActive, "long mode");
          if (c.pv()) return;
          c.check(!c.vcpu().wrmsr(kEfer, efer).has_value(), "writing it as it is");
          check_refuses(c, kEfer, efer | kReserved, "a reserved bit");
          check_refuses(c, kEfer, efer & ~(kLongModeEnabled | kLongModeActive), "leaving long mode while paging");
        },
}};

const Case kTime{{
    .slug = "msr.tsc.as_rdtsc",
    .rule = "The TSC's register reads the time that rdtsc reads.",
    .source = "public/arch-x86/cpuid.h, XEN_CPUID_LEAF(3)",
    .method = "Read between two rdtsc.",
    .requirements = {"MSR-004"},
    .body =
        [](CaseContext& c) {
          const uint64_t before = c.vcpu().tsc();
          const uint64_t value = read(c, kTsc);
          const uint64_t after = c.vcpu().tsc();
          c.check(before <= value && value <= after, show(before) + " <= " + show(value) + " <= " + show(after));
        },
}};

const Case kUnknown{{
    .slug = "msr.unknown.gp",
    .rule = "A register that does not exist raises #GP, read or written.",
    .source = "the processor's manual, RDMSR and WRMSR",
    .requirements = {"MSR-005"},
    .body =
        [](CaseContext& c) {
          check_refused(c, c.vcpu().rdmsr(kNoSuchRegister).fault, "reading");
          check_refused(c, c.vcpu().wrmsr(kNoSuchRegister, 1), "writing");
        },
}};

const Case kApic{{
    .slug = "msr.apic.hvm.x2apic_registers",
    .rule = "An HVM vCPU's local APIC can be put into x2APIC mode, where its id is twice the vCPU's number.",
    .source = "the processor's manual, IA32_APIC_BASE; public/arch-x86/hvm/save.h, struct hvm_hw_lapic",
    .requirements = {"MSR-006"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kBootstrap = 1u << 8, kExtended = 1u << 10, kEnabled = 1u << 11;
          const uint64_t base = read(c, kApicBase) & ~kExtended;
          c.check_eq(base & (kBootstrap | kEnabled), kBootstrap | kEnabled, "enabled, of the bootstrap processor");
          check_refuses(c, kApicBase, base | 1, "a reserved bit");
          c.require(!c.vcpu().wrmsr(kApicBase, base | kExtended).has_value(), "x2APIC mode");
          c.check_eq(read(c, kX2apicId), 0, "id of vCPU 0");
          c.check_ne(read(c, kX2apicVersion) & 0xff, 0, "version");
          check_keeps(c, kX2apicPriority, 0x20);
          check_refuses(c, kX2apicPriority, 0x100, "a priority above 255");
          c.check_eq(read(c, kX2apicSpurious) >> 16, 0, "bits above those of the spurious vector");
          check_refuses(c, kApicBase, base, "xAPIC mode directly");
        },
}};

const Case kMachine{{
    .slug = "msr.machine.readable",
    .rule = "Registers of the machine that kernels look at when they boot can be read.",
    .source = "the processor's manual; Linux reads each of them",
    .requirements = {"MSR-008"},
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kMicrocode = 0x8b, kMcgCapabilities = 0x179, kMcgStatus = 0x17a, kMc0Control = 0x400;
          for (const uint32_t index : {kMicrocode, kMcgCapabilities, kMcgStatus, kMc0Control, kMc0Control + 4}) {
            read(c, index);
          }
          const uint64_t banks = read(c, kMcgCapabilities) & 0xff;
          c.check(banks >= 1 && banks <= 32, "there are banks of machine checks");
          c.check_eq(read(c, kMcgStatus), 0, "no machine check is going on");
          constexpr uint32_t kHardwareConfiguration = 0xc001'0015;
          read(c, kHardwareConfiguration);
          if (c.pv()) c.check_ne(read(c, kPat), 0, "memory types of the hypervisor");
        },
}};

const Case kMemoryTypes{{
    .slug = "msr.memory_types.hvm.pat_and_mtrr",
    .rule = "The registers of memory types exist for an HVM guest; PAT reads back as written.",
    .source = "public/arch-x86/hvm/save.h, struct hvm_hw_mtrr",
    .requirements = {"MSR-007"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          c.check_eq(read(c, kMtrrCapabilities) & 0xff, 8, "variable ranges");
          check_keeps(c, kPat, 0x0007'0406'0007'0406);
          constexpr uint32_t kVariable = 0x200, kFixed64k = 0x250, kFixed16k = 0x258, kFixed4k = 0x268,
                             kDefault = 0x2ff;
          for (const uint32_t index :
               {kVariable, kVariable + 15, kFixed64k, kFixed16k, kFixed16k + 1, kFixed4k, kFixed4k + 7, kDefault}) {
            c.check(!c.vcpu().wrmsr(index, read(c, index)).has_value(),
                    "MSR " + show(index) + " can be written as it is");
          }
        },
}};

}  // namespace
}  // namespace assay
