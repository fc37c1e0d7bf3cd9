/// The hypercall page: what is in it, what its entries do, and the MSR that fills it.
#include <algorithm>
#include <array>

#include "conformance/guest/errno.hpp"
#include "conformance/guest/instructions.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

constexpr uint32_t kMsr = 0x4000'0000;
constexpr uint32_t kEntries = 128;
constexpr uint32_t kEntryBytes = 32;
constexpr uint8_t kFill = 0xcc;
constexpr uint32_t kInvalidOpcode = 6;
constexpr uint32_t kProtection = 13;

using PageBytes = std::array<uint8_t, kPageSize>;

PageBytes page_at(Vcpu& vcpu, Gva va) {
  return vcpu.read<PageBytes>(va);
}
Gva agent_page(CaseContext& c) {
  return Gva{c.guest().space().layout.hypercall_page};
}

/// Calls an entry with two arguments.
assay_execution call_entry(Instructions& cpu, uint64_t address, uint64_t a1, uint64_t a2) {
  assay_registers registers = cpu.registers();
  registers.rbx = address;
  registers.rdi = a1;
  registers.rsi = a2;
  return cpu.run(ASSAY_INSTRUCTION_CALL, registers);
}

const Case kEntryCalls{{
    .slug = "hypercall_page.entry.performs_its_number",
    .rule =
        "A call to base + 32*N performs hypercall N with the argument registers of the caller, and returns behind it.",
    .source = "public/arch-x86/xen-x86_64.h: call hypercall_page + hypercall-number * 32",
    .requirements = {"HPAGE-001"},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          Scratch memory(c.vcpu());
          const auto entry = [&](uint32_t number, uint64_t a1, uint64_t a2) {
            const auto after = call_entry(cpu, cpu.page_entry(number), a1, a2);
            c.check_eq(after.entry, ASSAY_ENTRY_LANDING, "entry " + std::to_string(number) + " returns");
            c.check_eq(after.at.rsp, cpu.stack(), "entry " + std::to_string(number) + ": the stack is even");
            return static_cast<int64_t>(after.at.rax);
          };
          c.check_eq(entry(__HYPERVISOR_xen_version, XENVER_pagesize, 0), 4096, "xen_version");
          memory.put(xen_feature_info_t{0, kUntouched32});
          c.check_eq(entry(__HYPERVISOR_xen_version, XENVER_get_features, memory.va().raw()), 0, "a second argument");
          c.check_ne(memory.get<xen_feature_info_t>().submap, kUntouched32, "what it points to was written");
          c.check_eq(entry(__HYPERVISOR_sched_op, SCHEDOP_yield, 0), 0, "sched_op");
          c.check_eq(entry(__HYPERVISOR_sched_op, 0x1234, 0), -XEN_ENOSYS, "sched_op, unknown command");
          c.check_eq(entry(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 0), 1, "vcpu_op");
          for (const uint32_t number : {11u, 38u, 63u, 100u, 127u}) {
            c.check_eq(entry(number, 1, 2), -XEN_ENOSYS, "a number that does not exist");
          }
        },
}};

const Case kRegistersSurvive{{
    .slug = "hypercall_page.entry.registers_survive",
    .rule = "A call through the page leaves every register but rax as it was, rcx and r11 too.",
    .source = "public/arch-x86/xen-x86_64.h: clobbered registers of a PV hypercall page call: none but the result",
    .requirements = {"HPAGE-002", "HCALL-012"},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          const auto after = call_entry(cpu, cpu.page_entry(__HYPERVISOR_xen_version), XENVER_pagesize, 0);
          const assay_registers before = cpu.registers();
          c.check_eq(after.at.rax, 4096, "rax");
          c.check_eq(after.at.rcx, before.rcx, "rcx");
          c.check_eq(after.at.r11, before.r11, "r11");
          c.check_eq(after.at.rdi, XENVER_pagesize, "rdi, an argument");
          c.check_eq(after.at.rsi, 0, "rsi, an argument");
          c.check_eq(after.at.rdx, before.rdx, "rdx");
          c.check_eq(after.at.r8, before.r8, "r8");
          c.check_eq(after.at.r10, before.r10, "r10");
          c.check_eq(after.at.rbp, before.rbp, "rbp");
          c.check_eq(after.at.r15, before.r15, "r15");
        },
}};

const Case kHvmIret{{
    .slug = "hypercall_page.hvm_iret_entry.invalid_opcode",
    .rule = "An HVM guest's iret entry raises #UD at its first byte.",
    .source = "public/xen.h, __HYPERVISOR_iret: x86 PV only",
    .requirements = {"HPAGE-004"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          const uint64_t entry = cpu.page_entry(__HYPERVISOR_iret);
          const auto after = call_entry(cpu, entry, 0, 0);
          c.check_eq(after.entry, kInvalidOpcode, "#UD");
          c.check_eq(after.frame[0], entry, "at the entry");
        },
}};

const Case kFiller{{
    .slug = "hypercall_page.unused_bytes.int3",
    .rule = "What no entry of the page uses is filled with int3 (0xcc).",
    .source = "xen/arch/x86/domain.c:189 (init_hypercall_page)",
    .requirements = {"HPAGE-005"},
    .body =
        [](CaseContext& c) {
          const PageBytes page = page_at(c.vcpu(), agent_page(c));
          constexpr uint8_t kReturn = 0xc3;
          for (uint32_t number = 0; number < kEntries; ++number) {
            const auto first = page.begin() + number * kEntryBytes;
            const auto end = first + kEntryBytes;
            // iret does not return: PV64 it ends with syscall, HVM it is ud2.
            constexpr uint8_t kLast[] = {0x0f, 0x05};
            auto used = std::find(first, end, kReturn) + 1;
            if (number == __HYPERVISOR_iret) used = c.pv() ? std::search(first, end, kLast, kLast + 2) + 2 : first + 2;
            const std::string what = "entry " + std::to_string(number);
            if (!c.check(first < used && used < end, what + " has an end")) break;
            if (!c.check(std::all_of(used, end, [](uint8_t byte) { return byte == kFill; }), what + ": the rest"))
              break;
            if (!c.check(*first != kFill, what + ": the start")) break;
          }
        },
}};

const Case kMsrFills{{
    .slug = "hypercall_page.msr.fills_page",
    .rule = "Writing a frame's address to the hypercall MSR fills that frame; CPUID says which MSR it is.",
    .source = "public/arch-x86/cpuid.h, leaf 3: EBX: MSR base address",
    .method = "A page of the heap becomes equal to the agent's own and its entries work.",
    .requirements = {"HPAGE-006"},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          const auto leaf = c.vcpu().cpuid(XEN_CPUID_FIRST_LEAF + 2);
          c.require(leaf.ok(), "CPUID");
          c.check_eq(leaf.value[0], 1, "pages");
          c.check_eq(leaf.value[1], kMsr, "the MSR");
          Scratch page(c.vcpu(), 2);
          c.require(!c.vcpu().fill(page.va(), 2 * kPageSize, 0x5a).has_value(), "a pattern");
          const Gfn gfn = c.guest().gfn_of(page.va());
          c.check(!c.vcpu().wrmsr(kMsr, gfn.raw() << kPageShift).has_value(), "writing the MSR");
          c.check(page_at(c.vcpu(), page.va()) == page_at(c.vcpu(), agent_page(c)), "the same page as the agent's");
          c.check_eq(page.get<uint8_t>(kPageSize), 0x5a, "the page behind it is left alone");
          const uint64_t entry = page.va().raw() + __HYPERVISOR_xen_version * kEntryBytes;
          c.check_eq(call_entry(cpu, entry, XENVER_pagesize, 0).at.rax, 4096, "its entry works");
        },
}};

void check_refused(CaseContext& c, uint64_t value, const std::string& what) {
  const auto fault = c.vcpu().wrmsr(kMsr, value);
  if (c.check(fault.has_value(), what + ": refused")) c.check_eq(fault->vector, kProtection, what + ": #GP");
}

const Case kMsrLowBits{{
    .slug = "hypercall_page.msr.low_bits.gp",
    .rule = "A write with any of the low 12 bits set raises #GP and fills nothing.",
    .source = "public/arch-x86/cpuid.h, leaf 3: the low bits choose one of the pages, and there is one",
    .requirements = {"HPAGE-007"},
    .body =
        [](CaseContext& c) {
          Scratch page(c.vcpu());
          c.require(!c.vcpu().fill(page.va(), kPageSize, 0x5a).has_value(), "a pattern");
          const uint64_t address = c.guest().gfn_of(page.va()).raw() << kPageShift;
          for (unsigned bit = 0; bit < kPageShift; ++bit)
            check_refused(c, address | 1ull << bit, "bit " + std::to_string(bit));
          check_refused(c, address | 0xfff, "all of them");
          PageBytes expected;
          expected.fill(0x5a);
          c.check(page_at(c.vcpu(), page.va()) == expected, "nothing was written");
          c.check(!c.vcpu().wrmsr(kMsr, address).has_value(), "without them it works");
        },
}};

const Case kMsrBadFrame{{
    .slug = "hypercall_page.msr.bad_frame.gp",
    .rule = "A write that names a frame which is absent, or which cannot be writable, raises #GP.",
    .source = "public/arch-x86/cpuid.h, leaf 3",
    .method = "PV64 also names the root of its own page tables, which stays what it was.",
    .requirements = {"HPAGE-008"},
    .body =
        [](CaseContext& c) {
          check_refused(c, 0xf'ffff'f000, "a frame that no machine has");
          if (!c.pv())
            check_refused(c, (c.guest().space().pages + 0x1000) << kPageShift, "a frame that is not populated");
          if (!c.pv()) return;
          const auto info = c.vcpu().read<start_info_t>(c.guest().space().start_info);
          const PageBytes before = page_at(c.vcpu(), Gva{info.pt_base});
          check_refused(c, c.guest().gfn_of(Gva{info.pt_base}).raw() << kPageShift, "the root of the page tables");
          c.check(page_at(c.vcpu(), Gva{info.pt_base}) == before, "it is unchanged");
          check_refused(c, c.dom0().gfn_of(c.dom0().shared_info()).raw() << kPageShift, "a frame of another domain");
        },
}};

const Case kMsrReads{{
    .slug = "hypercall_page.msr.reads_zero",
    .rule = "Reading the hypercall MSR returns 0, whatever was written.",
    .source = "xen/arch/x86/traps.c:1022 (guest_rdmsr_xen)",
    .requirements = {"HPAGE-009"},
    .body =
        [](CaseContext& c) {
          Scratch page(c.vcpu());
          const auto before = c.vcpu().rdmsr(kMsr);
          c.check(before.ok(), "before a write");
          c.check_eq(before.value, 0, "its value");
          c.require(!c.vcpu().wrmsr(kMsr, c.guest().gfn_of(page.va()).raw() << kPageShift).has_value(), "a write");
          const auto after = c.vcpu().rdmsr(kMsr);
          c.check(after.ok(), "after a write");
          c.check_eq(after.value, 0, "its value then");
        },
}};

const Case kMsrKeepsNothing{{
    .slug = "hypercall_page.msr.frame_reusable_afterwards",
    .rule = "Filling a hypercall page keeps no reference: the frame can be given back to the hypervisor afterwards.",
    .source = "xen/arch/x86/traps.c:1076 (guest_wrmsr_xen)",
    .method = "The domain's page count falls when the frame is given back, which it does with the last reference only.",
    .requirements = {"HPAGE-010"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Gva va = c.guest().alloc_pages(1);
          const Gfn gfn = c.guest().gfn_of(va);
          for (int i = 0; i < 3; ++i) {
            c.require(!c.vcpu().wrmsr(kMsr, gfn.raw() << kPageShift).has_value(), "filling the page");
          }
          if (c.pv()) {
            const int64_t result = c.vcpu().hypercall(__HYPERVISOR_update_va_mapping, {va.raw(), 0, UVMF_INVLPG});
            c.require_eq(result, 0, "unmapping it");
          }
          const int64_t pages = memory.current_reservation();
          c.check_eq(memory.decrease_reservation({.extents = {gfn.raw()}}).done, 1, "giving it back");
          c.check_eq(memory.current_reservation(), pages - 1, "it is gone");
        },
}};

}  // namespace
}  // namespace assay
