#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

/// Free frames of the machine, when what is given back late has been.
uint64_t settled_free_pages(CaseContext& c) {
  constexpr uint64_t kSettleNs = 20'000'000;
  c.target().pass_time(kSettleNs);
  SysctlOps dom0(c.dom0().vcpu(0));
  return dom0.call(SysctlOps::request(XEN_SYSCTL_physinfo)).arg.u.physinfo.free_pages;
}

const Case kHeld{{
    .slug = "mmuext_op.pin.owned_frame.held_until_unpinned",
    .rule = "A pinned table stays a table of its level, with everything that its entries hold, until it is unpinned.",
    .source = "public/xen.h, MMUEXT_PIN_L1_TABLE, MMUEXT_UNPIN_TABLE",
    .requirements = {"MMUEXT-001", "MMUEXT-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          Page below = table_page(c.vcpu());
          for (unsigned level = 1; level <= 4; ++level) {
            const std::string at = "level " + std::to_string(level);
            const uint64_t entry = make_entry(below.frame, level == 1 ? kLeafRw : kBranch);
            const Page table = table_page(c.vcpu(), {{7, entry}});
            c.check_eq(ops.pin(level, table.frame), 0, at + ": pin");
            c.check_ne(remap(c.vcpu(), table, kLeafRw), 0, at + ": the table is not written");
            if (level > 1) c.check_ne(remap(c.vcpu(), below, kLeafRw), 0, at + ": nor is the table that it names");
            if (level == 1) c.check_ne(ops.pin(1, below.frame), 0, at + ": the page that it maps is no table");
            c.check_eq(ops.unpin(table.frame), 0, at + ": unpin");
            c.check_eq(remap(c.vcpu(), below, kLeafRw), 0, at + ": what it named is an ordinary page");
            c.check_eq(remap(c.vcpu(), below, kLeafRo), 0, at + ": read-only again");
            c.check_eq(remap(c.vcpu(), table, kLeafRw), 0, at + ": the table is an ordinary page");
            c.check_eq(remap(c.vcpu(), table, kLeafRo), 0, at + ": read-only again");
            below = table;
            if (level == 1) c.check_eq(ops.set_entry(table.frame, 7, 0), 0, "an empty level 1 table for the next step");
          }
        },
}};

const Case kTwice{{
    .slug = "mmuext_op.pin.twice.einval",
    .rule = "A pinned table is not pinned again: EINVAL, and one unpin is enough afterwards.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 1; level <= 4; ++level) {
            const Page table = table_page(c.vcpu());
            c.require_eq(ops.pin(level, table.frame), 0, "first pin");
            c.check_eq(ops.pin(level, table.frame), -XEN_EINVAL, "second pin");
            c.check_eq(ops.unpin(table.frame), 0, "first unpin");
            c.check_eq(remap(c.vcpu(), table, kLeafRw), 0, "an ordinary page again");
            c.check_eq(ops.unpin(table.frame), -XEN_EINVAL, "second unpin");
          }
        },
}};

const Case kNotOurs{{
    .slug = "mmuext_op.pin.frame_not_owned.refused",
    .rule = "A frame that is not the domain's is neither pinned nor unpinned, and its owner does not notice.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-003", "MMUEXT-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          MmuOps theirs(c.peer().vcpu(0));
          const Page table = table_page(c.peer().vcpu(0));
          constexpr Gfn kAbsent{0xff'ffff'ffff};
          for (const Gfn frame : {table.frame, kAbsent}) {
            c.check_eq(ops.pin(1, frame), -XEN_EINVAL, "pin of " + show(frame.raw()));
            c.check_eq(ops.unpin(frame), -XEN_EINVAL, "unpin of " + show(frame.raw()));
          }
          c.check_eq(theirs.pin(1, table.frame), 0, "its owner pins it");
          c.check_eq(ops.unpin(table.frame), -XEN_EINVAL, "we unpin it");
          c.check_eq(theirs.unpin(table.frame), 0, "its owner unpins it");
        },
}};

const Case kNotPinned{{
    .slug = "mmuext_op.unpin.not_pinned.einval",
    .rule = "Unpinning a frame that is not pinned gives EINVAL, also when it is a table that another one names.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          c.check_eq(ops.unpin(heap_page(c.vcpu()).frame), -XEN_EINVAL, "an ordinary page");
          const Page below = table_page(c.vcpu());
          const Page table = table_page(c.vcpu(), {{0, make_entry(below.frame, kBranch)}});
          c.require_eq(ops.pin(2, table.frame), 0, "set-up: pin");
          c.check_eq(ops.unpin(below.frame), -XEN_EINVAL, "a table that is in use");
          c.check_ne(remap(c.vcpu(), below, kLeafRw), 0, "it is still a table");
          c.check_eq(ops.unpin(table.frame), 0, "unpin of the upper one");
        },
}};

const Case kInUse{{
    .slug = "mmuext_op.unpin.table_in_use.stays_table",
    .rule = "Unpinning takes the pin alone: a table that another one names, or a vCPU runs on, stays a table.",
    .source = "public/xen.h, MMUEXT_UNPIN_TABLE",
    .requirements = {"MMUEXT-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page below = table_page(c.vcpu());
          c.require_eq(ops.pin(1, below.frame), 0, "set-up: pin of the lower table");
          const Page table = table_page(c.vcpu(), {{0, make_entry(below.frame, kBranch)}});
          c.require_eq(ops.pin(2, table.frame), 0, "set-up: pin of the upper table");
          c.check_eq(ops.unpin(below.frame), 0, "unpin of the lower one");
          c.check_ne(remap(c.vcpu(), below, kLeafRw), 0, "it is still a table");
          c.check_eq(ops.unpin(table.frame), 0, "unpin of the upper one");
          c.check_eq(remap(c.vcpu(), below, kLeafRw), 0, "the lower one is an ordinary page");
        },
}};

const Case kDomainDies{{
    .slug = "mmuext_op.pin.domain_destroyed.everything_released",
    .rule =
        "Pinned tables and tables in use do not outlive their domain: its destruction comes to an end and its frames "
        "come back.",
    .source = "xen/arch/x86/domain.c, domain_relinquish_resources",
    .method =
        "A guest pins tables at every level, some of them naming each other or themselves, and is destroyed; the "
        "toolstack waits until its id is gone. Afterwards as many frames are free as after a guest without tables.",
    .requirements = {"MMUEXT-020"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          c.target().destroy_guest(c.guest(c.guest_spec()));
          const uint64_t before = settled_free_pages(c);
          Domain& doomed = c.guest(c.guest_spec());
          const DomId doomed_id = doomed.id();
          Vcpu& vcpu = doomed.vcpu(0);
          MmuOps ops(vcpu);
          const Window window = open_window(vcpu, {{0, make_entry(heap_page(vcpu).frame, kLeafRw)}});
          c.require_eq(ops.pin(3, window.l3.frame), 0, "set-up: pin of a table in use");
          const Page self = table_page(vcpu);
          c.require_eq(ops.pin(4, self.frame), 0, "set-up: pin of an L4");
          c.require_eq(ops.set_entry(self.frame, 4, make_entry(self.frame, kLinear)), 0, "set-up: a self map");
          c.require_eq(ops.ext(MMUEXT_NEW_USER_BASEPTR, self.frame.raw()), 0, "set-up: a user root");
          c.check_eq(ops.set_entry(window.l1.frame, 1, make_entry(self.frame, kLeafRw)), -XEN_EBUSY,
                     "a mapping that is refused holds nothing either");
          c.check(settled_free_pages(c) < before, "the domain has memory");
          c.target().destroy_guest(doomed);
          const auto info = DomctlOps(c.dom0().vcpu(0)).domain_info(doomed_id);
          c.check(info.result != 0 || info.arg.u.getdomaininfo.domain != doomed_id.raw(), "the domain is gone");
          // A hypervisor keeps a few frames for itself.
          constexpr uint64_t kOwnUse = 32;
          c.check(settled_free_pages(c) + kOwnUse >= before, "its frames are free");
        },
}};

const Case kListStops{{
    .slug = "mmuext_op.list.first_failure.stops_and_counts",
    .rule =
        "The list is worked off in order up to the first operation that fails; the counter says how many were done.",
    .source = "public/xen.h, mmuext_op(uops, count, pdone, foreigndom)",
    .requirements = {"MMUEXT-017"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page first = table_page(c.vcpu());
          const Page last = table_page(c.vcpu());
          const ListResult got = ops.ext({MmuOps::ext_request(MMUEXT_PIN_L1_TABLE, first.frame.raw()),
                                          MmuOps::ext_request(MMUEXT_TLB_FLUSH_LOCAL),
                                          MmuOps::ext_request(MMUEXT_UNPIN_TABLE, last.frame.raw()),
                                          MmuOps::ext_request(MMUEXT_PIN_L1_TABLE, last.frame.raw())});
          c.check_eq(got.result, -XEN_EINVAL, "a list whose third operation is bad");
          c.check_eq(got.done, 2u, "how many were done");
          c.check_eq(ops.unpin(first.frame), 0, "the first one was done");
          c.check_eq(ops.unpin(last.frame), -XEN_EINVAL, "the last one was not");
          const ListResult whole = ops.ext({MmuOps::ext_request(MMUEXT_PIN_L1_TABLE, first.frame.raw()),
                                            MmuOps::ext_request(MMUEXT_UNPIN_TABLE, first.frame.raw())});
          c.check_eq(whole.result, 0, "a good list");
          c.check_eq(whole.done, 2u, "how many were done");
        },
}};

const Case kUnknown{{
    .slug = "mmuext_op.command.unknown_or_obsolete.refused",
    .rule = "MARK_SUPER and UNMARK_SUPER are gone: EOPNOTSUPP. Commands that never were give ENOSYS.",
    .source = "public/xen.h, MMUEXT_MARK_SUPER",
    .requirements = {"MMUEXT-016"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const uint64_t frame = heap_page(c.vcpu()).frame.raw();
          for (const unsigned command : Commands{MMUEXT_MARK_SUPER, MMUEXT_UNMARK_SUPER}) {
            c.check_eq(ops.ext(command, frame), -XEN_EOPNOTSUPP, "command " + std::to_string(command));
          }
          for (const unsigned command : {14u, 21u, 0x8000'0000u, 0xffff'ffffu}) {
            const ListResult got = ops.ext({MmuOps::ext_request(command, frame)});
            c.check_eq(got.result, -XEN_ENOSYS, "command " + std::to_string(command));
            c.check_eq(got.done, 0u, "how many were done");
          }
        },
}};

}  // namespace
}  // namespace assay
