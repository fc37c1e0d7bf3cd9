/// What a PV64 domain finds at its first instruction, as the hypervisor builds it: the first domain.
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/boot_record.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/scratch.hpp"

namespace assay {
namespace {

constexpr uint64_t kMegabyte = 1 << 20;
constexpr uint64_t kInterruptFlag = 1 << 9;
constexpr uint32_t kVectorPageFault = 14;
constexpr uint64_t kErrorPresent = 1, kErrorWrite = 2;

start_info_t start_info_of(CaseContext& c) {
  return c.dom0().vcpu(0).read<start_info_t>(Gva{boot_record(c.dom0().vcpu(0), 0).rsi});
}

/// The machine frame that the boot-time list names for the page at `va`.
uint64_t listed_frame(CaseContext& c, const start_info_t& info, uint64_t va) {
  const uint64_t pfn = (va - c.dom0().space().va_offset) >> kPageShift;
  return c.dom0().vcpu(0).read<uint64_t>(Gva{info.mfn_list + pfn * 8});
}

/// Whether a write would be taken, without changing what is there.
std::optional<assay_fault> touch(CaseContext& c, uint64_t va) {
  return c.dom0().vcpu(0).atomic(ASSAY_ATOMIC_OR, Gva{va}, 8, 0).fault;
}

constexpr uint64_t kEntryPresent = 1, kEntryWritable = 2, kEntryFrame = 0x000f'ffff'ffff'f000;

/// The boot page tables, walked from pt_base through the M2P and their own mapping.
class TableWalk {
 public:
  explicit TableWalk(CaseContext& c) : c_(c), root_(start_info_of(c).pt_base) {}

  /// Addresses of the root and of the three tables below it that map `va`.
  [[nodiscard]] std::array<uint64_t, 4> tables(uint64_t va) const {
    std::array<uint64_t, 4> all{root_};
    for (unsigned i = 1; i < all.size(); ++i) all[i] = page_of(entry(all[i - 1], va, 5 - i));
    return all;
  }
  /// The entry that maps the page at `va`.
  [[nodiscard]] uint64_t leaf(uint64_t va) const { return entry(tables(va).back(), va, 1); }
  /// Where the frame that an entry names lies among the domain's pages.
  [[nodiscard]] uint64_t page_of(uint64_t entry) const {
    const uint64_t frame = (entry & kEntryFrame) >> kPageShift;
    const auto pfn = c_.dom0().vcpu(0).read<uint64_t>(Gva{__MACH2PHYS_VIRT_START + frame * sizeof(uint64_t)});
    return c_.dom0().space().va_offset + (pfn << kPageShift);
  }

 private:
  [[nodiscard]] uint64_t entry(uint64_t table, uint64_t va, unsigned level) const {
    const uint64_t slot = va >> (kPageShift + 9 * (level - 1)) & 511;
    const auto value = c_.dom0().vcpu(0).read<uint64_t>(Gva{table + slot * sizeof(uint64_t)});
    c_.require((value & kEntryPresent) != 0, "entry of level " + std::to_string(level) + " is present");
    return value;
  }
  CaseContext& c_;
  uint64_t root_;
};

const Case kEntry{{
    .slug = "boot.pv.entry.rsi_and_rsp",
    .rule = "At entry rsi holds the address of start_info, and rsp the top of the boot stack, the last boot element.",
    .source = "public/xen.h, above struct start_info",
    .requirements = {"PVBOOT-001"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          const assay_boot_record record = boot_record(c.dom0().vcpu(0), 0);
          c.check_eq(record.rip, c.dom0().space().layout.pv_entry, "rip: the entry note");
          c.check_eq(record.rsi, c.dom0().space().start_info.raw(), "rsi");
          c.check_eq(record.rsi % kPageSize, 0, "start_info starts a page");
          const start_info_t info = start_info_of(c);
          c.check_eq(record.rsp, info.pt_base + (info.nr_pt_frames + 1) * kPageSize, "rsp: one page behind the tables");
        },
}};

const Case kMagic{{
    .slug = "boot.pv.start_info.magic",
    .rule = "The magic of start_info names the interface and the guest: xen-3.0-x86_64, NUL-terminated.",
    .source = "public/xen.h, struct start_info, magic",
    .requirements = {"PVBOOT-002"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          const start_info_t info = start_info_of(c);
          const std::string_view magic(info.magic, strnlen(info.magic, sizeof info.magic));
          c.check_eq(std::string(magic), std::string("xen-3.0-x86_64"), "magic");
          c.check(magic.size() < sizeof info.magic, "terminated");
        },
}};

const Case kOrder{{
    .slug = "boot.pv.elements.in_order",
    .rule = "Boot elements follow each other page by page: kernel, p2m list, start_info, page tables, stack.",
    .source = "public/xen.h, above struct start_info",
    .requirements = {"PVBOOT-003"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          const start_info_t info = start_info_of(c);
          const assay_boot_record record = boot_record(c.dom0().vcpu(0), 0);
          const uint64_t kernel_end = c.dom0().space().layout.image_end;
          const auto check_behind = [&](uint64_t at, uint64_t end, std::string_view what) {
            c.check_eq(at % kPageSize, 0, std::string(what) + " starts a page");
            c.check(at >= end && at - end < kPageSize, std::string(what) + " follows the element before it");
          };
          check_behind(info.mfn_list, kernel_end, "the p2m list");
          check_behind(record.rsi, info.mfn_list + info.nr_pages * 8, "start_info");
          c.check_eq(info.pt_base % kPageSize, 0, "the page tables start a page");
          c.check(info.pt_base > record.rsi, "the page tables follow start_info");
          check_behind(record.rsp - kPageSize, info.pt_base + info.nr_pt_frames * kPageSize, "the stack");
          c.check(info.pt_base - record.rsi <= 3 * kPageSize, "no more than the two rings lie in between");
        },
}};

const Case kPadding{{
    .slug = "boot.pv.mapping.padding_and_end",
    .rule = "At least 512 KiB behind the last element are mapped, and the mapping ends on a 4 MiB boundary.",
    .source = "public/xen.h, above struct start_info",
    .method = "Its pages are read up to the boundary; the first address behind it faults.",
    .requirements = {"PVBOOT-004"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& vcpu = c.dom0().vcpu(0);
          const uint64_t stack_end = boot_record(vcpu, 0).rsp;
          const auto mapped = [&](uint64_t va) {
            std::array<std::byte, 8> bytes{};
            return !vcpu.read_bytes(Gva{va}, bytes).has_value();
          };
          c.check(mapped(stack_end), "the first page behind the stack");
          c.check(mapped(stack_end + 512 * 1024 - 8), "512 KiB behind it");
          uint64_t end = stack_end + 512 * 1024;
          while (mapped(end) && end < stack_end + 16 * kMegabyte) end += kPageSize - end % kPageSize;
          c.check_eq(end % (4 * kMegabyte), 0, "where the mapping ends");
        },
}};

const Case kReadWrite{{
    .slug = "boot.pv.mapping.page_tables_read_only",
    .rule = "All boot elements are mapped read-write but the page tables, which can only be read.",
    .source = "public/xen.h, above struct start_info",
    .requirements = {"PVBOOT-005"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          const start_info_t info = start_info_of(c);
          const assay_boot_record record = boot_record(c.dom0().vcpu(0), 0);
          const assay_agent_layout& layout = c.dom0().space().layout;
          for (const uint64_t va : {layout.image_start, layout.pv_entry & ~uint64_t{7}, info.mfn_list, record.rsi,
                                    record.rsp - kPageSize, record.rsp - 8, record.rsp}) {
            c.check(!touch(c, va).has_value(), show(va) + " can be written");
          }
          for (uint64_t page = 0; page < info.nr_pt_frames; page += page < 4 ? 1 : 5) {
            const uint64_t entry = TableWalk(c).leaf(info.pt_base + page * kPageSize);
            c.check_eq(entry & (kEntryPresent | kEntryWritable), kEntryPresent, "table " + std::to_string(page));
          }
          // A write to the root faults; a hypervisor may carry out those to the leaves itself.
          const auto fault = touch(c, info.pt_base);
          c.require(fault.has_value(), "writing to the root faults");
          c.check_eq(fault->vector, kVectorPageFault, "vector");
          c.check_eq(fault->error_code & (kErrorPresent | kErrorWrite), kErrorPresent | kErrorWrite, "error code");
          c.check_eq(fault->address, info.pt_base, "address");
        },
}};

const Case kTables{{
    .slug = "boot.pv.page_tables.pt_base_is_the_root",
    .rule = "pt_base is the root table's address, and nr_pt_frames covers every table that the boot mapping uses.",
    .source = "public/xen.h, struct start_info, pt_base",
    .method = "The tables are walked from pt_base through the M2P and their own mapping.",
    .requirements = {"PVBOOT-006"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& vcpu = c.dom0().vcpu(0);
          const start_info_t info = start_info_of(c);
          const TableWalk walk(c);
          const uint64_t tables_end = info.pt_base + info.nr_pt_frames * kPageSize;
          for (const uint64_t va : {c.dom0().space().layout.image_start, info.mfn_list, tables_end}) {
            for (const uint64_t table : walk.tables(va)) {
              c.check(table >= info.pt_base && table < tables_end, show(table) + " is one of the boot tables");
            }
            c.check_eq(walk.page_of(walk.leaf(va)), va & ~(kPageSize - 1), "the page that is mapped");
          }
          // The root is in use as one: its frame cannot be given up as long as cr3 names it.
          c.check(
              vcpu.hypercall(__HYPERVISOR_update_va_mapping,
                             {info.pt_base, listed_frame(c, info, info.pt_base) << kPageShift | 0x67, UVMF_INVLPG}) < 0,
              "the root cannot be mapped writable");
        },
}};

const Case kP2m{{
    .slug = "boot.pv.p2m.list_and_m2p_agree",
    .rule = "mfn_list has the machine frame of every page, and the M2P leads back.",
    .source = "public/xen.h, struct start_info, mfn_list",
    .requirements = {"PVBOOT-007"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& vcpu = c.dom0().vcpu(0);
          const start_info_t info = start_info_of(c);
          const uint64_t image = (c.dom0().space().layout.image_start - c.dom0().space().va_offset) >> kPageShift;
          std::vector<uint64_t> list(info.nr_pages);
          c.require(!vcpu.read_bytes(Gva{info.mfn_list}, std::as_writable_bytes(std::span(list))), "the list is there");
          uint64_t wrong = 0;
          for (uint64_t pfn = 0; pfn < list.size(); pfn += pfn < image + 16 ? 1 : 97) {
            const auto back = vcpu.read<uint64_t>(Gva{__MACH2PHYS_VIRT_START + list[pfn] * sizeof(uint64_t)});
            if (back != pfn) ++wrong;
          }
          c.check_eq(wrong, 0, "pages that the M2P does not lead back to");
        },
}};

const Case kPages{{
    .slug = "boot.pv.start_info.nr_pages",
    .rule = "nr_pages is the count of pages that the domain has been given.",
    .source = "public/xen.h, struct start_info, nr_pages",
    .requirements = {"PVBOOT-008"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.dom0().vcpu(0));
          const uint64_t told = start_info_of(c).nr_pages;
          c.check_eq(told, memory.current_reservation(), "pages");
        },
}};

const Case kSharedInfo{{
    .slug = "boot.pv.start_info.shared_info_is_a_machine_address",
    .rule = "shared_info is the machine address of a page that the guest maps itself: none of its own frames.",
    .source = "public/xen.h, struct start_info, shared_info",
    .method = "It is mapped a second time; both mappings show the same memory.",
    .requirements = {"PVBOOT-009"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& vcpu = c.dom0().vcpu(0);
          const start_info_t info = start_info_of(c);
          c.check_eq(info.shared_info % kPageSize, 0, "it starts a page");
          const Gva page = c.dom0().alloc_pages(1);
          const uint64_t own = c.dom0().gfn_of(page).raw() << kPageShift | 0x67;
          c.require_eq(
              vcpu.hypercall(__HYPERVISOR_update_va_mapping, {page.raw(), info.shared_info | 0x67, UVMF_INVLPG}), 0,
              "mapping it");
          const uint64_t at = offsetof(shared_info_t, arch.nmi_reason);
          const auto marker = vcpu.read<uint32_t>(c.dom0().shared_info() + offsetof(shared_info_t, wc_version));
          c.check_eq(vcpu.read<uint32_t>(page + offsetof(shared_info_t, wc_version)), marker, "the same content");
          const auto before = vcpu.read<uint64_t>(page + at);
          vcpu.write(page + at, uint64_t{0x55aa});
          c.check_eq(vcpu.read<uint64_t>(c.dom0().shared_info() + at), 0x55aa,
                     "what is written through one is in the other");
          vcpu.write(page + at, before);
          c.require_eq(vcpu.hypercall(__HYPERVISOR_update_va_mapping, {page.raw(), own, UVMF_INVLPG}), 0,
                       "mapping back");
        },
}};

const Case kMode{{
    .slug = "boot.pv.entry.flags_and_masks",
    .rule = "A PV domain starts with EFLAGS.IF set and upcalls masked, in every vcpu_info that there is.",
    .source = "public/xen.h, struct vcpu_info, evtchn_upcall_mask",
    .requirements = {"PVBOOT-010"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& vcpu = c.dom0().vcpu(0);
          const assay_boot_record record = boot_record(vcpu, 0);
          c.check_eq(record.rflags & kInterruptFlag, kInterruptFlag, "EFLAGS.IF");
          c.check_eq(record.upcall_mask, 1u, "the first vCPU's mask when it first looked");
        },
}};

const Case kSelectors{{
    .slug = "boot.pv.entry.flat_selectors",
    .rule = "A PV domain starts on the flat kernel selectors.",
    .source = "public/arch-x86/xen-x86_64.h, FLAT_KERNEL_CS",
    .requirements = {"PVBOOT-011"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          const assay_boot_record record = boot_record(c.dom0().vcpu(0), 0);
          c.check_eq(record.cs, FLAT_KERNEL_CS, "cs");
          c.check_eq(record.ss, FLAT_KERNEL_SS, "ss");
          c.check_eq(record.ds, FLAT_KERNEL_DS, "ds");
          c.check_eq(record.es, FLAT_KERNEL_DS, "es");
          c.check_eq(record.fs, FLAT_KERNEL_DS, "fs");
          c.check_eq(record.gs, FLAT_KERNEL_DS, "gs");
        },
}};

const Case kHypercallPage{{
    .slug = "boot.pv.hypercall_page.filled",
    .rule = "The page that the HYPERCALL_PAGE note names is full of stubs: 32 bytes each, which load their number.",
    .source = "public/arch-x86/xen-x86_64.h, hypercall interface",
    .requirements = {"PVBOOT-012"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& vcpu = c.dom0().vcpu(0);
          const Gva page{c.dom0().space().layout.hypercall_page};
          const auto bytes = vcpu.read<std::array<uint8_t, kPageSize>>(page);
          constexpr uint8_t kMovEax = 0xb8;
          uint32_t found = 0;
          for (uint32_t number = 0; number < 56; ++number) {
            if (number == __HYPERVISOR_iret) continue;
            uint32_t loaded = 0;
            std::memcpy(&loaded, &bytes[number * 32 + 4], sizeof loaded);
            if (bytes[number * 32 + 3] == kMovEax && loaded == number) ++found;
          }
          c.check_eq(found, 55u, "stubs that load their number");
        },
}};

const Case kNoInitP2m{{
    .slug = "boot.pv.start_info.no_init_p2m.no_frames",
    .rule = "Only a kernel whose INIT_P2M note asks for the list elsewhere is told its frames; else there are none.",
    .source = "public/xen.h, struct start_info, first_p2m_pfn",
    .requirements = {"PVBOOT-014"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          const start_info_t info = start_info_of(c);
          c.check_eq(info.nr_p2m_frames, 0, "nr_p2m_frames");
          c.check(info.mfn_list != 0, "the list is found by its address");
        },
}};

const Case kNoModule{{
    .slug = "boot.pv.start_info.flags_and_no_module",
    .rule =
        "The first domain is told that it is privileged and the first; without a ramdisk mod_start and mod_len are 0.",
    .source = "public/xen.h, SIF_PRIVILEGED",
    .requirements = {"PVBOOT-015"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          const start_info_t info = start_info_of(c);
          constexpr uint32_t kFirst = SIF_PRIVILEGED | SIF_INITDOMAIN;
          c.check_eq(info.flags & kFirst, kFirst, "flags");
          c.check_eq(info.flags & SIF_MULTIBOOT_MOD, 0u, "no multiboot module");
          c.check_eq(info.flags & SIF_MOD_START_PFN, 0u, "no pfn of a module");
          c.check_eq(info.mod_start, 0, "mod_start");
          c.check_eq(info.mod_len, 0, "mod_len");
        },
}};

const Case kCommandLine{{
    .slug = "boot.pv.start_info.cmd_line.terminated",
    .rule = "cmd_line is NUL-terminated within its 1024 bytes, and nothing lies behind the end.",
    .source = "public/xen.h, struct start_info, cmd_line",
    .requirements = {"PVBOOT-016"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          const start_info_t info = start_info_of(c);
          const std::string_view room(reinterpret_cast<const char*>(info.cmd_line), MAX_GUEST_CMDLINE);
          const size_t end = room.find('\0');
          c.require(end != std::string_view::npos, "a NUL");
          c.check(room.find_first_not_of('\0', end) == std::string_view::npos, "nothing behind it");
        },
}};

}  // namespace
}  // namespace assay
