/// Who may issue mmuext_op, and on whose frames.
#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

const Case kOwnVcpuOnly{{
    .slug = "mmuext_op.foreigndom.vcpu_operations.eperm",
    .rule = "Operations on the calling vCPU or its domain's translations cannot name another domain: EPERM.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-009"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.dom0().vcpu(0));
          const Page root = root_table(c.guest());
          for (const unsigned command :
               Commands{MMUEXT_NEW_BASEPTR, MMUEXT_NEW_USER_BASEPTR, MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL,
                        MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI, MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL,
                        MMUEXT_FLUSH_CACHE, MMUEXT_FLUSH_CACHE_GLOBAL, MMUEXT_SET_LDT}) {
            const bool names_frame = command == MMUEXT_NEW_BASEPTR || command == MMUEXT_NEW_USER_BASEPTR;
            c.check_eq(ops.ext(command, names_frame ? root.frame.raw() : 0, 0, c.guest().id()), -XEN_EPERM,
                       "command " + std::to_string(command));
          }
        },
}};

const Case kControlDomain{{
    .slug = "mmuext_op.foreigndom.control_domain.pins_and_copies",
    .rule = "A control domain pins, unpins, clears and copies frames of a PV domain that it names.",
    .source = "public/xen.h, mmuext_op: foreigndom",
    .requirements = {"MMUEXT-001", "MMUEXT-014"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.dom0().vcpu(0));
          MmuOps theirs(c.vcpu());
          const DomId dom = c.guest().id();
          const Page table = table_page(c.vcpu());
          const Page from = heap_page(c.vcpu());
          const Page to = heap_page(c.vcpu());
          c.check_eq(ops.pin(1, table.frame, dom), 0, "pin");
          c.check_eq(theirs.pin(1, table.frame), -XEN_EINVAL, "its owner pins it too");
          c.check_eq(ops.unpin(table.frame, dom), 0, "unpin");
          c.vcpu().write(from.va, uint64_t{77});
          c.check_eq(ops.ext(MMUEXT_COPY_PAGE, to.frame.raw(), from.frame.raw(), dom), 0, "copy");
          c.check_eq(entry_at(c.vcpu(), to, 0), 77u, "the copy");
          c.check_eq(ops.ext(MMUEXT_CLEAR_PAGE, from.frame.raw(), 0, dom), 0, "clear");
          c.check_eq(entry_at(c.vcpu(), from, 0), 0u, "the page that was cleared");
        },
}};

const Case kForeignRefused{{
    .slug = "mmuext_op.foreigndom.unprivileged.eperm",
    .rule = "A domain without privilege that names another one gets EPERM; no such domain, or its own number: ESRCH.",
    .source = "xen/common/page_alloc.c, get_pg_owner",
    .requirements = {"MMUEXT-009"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          MmuOps theirs(c.peer().vcpu(0));
          const Page table = table_page(c.peer().vcpu(0));
          c.check_eq(ops.pin(1, table.frame, c.peer().id()), -XEN_EPERM, "pin of the peer's frame");
          c.check_eq(ops.ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0, c.peer().id()), -XEN_EPERM, "a flush");
          c.check_eq(theirs.unpin(table.frame), -XEN_EINVAL, "it is not pinned");
          for (const DomId dom : {c.guest().id(), kDomAbsent, kDomInvalid}) {
            c.check_eq(ops.ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0, dom), -XEN_ESRCH, "domain " + std::to_string(dom.raw()));
          }
        },
}};

const Case kTranslatedOwner{{
    .slug = "mmuext_op.foreigndom.hvm_owner.einval",
    .rule = "An owner that is no PV domain gives EINVAL for the whole call, before any operation is looked at.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-018"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.dom0().vcpu(0));
          for (const unsigned command : Commands{MMUEXT_PIN_L1_TABLE, MMUEXT_TLB_FLUSH_LOCAL, 99u}) {
            c.check_eq(ops.ext(command, 0, 0, c.guest().id()), -XEN_EINVAL, "command " + std::to_string(command));
          }
        },
}};

const Case kPvhSelf{{
    .slug = "mmuext_op.caller.pvh_on_itself.einval",
    .rule = "A PVH domain is no PV owner: on itself each command gives EINVAL.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-018", "MMUEXT-019"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const uint64_t frame = heap_page(c.vcpu()).frame.raw();
          for (const unsigned command : Commands{MMUEXT_PIN_L1_TABLE, MMUEXT_UNPIN_TABLE, MMUEXT_NEW_BASEPTR,
                                                 MMUEXT_TLB_FLUSH_ALL, MMUEXT_CLEAR_PAGE}) {
            c.check_eq(ops.ext(command, frame), -XEN_EINVAL, "command " + std::to_string(command));
          }
        },
}};

const Case kPvhOnPv{{
    .slug = "mmuext_op.caller.pvh_on_pv_domain.eperm",
    .rule = "A PVH domain without privilege cannot act on a PV domain either: EPERM, whatever the command.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-019"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests, Capability::kPv64Guest},
    .body =
        [](CaseContext& c) {
          GuestSpec spec = c.guest_spec();
          spec.type = GuestType::kPv64;
          Domain& target = c.guest(spec);
          MmuOps ops(c.vcpu());
          const Page table = table_page(target.vcpu(0));
          for (const unsigned command :
               Commands{MMUEXT_PIN_L1_TABLE, MMUEXT_UNPIN_TABLE, MMUEXT_NEW_BASEPTR, MMUEXT_CLEAR_PAGE}) {
            c.check_eq(ops.ext(command, table.frame.raw(), 0, target.id()), -XEN_EPERM,
                       "command " + std::to_string(command));
          }
          c.check_eq(remap(target.vcpu(0), table, kLeafRw), 0, "its page is an ordinary one");
        },
}};

const Case kPvTarget{{
    .slug = "domctl.set_target.pv_target.eopnotsupp",
    .rule = "Only an HVM domain has a device model: no other gets rights over a PV domain that way.",
    .source = "xen/common/domctl.c, XEN_DOMCTL_set_target",
    .requirements = {"MMUEXT-019"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests, Capability::kPv64Guest},
    .body =
        [](CaseContext& c) {
          GuestSpec spec = c.guest_spec();
          spec.type = GuestType::kPv64;
          const DomId target = c.guest(spec).id();
          DomctlOps dom0(c.dom0().vcpu(0));
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_target, c.guest().id());
          request.u.set_target.target = target.raw();
          c.check_eq(dom0.call(request).result, -XEN_EOPNOTSUPP, "set_target");
          c.check_eq(MmuOps(c.vcpu()).ext(MMUEXT_UNPIN_TABLE, 0, 0, target), -XEN_EPERM, "acting on it afterwards");
        },
}};

const Case kBadList{{
    .slug = "mmuext_op.list.unreadable.efault",
    .rule = "A list that cannot be read gives EFAULT and nothing is done.",
    .source = "public/xen.h, mmuext_op",
    .requirements = {"MMUEXT-017"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GuestStruct<uint32_t> done(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            done.put(kUntouched32);
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_mmuext_op, {bad.va.raw(), 1, done.va().raw(), DOMID_SELF}),
                       -XEN_EFAULT, bad.what);
            c.check(done.get() == kUntouched32 || done.get() == 0, "no operation counts as done");
          }
        },
}};

}  // namespace
}  // namespace assay
