/// What operations leave behind on a page of a PV64 guest: nothing. Then it can be exchanged for another one, which the
/// least reference to it forbids.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_copy.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/memory.h, XENMEM_exchange: pages that nothing else refers to";

/// The result of exchanging a page of the heap after its own mapping was removed.
int64_t exchange_page(Vcpu& owner, const Page& page) {
  MemoryOps memory(owner);
  const uint64_t pfn = owner.domain().pfn_of(page.va).raw();
  if (const int64_t result = MmuOps(owner).update_va(page.va, 0, UVMF_INVLPG | UVMF_LOCAL); result != 0) return result;
  return memory.exchange({.in = {.extents = {page.frame.raw()}}, .out = {.extents = {pfn}}}).result;
}

const Case kM2pUpdate{{
    .slug = "memory_op.exchange.after_m2p_update.unreferenced",
    .rule = "An update of a frame's M2P entry, made or refused, leaves no reference to the frame.",
    .source = kSource,
    .requirements = {"MMU-010", "MEM-XCHG-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const uint64_t pfn = c.guest().pfn_of(page.va).raw();
          c.require_eq(ops.set_m2p(page.frame, pfn), 0, "the update");
          c.check_eq(exchange_page(c.vcpu(), page), 0, "exchanging the page");
        },
}};

const Case kRefusedPageCopy{{
    .slug = "memory_op.exchange.after_refused_copy_page.unreferenced",
    .rule = "A page copy that is refused for its destination leaves no reference to the source.",
    .source = kSource,
    .requirements = {"MMUEXT-014", "MEM-XCHG-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page source = heap_page(c.vcpu());
          const Page table = table_page(c.vcpu());
          c.require_eq(ops.pin(1, table.frame), 0, "set-up: a page table");
          c.check_eq(ops.ext(MMUEXT_COPY_PAGE, table.frame.raw(), source.frame.raw()), -XEN_EINVAL, "copying over it");
          c.check_eq(exchange_page(c.vcpu(), source), 0, "exchanging the source");
        },
}};

const Case kRefusedPin{{
    .slug = "memory_op.exchange.after_refused_pin.unreferenced",
    .rule = "A pin that is refused for an entry of the table leaves no reference to the page, nor to what it names.",
    .source = kSource,
    .requirements = {"MMUEXT-003", "MEM-XCHG-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page named = heap_page(c.vcpu());
          constexpr uint64_t kNoFrame = 0xff'ffff'ffff;
          const Page table =
              table_page(c.vcpu(), {{0, make_entry(named.frame, kLeafRo)}, {1, make_entry(Gfn{kNoFrame}, kLeafRo)}});
          c.check(ops.pin(1, table.frame) < 0, "a table with an entry that names no frame is refused");
          c.check_eq(exchange_page(c.vcpu(), named), 0, "exchanging the page that its first entry names");
          c.check_eq(exchange_page(c.vcpu(), table), 0, "exchanging the page itself");
        },
}};

const Case kRefusedGrantCopy{{
    .slug = "memory_op.exchange.after_refused_grant_copy.unreferenced",
    .rule = "A grant copy into a page table is refused and leaves no reference to it.",
    .source = kSource,
    .requirements = {"GNT-COPY-010", "MEM-XCHG-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps mmu(c.vcpu());
          GrantOps grants(c.vcpu());
          const Page source = heap_page(c.vcpu());
          const Page table = table_page(c.vcpu());
          c.require_eq(mmu.pin(1, table.frame), 0, "set-up: a page table");
          const auto done = grants.copy(copy_request(by_frame(source.frame), by_frame(table.frame), 8));
          check_status(c, done, GNTST_general_error, "copying into it");
          c.require_eq(mmu.unpin(table.frame), 0, "it is a page table no more");
          c.check_eq(exchange_page(c.vcpu(), table), 0, "exchanging it");
          c.check_eq(exchange_page(c.vcpu(), source), 0, "exchanging the source");
        },
}};

const Case kRefusedGrantMap{{
    .slug = "memory_op.exchange.after_refused_grant_map.unreferenced",
    .rule = "A map for host and device that has no place for the host leaves no reference to the granted page.",
    .source = kSource,
    .requirements = {"GNT-MAP-020", "GNT-MAP-014", "MEM-XCHG-008"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kNoTable = uint64_t{1} << 46;
          GrantPair pair(c);
          pair.permit();
          const auto done = pair.ops.map(pair.request(kNoTable, GNTMAP_host_map | GNTMAP_device_map));
          check_status(c, done, GNTST_general_error, "mapping where no page table is");
          c.check_eq(pair.table.in_use(GrantPair::kRef), 0u, "use of the entry");
          c.check_eq(exchange_page(pair.granter, {pair.page, pair.frame}), 0, "the granter exchanges the page");
        },
}};

const Case kReadOnlyMapping{{
    .slug = "memory_op.exchange.mapped_readonly.einval",
    .rule = "A page that is only mapped to be read cannot be exchanged either: EINVAL, and it stays what it is.",
    .source = kSource,
    .requirements = {"MEM-XCHG-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Page page = heap_page(c.vcpu());
          c.vcpu().write(page.va, uint64_t{77});
          c.require_eq(remap(c.vcpu(), page, kLeafRo), 0, "mapping it read-only");
          const uint64_t pfn = c.guest().pfn_of(page.va).raw();
          const auto done = memory.exchange({.in = {.extents = {page.frame.raw()}}, .out = {.extents = {pfn}}});
          c.check_eq(done.result, -XEN_EINVAL, "exchange");
          c.check_eq(c.vcpu().read<uint64_t>(page.va), 77u, "its contents");
          c.check_eq(exchange_page(c.vcpu(), page), 0, "exchange without the mapping");
        },
}};

const Case kNoMemory{{
    .slug = "memory_op.exchange.no_such_memory.limit_stays",
    .rule =
        "An exchange for memory that there is not gives ENOMEM, and changes neither what the guest has nor may have.",
    .source = kSource,
    .method = "A page below 1 MiB is asked for, where no memory for guests is.",
    .requirements = {"MEM-XCHG-009"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const uint64_t pfn = c.guest().pfn_of(page.va).raw();
          c.require_eq(MmuOps(c.vcpu()).update_va(page.va, 0, UVMF_INVLPG | UVMF_LOCAL), 0, "unmapping a page");
          const int64_t current = memory.current_reservation();
          const int64_t maximum = memory.maximum_reservation();
          const auto done = memory.exchange(
              {.in = {.extents = {page.frame.raw()}}, .out = {.extents = {pfn}, .flags = XENMEMF_address_bits(20)}});
          c.check_eq(done.result, -XEN_ENOMEM, "exchange");
          c.check_eq(memory.current_reservation(), current, "current reservation");
          c.check_eq(memory.maximum_reservation(), maximum, "maximum reservation");
          c.check_eq(memory.decrease_reservation({.extents = {page.frame.raw()}}).done, 1, "the page is the guest's");
        },
}};

}  // namespace
}  // namespace assay
