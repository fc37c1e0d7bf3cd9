/// No translation outlives what it was made from, where the ABI says so.
#include <span>
#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

/// Whether vCPU reads the address without a fault; the translation is then cached as far as the processor caches.
bool reads(Vcpu& vcpu, Gva va) {
  std::byte byte{};
  return !vcpu.read_bytes(va, std::span(&byte, 1)).has_value();
}

bool writes(Vcpu& vcpu, Gva va) {
  const std::byte byte{1};
  return !vcpu.write_bytes(va, std::span(&byte, 1)).has_value();
}

const Case kUpperEntryGone{{
    .slug = "mmu_update.upper_entry.removed.translations_gone",
    .rule =
        "When an entry of level 2, 3 or 4 has been changed, no vCPU of the domain uses a translation through the old "
        "one, without any flush of the guest's own.",
    .source = "xen/arch/x86/mm.c, do_mmu_update",
    .requirements = {"MMU-011"},
    .guests = GuestTypes::kPv64,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu(0));
          const Page page = heap_page(c.vcpu(0));
          const Window window = open_window(c.vcpu(0), {{0, make_entry(page.frame, kLeafRw | kPteUser)}});
          const Page root = root_table(c.guest());
          struct Step {
            Gfn table;
            unsigned index;
            Gfn below;
          };
          for (const Step& step : {Step{window.l2.frame, 0, window.l1.frame}, Step{window.l3.frame, 0, window.l2.frame},
                                   Step{root.frame, window.slot, window.l3.frame}}) {
            for (const uint32_t vcpu : {0u, 1u}) c.check(writes(c.vcpu(vcpu), window.page(0)), "mapped: it is there");
            c.check_eq(ops.set_entry(step.table, step.index, 0), 0, "removing an entry on the way");
            for (const uint32_t vcpu : {0u, 1u}) {
              c.check(!reads(c.vcpu(vcpu), window.page(0)), "vCPU " + std::to_string(vcpu) + " cannot read any more");
            }
            c.check_eq(ops.set_entry(step.table, step.index, make_entry(step.below, kBranch)), 0, "putting it back");
          }
        },
}};

const Case kTypeChange{{
    .slug = "mmuext_op.page_type.new_table.no_stale_writable_translation",
    .rule = "A page becomes a page table only when no vCPU has a writable translation of it any more, though the guest "
            "flushed nothing when it took its mapping away.",
    .source = "xen/arch/x86/mm.c, _get_page_type",
    .requirements = {"MMU-TYPE-004"},
    .guests = GuestTypes::kPv64,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu(0));
          const Page page = heap_page(c.vcpu(0));
          for (const uint32_t vcpu : {0u, 1u}) {
            c.require(writes(c.vcpu(vcpu), page.va + 8 * vcpu), "set-up: a writable translation");
          }
          c.vcpu(0).write(page.va, uint64_t{0});
          c.vcpu(1).write(page.va + 8, uint64_t{0});
          c.require_eq(ops.update_va(page.va, make_entry(page.frame, kLeafRo), UVMF_NONE), 0, "made read-only");
          c.require_eq(ops.pin(1, page.frame), 0, "pin");
          for (const uint32_t vcpu : {0u, 1u}) {
            c.check(!writes(c.vcpu(vcpu), page.va), "vCPU " + std::to_string(vcpu) + " cannot write the table");
            c.check(reads(c.vcpu(vcpu), page.va), "vCPU " + std::to_string(vcpu) + " can read it");
          }
          c.check_eq(entry_at(c.vcpu(0), page, 0), 0u, "the table");
        },
}};

}  // namespace
}  // namespace assay
