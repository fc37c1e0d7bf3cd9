/// memory_op reservations: what comes back, what counts, and how failure looks (a short count, not an errno).
#include <algorithm>

#include "conformance/case.hpp"
#include "conformance/cases/memory_op/spare_page.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

constexpr uint64_t kReservationOps[] = {XENMEM_increase_reservation, XENMEM_decrease_reservation,
                                        XENMEM_populate_physmap};

const Case kDecreaseCounts{{
    .slug = "memory_op.decrease_reservation.one_page.counted",
    .rule = "decrease_reservation frees the page and lowers the current reservation; the result counts extents.",
    .source = "public/memory.h, XENMEM_decrease_reservation",
    .requirements = {"MEM-RES-001", "MEM-RES-010", "MEM-STAT-002"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          const int64_t before = memory.current_reservation();
          c.check_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "extents freed");
          c.check_eq(memory.current_reservation(), before - 1, "current reservation");
        },
}};

const Case kDecreaseTwice{{
    .slug = "memory_op.decrease_reservation.not_owned.stops",
    .rule = "decrease_reservation stops at a frame that the domain does not own.",
    .source = "public/memory.h, XENMEM_decrease_reservation",
    .method = "The list frees a page, names it again, and then another one: only the first is processed.",
    .requirements = {"MEM-RES-011", "MEM-RES-001"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage one = spare_page(c);
          const SparePage two = spare_page(c);
          const int64_t before = memory.current_reservation();
          c.check_eq(memory.decrease_reservation({.extents = {one.gfn.raw(), one.gfn.raw(), two.gfn.raw()}}).done, 1,
                     "extents freed");
          c.check_eq(memory.current_reservation(), before - 1, "current reservation");
        },
}};

const Case kDecreaseInvalid{{
    .slug = "memory_op.decrease_reservation.invalid_frame.zero",
    .rule = "decrease_reservation of a frame that does not exist frees nothing.",
    .source = "public/memory.h, XENMEM_decrease_reservation",
    .requirements = {"MEM-RES-011"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const int64_t before = memory.current_reservation();
          for (const uint64_t frame : {uint64_t{1} << 40, ~uint64_t{0}, uint64_t{1} << 51}) {
            c.check_eq(memory.decrease_reservation({.extents = {frame}}).done, 0, "frame " + std::to_string(frame));
          }
          c.check_eq(memory.current_reservation(), before, "current reservation");
        },
}};

const Case kPopulateAfterDecrease{{
    .slug = "memory_op.populate_physmap.after_decrease.usable",
    .rule = "populate_physmap places memory at the frame asked for; a PV guest finds the machine frame in the list.",
    .source = "public/memory.h, XENMEM_populate_physmap",
    .method = "A page is given back and asked for again, then written and read through the guest's own mapping.",
    .requirements = {"MEM-RES-008", "MEM-STAT-002"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          const int64_t before = memory.current_reservation();
          c.require_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "extents freed");
          const auto populated = memory.populate_physmap({.extents = {page.pfn.raw()}});
          c.require_eq(populated.done, 1, "extents populated");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          if (c.pv()) {
            const uint64_t entry = populated.extents[0] << kPageShift | kMapped;
            c.require_eq(update_mapping(c.vcpu(), page.va, entry), 0, "mapping the new frame");
            const Gva m2p{0xffff'8000'0000'0000 + populated.extents[0] * sizeof(uint64_t)};
            c.check_eq(c.vcpu().read<uint64_t>(m2p), page.pfn.raw(), "machine-to-physical entry of the new frame");
          } else {
            c.check_eq(populated.extents[0], page.pfn.raw(), "an HVM guest's list is left alone");
          }
          c.vcpu().write(page.va, uint64_t{0x1122334455667788});
          c.check_eq(c.vcpu().read<uint64_t>(page.va), 0x1122334455667788u, "what was written");
        },
}};

const Case kPopulateClean{{
    .slug = "memory_op.populate_physmap.no_foreign_data",
    .rule = "Memory handed to a running guest holds no data of other domains.",
    .source = "docs: page allocator scrubs what a dying domain leaves behind",
    .method = "A peer fills its heap with a pattern and is destroyed; pages the guest then gets do not show it.",
    .requirements = {"MEM-RES-018"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint8_t kPattern = 0xd7;
          constexpr uint64_t kFilled = 32;
          MemoryOps memory(c.vcpu());
          std::vector<SparePage> pages;
          for (int i = 0; i < 8; ++i) pages.push_back(spare_page(c));
          for (const SparePage& page : pages) {
            c.require_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "extents freed");
          }
          const Gva secret = c.peer().alloc_pages(kFilled);
          c.require(!c.peer().vcpu(0).fill(secret, kFilled * kPageSize, kPattern), "the peer fills its pages");
          c.target().destroy_guest(c.peer());
          for (const SparePage& page : pages) {
            const auto populated = memory.populate_physmap({.extents = {page.pfn.raw()}});
            c.require_eq(populated.done, 1, "extents populated");
            if (c.pv()) {
              const uint64_t entry = populated.extents[0] << kPageShift | kMapped;
              c.require_eq(update_mapping(c.vcpu(), page.va, entry), 0, "mapping the new frame");
            }
            std::array<uint8_t, kPageSize> bytes{};
            c.require(!c.vcpu().read_bytes(page.va, std::as_writable_bytes(std::span(bytes))), "reading the new page");
            const auto found = static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), kPattern));
            c.check(found < kPageSize / 4, "the page does not hold the peer's pattern");
          }
        },
}};

const Case kPopulateOverLimit{{
    .slug = "memory_op.populate_physmap.over_maximum.stops",
    .rule = "populate_physmap stops at the first extent that would exceed the domain's maximum.",
    .source = "public/memory.h, XENMEM_maximum_reservation",
    .method = "As many pages as the limit still allows are asked for, and some more.",
    .requirements = {"MEM-RES-007", "MEM-STAT-003"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const int64_t room = memory.maximum_reservation() - memory.current_reservation();
          c.require(room >= 0, "the maximum is not below what the domain has");
          c.require(room < 256, "the test domain's limit is near its size");
          std::vector<uint64_t> list;
          const uint64_t beyond = c.guest().space().pages + 4096;
          for (uint64_t i = 0; i < static_cast<uint64_t>(room) + 3; ++i) list.push_back(beyond + i);
          c.check_eq(memory.populate_physmap({.extents = list}).done, room, "extents populated");
          // Which call comes first must not be the compiler's choice: it would change the run's digest.
          const int64_t current = memory.current_reservation();
          c.check_eq(current, memory.maximum_reservation(), "current reservation");
        },
}};

const Case kBadArgument{{
    .slug = "memory_op.reservation.bad_argument_pointer.zero",
    .rule = "A reservation operation whose argument cannot be read returns 0 extents, not EFAULT.",
    .source = "public/memory.h, results of reservation operations",
    .requirements = {"MEM-RES-002", "HCALL-020"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          for (const uint64_t op : kReservationOps) {
            for (const BadPointer& bad : bad_pointers(c.guest_type())) {
              c.check_eq(memory.raw(op, bad.va), 0, std::string(bad.what) + ", operation " + std::to_string(op));
            }
          }
        },
}};

const Case kNoExtents{{
    .slug = "memory_op.reservation.no_extents.zero",
    .rule = "No extents: nothing happens and the result is 0.",
    .source = "public/memory.h, nr_extents",
    .requirements = {"MEM-RES-004"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const int64_t before = memory.current_reservation();
          for (const uint64_t op : kReservationOps)
            c.check_eq(memory.reserve(op, {}).done, 0, "operation " + std::to_string(op));
          c.check_eq(memory.current_reservation(), before, "current reservation");
        },
}};

const Case kTooManyExtents{{
    .slug = "memory_op.reservation.extents_over_limit.zero",
    .rule = "More extents than a continuation can encode (0x3ffffff) are refused: 0.",
    .source = "public/memory.h, nr_extents",
    .requirements = {"MEM-RES-003"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          const int64_t before = memory.current_reservation();
          c.check_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}, .count = 0x4000000}).done, 0,
                     "one extent more than can be encoded");
          c.check_eq(memory.current_reservation(), before, "current reservation");
        },
}};

const Case kUnknownDomain{{
    .slug = "memory_op.reservation.absent_domain.zero",
    .rule = "A reservation for a domain that does not exist returns 0.",
    .source = "public/memory.h, domid of a reservation",
    .requirements = {"MEM-RES-005"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          for (const uint64_t op : kReservationOps) {
            c.check_eq(memory.reserve(op, {.extents = {1}, .dom = kDomAbsent}).done, 0,
                       "operation " + std::to_string(op));
          }
        },
}};

const Case kForeignDomain{{
    .slug = "memory_op.reservation.foreign_domain_unprivileged.zero",
    .rule = "An unprivileged guest cannot change the reservation of another domain: 0, and nothing changes there.",
    .source = "public/memory.h, domid of a reservation",
    .requirements = {"MEM-RES-005"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          MemoryOps theirs(c.peer().vcpu(0));
          const int64_t before = theirs.current_reservation();
          const Gfn frame = c.peer().gfn_of(c.peer().alloc_pages(1));
          c.check_eq(memory.decrease_reservation({.extents = {frame.raw()}, .dom = c.peer().id()}).done, 0, "decrease");
          c.check_eq(memory.populate_physmap({.extents = {5000}, .dom = c.peer().id()}).done, 0, "populate");
          c.check_eq(theirs.current_reservation(), before, "the peer's reservation");
        },
}};

const Case kOrderOverLimit{{
    .slug = "memory_op.reservation.order_over_limit.zero",
    .rule = "An extent order above the caller's limit returns 0.",
    .source = "docs: memop-max-order",
    .requirements = {"MEM-RES-006"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          c.check_eq(memory.populate_physmap({.extents = {0x8000}, .order = 10}).done, 0, "order 10 populate");
          c.check_eq(memory.increase_reservation({.extents = {0}, .order = 30}).done, 0, "order 30 increase");
        },
}};

const Case kAddressBits{{
    .slug = "memory_op.reservation.address_bits_below_page.zero",
    .rule = "A limit of 1 to 12 address bits can hold no page: 0.",
    .source = "public/memory.h, XENMEMF_address_bits",
    .requirements = {"MEM-RES-015"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          c.require_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "making room");
          for (const unsigned bits : {1u, 12u}) {
            c.check_eq(memory.populate_physmap({.extents = {page.pfn.raw()}, .flags = XENMEMF_address_bits(bits)}).done,
                       0, std::to_string(bits) + " bits");
          }
          c.check_eq(memory.populate_physmap({.extents = {page.pfn.raw()}, .flags = XENMEMF_address_bits(48)}).done, 1,
                     "48 bits");
        },
}};

const Case kExactNode{{
    .slug = "memory_op.reservation.exact_node_unprivileged.zero",
    .rule = "An unprivileged guest cannot insist on a node: 0. A node without that is a hint, and ignored.",
    .source = "public/memory.h, XENMEMF_exact_node and XENMEMF_node",
    .requirements = {"MEM-RES-016"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          c.require_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "making room");
          const int64_t before = memory.current_reservation();
          for (const unsigned node : {0u, 63u}) {
            c.check_eq(memory.populate_physmap({.extents = {page.pfn.raw()}, .flags = XENMEMF_exact_node(node)}).done,
                       0, "exactly node " + std::to_string(node));
          }
          c.check_eq(memory.current_reservation(), before, "current reservation");
          c.check_eq(memory.populate_physmap({.extents = {page.pfn.raw()}, .flags = XENMEMF_node(63)}).done, 1,
                     "preferably node 63");
        },
}};

const Case kMappedPvPage{{
    .slug = "memory_op.decrease_reservation.still_mapped.reference_kept",
    .rule = "Giving back a PV page that is still mapped succeeds; the mapping stays usable until it goes.",
    .source = "public/memory.h, XENMEM_decrease_reservation",
    .requirements = {"MEM-RES-012"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Gva va = c.guest().alloc_pages(1);
          c.vcpu().write(va, uint64_t{42});
          c.check_eq(memory.decrease_reservation({.extents = {c.guest().gfn_of(va).raw()}}).done, 1, "extents freed");
          c.check_eq(c.vcpu().read<uint64_t>(va), 42u, "the mapping still reads");
          c.check_eq(update_mapping(c.vcpu(), va, 0), 0, "removing the mapping");
        },
}};

const Case kIncreasePv{{
    .slug = "memory_op.increase_reservation.list.frames_written",
    .rule = "increase_reservation hands a PV guest new machine frames in its list; each is owned from then on.",
    .source = "public/memory.h, XENMEM_increase_reservation",
    .requirements = {"MEM-RES-009", "MEM-STAT-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          c.require_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "making room");
          const int64_t before = memory.current_reservation();
          const auto grown = memory.increase_reservation({.extents = {0}});
          c.require_eq(grown.done, 1, "extents gained");
          c.check_ne(grown.extents[0], 0u, "machine frame of the new page");
          c.check_eq(memory.current_reservation(), before + 1, "current reservation");
          c.check_eq(memory.decrease_reservation({.extents = {grown.extents[0]}}).done, 1, "it can be given back");
        },
}};

const Case kLongList{{
    .slug = "memory_op.reservation.long_list.each_once",
    .rule = "A long list may be preempted and resumed; no extent is processed twice.",
    .source = "public/memory.h, results of reservation operations",
    .requirements = {"MEM-RES-017"},
    .body =
        [](CaseContext& c) {
          constexpr size_t kPages = 64;
          MemoryOps memory(c.vcpu());
          std::vector<uint64_t> gfns;
          std::vector<uint64_t> pfns;
          for (size_t i = 0; i < kPages; ++i) {
            const SparePage page = spare_page(c);
            gfns.push_back(page.gfn.raw());
            pfns.push_back(page.pfn.raw());
          }
          const int64_t before = memory.current_reservation();
          c.check_eq(memory.decrease_reservation({.extents = gfns}).done, kPages, "extents freed");
          c.check_eq(memory.current_reservation(), before - static_cast<int64_t>(kPages), "current reservation");
          c.check_eq(memory.populate_physmap({.extents = pfns}).done, kPages, "extents populated");
          c.check_eq(memory.current_reservation(), before, "current reservation");
        },
}};

const Case kAddressLimit{{
    .slug = "memory_op.populate_physmap.no_memory_below_limit.zero",
    .rule = "Memory that must lie below an address is not taken from above it: 0 extents where there is none.",
    .source = "public/memory.h, XENMEMF_address_bits",
    .method = "Below 1 MiB no memory for guests is.",
    .requirements = {"MEM-RES-001"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          c.require_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "making room");
          const int64_t before = memory.current_reservation();
          const Reservation low{.extents = {page.pfn.raw()}, .flags = XENMEMF_address_bits(20)};
          c.check_eq(memory.populate_physmap(low).done, 0, "populate below 1 MiB");
          c.check_eq(memory.increase_reservation(low).done, 0, "increase below 1 MiB");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          c.check_eq(memory.populate_physmap({.extents = {page.pfn.raw()}}).done, 1, "populate anywhere");
        },
}};

const Case kPinnedPage{{
    .slug = "memory_op.decrease_reservation.pinned_table.stays_pinned",
    .rule = "A pinned page table that is given back stays pinned: it is the unpin that ends it.",
    .source = "public/memory.h, XENMEM_decrease_reservation; public/xen.h, MMUEXT_UNPIN_TABLE",
    .requirements = {"MEM-RES-012", "MMUEXT-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          MmuOps mmu(c.vcpu());
          const Page table = table_page(c.vcpu());
          c.require_eq(mmu.pin(1, table.frame), 0, "pinning a table");
          c.check_eq(memory.decrease_reservation({.extents = {table.frame.raw()}}).done, 1, "giving it back");
          c.check_eq(mmu.unpin(table.frame), 0, "unpinning it");
          c.check_eq(mmu.unpin(table.frame), -XEN_EINVAL, "unpinning it again");
        },
}};

}  // namespace
}  // namespace assay
