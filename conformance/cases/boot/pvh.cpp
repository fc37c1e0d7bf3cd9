/// What a PVH guest finds at its first instruction. Its state is what the toolstack loads with sethvmcontext: the
/// hypervisor has to start the vCPU in exactly that.
#include "conformance/case.hpp"
#include "conformance/guest/boot_record.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

const Case kStartInfo{{
    .slug = "boot.pvh.entry.ebx_names_start_info",
    .rule = "EBX at entry holds the physical address of hvm_start_info, with its magic.",
    .source = "public/arch-x86/hvm/start_info.h",
    .requirements = {"PVH-001"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          const assay_boot_record record = boot_record(c.vcpu(), 0);
          c.check_eq(record.rbx >> 32, 0, "a 32-bit address");
          const Gva at{c.guest().space().va_offset + record.rbx};
          c.check_eq(at, c.guest().space().start_info, "where the toolstack put it");
          c.check_eq(c.vcpu().read<hvm_start_info>(at).magic, uint32_t{XEN_HVM_START_MAGIC_VALUE}, "magic");
        },
}};

const Case kControl{{
    .slug = "boot.pvh.entry.control_registers",
    .rule = "At entry CR0 has PE and ET only, CR4 is zero, and paging is off.",
    .source = "docs/misc/pvh.pandoc, initial state",
    .requirements = {"PVH-003"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          const assay_boot_record record = boot_record(c.vcpu(), 0);
          c.check_eq(record.cr0, 0x11, "CR0");
          c.check_eq(record.cr4, 0, "CR4");
          c.check_eq(record.cr3, 0, "CR3");
        },
}};

const Case kSegments{{
    .slug = "boot.pvh.entry.flat_32_bit_segments",
    .rule = "At entry code, data and stack segments are flat and 32-bit.",
    .source = "docs/misc/pvh.pandoc, initial state",
    .method =
        "The agent's first instructions are 32-bit code that stores to physical addresses above 1 MiB: the record "
        "lies where it should only if cs, ds and ss are flat.",
    .requirements = {"PVH-004"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          const assay_boot_record record = boot_record(c.vcpu(), 0);
          const auto& layout = c.guest().space().layout;
          c.check_eq(record.rip, layout.pvh_entry - layout.virt_base, "written by the 32-bit entry code");
          c.check_eq(record.cs, record.ss, "null selectors, all of them, as loaded");
          c.check_eq(record.ds, record.ss, "ds");
          c.check_eq(record.es, record.ss, "es");
        },
}};

const Case kFlags{{
    .slug = "boot.pvh.entry.flags",
    .rule = "At entry EFLAGS has VM, IF and TF clear.",
    .source = "docs/misc/pvh.pandoc, initial state",
    .requirements = {"PVH-005"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kTrap = 1 << 8, kInterrupt = 1 << 9, kVirtual8086 = 1 << 17, kAlwaysOne = 2;
          const assay_boot_record record = boot_record(c.vcpu(), 0);
          c.check_eq(record.rflags & (kTrap | kInterrupt | kVirtual8086), 0, "VM, IF, TF");
          c.check_eq(record.rflags & kAlwaysOne, kAlwaysOne, "the bit that is always set");
        },
}};

const Case kEntry{{
    .slug = "boot.pvh.entry.rip_of_the_note",
    .rule =
        "The first instruction is at the physical address that the PHYS32_ENTRY note gives; other registers are zero.",
    .source = "docs/misc/pvh.pandoc",
    .requirements = {"PVH-006"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          const assay_boot_record record = boot_record(c.vcpu(), 0);
          const auto& layout = c.guest().space().layout;
          c.check_eq(record.rip, layout.pvh_entry - layout.virt_base, "rip");
          c.check_eq(record.rax | record.rcx | record.rdx, 0, "rax, rcx, rdx");
          c.check_eq(record.rsi | record.rdi | record.rbp | record.rsp, 0, "rsi, rdi, rbp, rsp");
        },
}};

const Case kMemoryTypes{{
    .slug = "boot.pvh.mtrr.default_type",
    .rule = "The default memory type of a new PVH guest is what the toolstack loaded; without, MTRRs are off.",
    .source = "docs/misc/pvh.pandoc, MTRR",
    .requirements = {"PVH-012"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kMtrrDefault = 0x2ff;
          const auto type = c.vcpu().rdmsr(kMtrrDefault);
          c.require(type.ok(), "the MSR can be read");
          c.check_eq(type.value, 0, "default type and enable bits");
        },
}};

}  // namespace
}  // namespace assay
