#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

uint64_t m2p(Vcpu& vcpu, Gfn frame) {
  return vcpu.read<uint64_t>(Gva{MACH2PHYS_VIRT_START} + frame.raw() * sizeof(uint64_t));
}

const Case kOwnFrame{{
    .slug = "mmu_update.machphys.own_frame.entry_set",
    .rule = "MMU_MACHPHYS_UPDATE sets the frame's entry in the machine-to-physical table, and no other.",
    .source = "public/xen.h, MMU_MACHPHYS_UPDATE",
    .requirements = {"MMU-010"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const Page other = heap_page(c.vcpu());
          const uint64_t pfn = c.guest().pfn_of(page.va).raw();
          c.check_eq(m2p(c.vcpu(), page.frame), pfn, "entry to begin with");
          c.check_eq(ops.set_m2p(page.frame, 0x12345), 0, "set");
          c.check_eq(m2p(c.vcpu(), page.frame), 0x12345u, "entry afterwards");
          c.check_eq(m2p(c.vcpu(), other.frame), c.guest().pfn_of(other.va).raw(), "entry of another frame");
          c.check_eq(entry_at(c.vcpu(), page, 0), 0u, "content of the frame");
          c.check_eq(ops.set_m2p(page.frame, pfn), 0, "set back");
        },
}};

const Case kNotOwned{{
    .slug = "mmu_update.machphys.not_owned.einval",
    .rule = "MMU_MACHPHYS_UPDATE of a frame that the domain does not own gives EINVAL and changes nothing.",
    .source = "public/xen.h, MMU_MACHPHYS_UPDATE",
    .requirements = {"MMU-010"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page theirs = heap_page(c.peer().vcpu(0));
          const uint64_t before = m2p(c.vcpu(), theirs.frame);
          c.check_eq(ops.set_m2p(theirs.frame, 7), -XEN_EINVAL, "another domain's frame");
          c.check_eq(m2p(c.vcpu(), theirs.frame), before, "its entry");
          c.check_eq(ops.set_m2p(Gfn{0xff'ffff'ffff}, 7), -XEN_EINVAL, "a frame that does not exist");
        },
}};

const Case kForeign{{
    .slug = "mmu_update.machphys.foreign.rules",
    .rule =
        "A control domain sets entries of a PV domain's frames; naming a table owner other than itself gives EPERM, "
        "and a translated owner EINVAL.",
    .source = "xen/arch/x86/mm.c, do_mmu_update",
    .requirements = {"MMU-010"},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.dom0().vcpu(0));
          const Page theirs = heap_page(c.vcpu());
          const uint32_t id = c.guest().id().raw();
          const uint32_t as_table_owner = (id + 1) << 16;
          if (!c.pv()) {
            c.check_eq(ops.set_m2p(Gfn{0xff'ffff'ffff}, 7, id), -XEN_EINVAL, "frame number of a translated domain");
            return;
          }
          const uint64_t before = m2p(c.vcpu(), theirs.frame);
          c.check_eq(ops.set_m2p(theirs.frame, 7, id | as_table_owner), -XEN_EPERM, "with a table owner");
          c.check_eq(m2p(c.vcpu(), theirs.frame), before, "entry after the refusal");
          c.check_eq(ops.set_m2p(theirs.frame, 7, id), 0, "of the frame's owner");
          c.check_eq(m2p(c.vcpu(), theirs.frame), 7u, "entry");
          c.check_eq(ops.set_m2p(theirs.frame, before, id), 0, "set back");
        },
}};

}  // namespace
}  // namespace assay
