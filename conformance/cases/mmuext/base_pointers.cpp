/// Which tables a vCPU runs on.
#include <span>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

/// A copy of the boot root, with one more slot.
Page second_root(CaseContext& c, unsigned slot, uint64_t entry) {
  const Page boot = root_table(c.guest());
  const Page copy = heap_page(c.vcpu());
  std::vector<std::byte> bytes(kPageSize);
  c.require(!c.vcpu().read_bytes(boot.va, bytes) && !c.vcpu().write_bytes(copy.va, bytes), "set-up: copying the root");
  c.vcpu().write(copy.va + slot * sizeof entry, entry);
  c.require_eq(remap(c.vcpu(), copy, kLeafRo), 0, "set-up: read-only");
  return copy;
}

bool reads(Vcpu& vcpu, Gva va) {
  std::byte byte{};
  return !vcpu.read_bytes(va, std::span(&byte, 1)).has_value();
}

/// Tables for one page at the start of slot `slot`; returns the L4 entry. Nothing is hooked in yet.
uint64_t tables_for(CaseContext& c, Gfn page) {
  const Page l1 = table_page(c.vcpu(), {{0, make_entry(page, kLeafRw)}});
  const Page l2 = table_page(c.vcpu(), {{0, make_entry(l1.frame, kBranch)}});
  return make_entry(table_page(c.vcpu(), {{0, make_entry(l2.frame, kBranch)}}).frame, kBranch);
}

const Case kSwitches{{
    .slug = "mmuext_op.new_baseptr.valid_l4.switches_address_space",
    .rule =
        "MMUEXT_NEW_BASEPTR has the vCPU run on another L4, whose mappings it sees at once, and lets go of the old.",
    .source = "public/xen.h, MMUEXT_NEW_BASEPTR",
    .requirements = {"MMUEXT-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          constexpr unsigned kSlot = 3;
          const Gva there{uint64_t{kSlot} << 39};
          MmuOps ops(c.vcpu());
          const Page boot = root_table(c.guest());
          const Page root = second_root(c, kSlot, tables_for(c, heap_page(c.vcpu()).frame));
          c.check(!reads(c.vcpu(), there), "the address is not mapped to begin with");
          c.check_eq(ops.ext(MMUEXT_NEW_BASEPTR, root.frame.raw()), 0, "switch");
          c.check(reads(c.vcpu(), there), "the new root's mapping is there");
          c.check_ne(remap(c.vcpu(), root, kLeafRw), 0, "the root in use is a table, though nobody pinned it");
          c.check_eq(ops.ext(MMUEXT_NEW_BASEPTR, root.frame.raw()), 0, "the root that it is on already");
          c.check_eq(ops.ext(MMUEXT_NEW_BASEPTR, boot.frame.raw()), 0, "switch back");
          c.check(!reads(c.vcpu(), there), "the mapping is gone");
          c.check_eq(remap(c.vcpu(), root, kLeafRw), 0, "the root that was left is an ordinary page");
        },
}};

const Case kXenSlots{{
    .slug = "mmuext_op.new_baseptr.garbage_in_hypervisor_slots.m2p_there",
    .rule =
        "On whichever L4 a vCPU runs, the hypervisor's slots are the hypervisor's: the machine-to-physical table is "
        "where it always is, though the guest wrote something else into its slot.",
    .source = "public/arch-x86/xen-x86_64.h, MACH2PHYS_VIRT_START",
    .requirements = {"MMU-TYPE-010"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const Page root = second_root(c, kXenSlotFirst, make_entry(page.frame, kBranch));
          c.require_eq(ops.ext(MMUEXT_NEW_BASEPTR, root.frame.raw()), 0, "switch");
          const auto pfn = c.vcpu().read<uint64_t>(Gva{MACH2PHYS_VIRT_START} + page.frame.raw() * sizeof(uint64_t));
          c.check_eq(pfn, c.guest().pfn_of(page.va).raw(), "entry of the machine-to-physical table");
          c.check_eq(ops.ext(MMUEXT_NEW_BASEPTR, root_table(c.guest()).frame.raw()), 0, "switch back");
        },
}};

const Case kInvalid{{
    .slug = "mmuext_op.new_baseptr.no_l4.einval_and_stays",
    .rule = "A frame that is no L4 and cannot become one is refused with EINVAL; the vCPU stays on its root.",
    .source = "xen/arch/x86/mm.c, new_guest_cr3",
    .requirements = {"MMUEXT-006"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page pinned = table_page(c.vcpu());
          c.require_eq(ops.pin(3, pinned.frame), 0, "set-up: a table of level 3");
          const Page window_page = heap_page(c.vcpu());
          const Window window = open_window(c.vcpu(), {{0, make_entry(window_page.frame, kLeafRw)}});
          const Gfn theirs = table_page(c.peer().vcpu(0)).frame;
          for (const Gfn frame : {heap_page(c.vcpu()).frame, pinned.frame, theirs, Gfn{0xff'ffff'ffff}, Gfn{0}}) {
            c.check_eq(ops.ext(MMUEXT_NEW_BASEPTR, frame.raw()), -XEN_EINVAL, "frame " + show(frame.raw()));
            c.check(reads(c.vcpu(), window.page(0)), "the old root's mappings are there");
          }
          c.check_eq(ops.unpin(pinned.frame), 0, "unpin");
          c.check_eq(remap(c.vcpu(), pinned, kLeafRw), 0, "the frame that was refused is free");
        },
}};

const Case kUserRoot{{
    .slug = "mmuext_op.new_user_baseptr.l4_or_zero.held",
    .rule = "MMUEXT_NEW_USER_BASEPTR takes an L4 for user mode and holds it; another one replaces it, 0 clears it.",
    .source = "public/xen.h, MMUEXT_NEW_USER_BASEPTR",
    .requirements = {"MMUEXT-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page first = table_page(c.vcpu());
          const Page second = table_page(c.vcpu());
          c.check_eq(ops.ext(MMUEXT_NEW_USER_BASEPTR, first.frame.raw()), 0, "a first root");
          c.check_ne(remap(c.vcpu(), first, kLeafRw), 0, "it is held");
          c.check_eq(ops.ext(MMUEXT_NEW_USER_BASEPTR, second.frame.raw()), 0, "a second root");
          c.check_eq(remap(c.vcpu(), first, kLeafRw), 0, "the first one is free");
          c.check_ne(remap(c.vcpu(), second, kLeafRw), 0, "the second one is held");
          c.check_eq(ops.ext(MMUEXT_NEW_USER_BASEPTR, 0), 0, "none");
          c.check_eq(remap(c.vcpu(), second, kLeafRw), 0, "the second one is free");
          c.check_eq(ops.ext(MMUEXT_NEW_USER_BASEPTR, 0), 0, "none again");
        },
}};

const Case kUserInvalid{{
    .slug = "mmuext_op.new_user_baseptr.no_l4.einval",
    .rule = "A user root must be an L4 of the domain: EINVAL, and the one there was stays.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page root = table_page(c.vcpu());
          const Page pinned = table_page(c.vcpu());
          c.require_eq(ops.pin(1, pinned.frame), 0, "set-up: a table of level 1");
          c.require_eq(ops.ext(MMUEXT_NEW_USER_BASEPTR, root.frame.raw()), 0, "set-up: a root");
          for (const Gfn frame : {heap_page(c.vcpu()).frame, pinned.frame, Gfn{0xff'ffff'ffff}}) {
            c.check_eq(ops.ext(MMUEXT_NEW_USER_BASEPTR, frame.raw()), -XEN_EINVAL, "frame " + show(frame.raw()));
          }
          c.check_ne(remap(c.vcpu(), root, kLeafRw), 0, "the root is still held");
          c.check_eq(ops.ext(MMUEXT_NEW_USER_BASEPTR, 0), 0, "none");
          c.check_eq(remap(c.vcpu(), root, kLeafRw), 0, "now it is free");
        },
}};

}  // namespace
}  // namespace assay
