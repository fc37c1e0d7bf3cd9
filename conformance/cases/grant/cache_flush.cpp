/// GNTTABOP_cache_flush, which only PV guests have.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"

namespace assay {
namespace {

constexpr uint32_t kBoth = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL;

/// A page of the guest's own, by its bus address.
uint64_t own_page(CaseContext& c) {
  return c.guest().gfn_of(c.guest().alloc_pages(1)).raw() << kPageShift;
}

const Case kOwn{{
    .slug = "grant.cache_flush.own_page.zero",
    .rule = "The caller's own memory may be flushed, in part or whole, by each operation; its contents stay.",
    .source = "public/grant_table.h, gnttab_cache_flush",
    .requirements = {"GNT-CFLUSH-002", "GNT-CFLUSH-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const Gva page = c.guest().alloc_pages(1);
          const uint64_t address = c.guest().gfn_of(page).raw() << kPageShift;
          c.vcpu().write(page, uint64_t{0x8888});
          c.check_eq(ops.cache_flush(address, 0, 4096, GNTTAB_CACHE_CLEAN), 0, "cleaning the page");
          c.check_eq(ops.cache_flush(address, 100, 8, GNTTAB_CACHE_CLEAN), 0, "cleaning a part");
          c.check_eq(ops.cache_flush(address, 4095, 1, kBoth), 0, "both, the last byte");
          c.check_eq(c.vcpu().read<uint64_t>(page), 0x8888u, "the contents");
        },
}};

const Case kBadArguments{{
    .slug = "grant.cache_flush.bad_arguments.einval",
    .rule = "An offset beyond the page, a length or a sum above a page, or an unknown operation gives EINVAL.",
    .source = "public/grant_table.h, gnttab_cache_flush",
    .requirements = {"GNT-CFLUSH-001", "GNT-CFLUSH-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const uint64_t address = own_page(c);
          struct Part {
            uint16_t offset, length;
          };
          for (const Part& part : {Part{4096, 1}, Part{0xffff, 1}, Part{0, 4097}, Part{1, 4096}, Part{4095, 2}}) {
            c.check_eq(ops.cache_flush(address, part.offset, part.length, GNTTAB_CACHE_CLEAN), -XEN_EINVAL,
                       std::to_string(part.length) + " bytes at " + std::to_string(part.offset));
          }
          for (const uint32_t op : {4u, 8u, 0x40000000u, kBoth | 4u}) {
            c.check_eq(ops.cache_flush(address, 0, 8, op), -XEN_EINVAL, "operation " + show(op));
          }
          for (const uint32_t op : {uint32_t{GNTTAB_CACHE_CLEAN}, kBoth}) {
            c.check_eq(ops.cache_flush(address, 0, 8, op | GNTTAB_CACHE_SOURCE_GREF), -XEN_EINVAL, "by a reference");
          }
        },
}};

const Case kNothing{{
    .slug = "grant.cache_flush.nothing_to_do.zero",
    .rule = "No bytes or no operation is done at once: 0, whatever the address.",
    .source = "public/grant_table.h, gnttab_cache_flush",
    .requirements = {"GNT-CFLUSH-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const uint64_t address : {own_page(c), uint64_t{1} << 50}) {
            c.check_eq(ops.cache_flush(address, 0, 0, GNTTAB_CACHE_CLEAN), 0, "no bytes");
            c.check_eq(ops.cache_flush(address, 0, 8, 0), 0, "no operation");
          }
        },
}};

const Case kForeign{{
    .slug = "grant.cache_flush.foreign_page.needs_mapping",
    .rule = "Memory of another domain may be flushed while it is mapped by a grant, and not before or after: EINVAL.",
    .source = "public/grant_table.h, gnttab_cache_flush: a page granted to the calling domain",
    .requirements = {"GNT-CFLUSH-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const uint64_t address = pair.frame.raw() << kPageShift;
          c.check_eq(pair.ops.cache_flush(address, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EINVAL, "granted, not mapped");
          const auto mapped = pair.map();
          c.check_eq(pair.ops.cache_flush(address, 0, 64, GNTTAB_CACHE_CLEAN), 0, "mapped");
          c.check_eq(pair.ops.cache_flush(address + kPageSize, 0, 64, GNTTAB_CACHE_CLEAN) == 0, false, "the next page");
          pair.unmap(mapped);
          c.check_eq(pair.ops.cache_flush(address, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EINVAL, "not mapped any more");
        },
}};

const Case kNoMemory{{
    .slug = "grant.cache_flush.no_memory.einval",
    .rule = "An address where no memory is gives EINVAL.",
    .source = "public/grant_table.h, gnttab_cache_flush",
    .requirements = {"GNT-CFLUSH-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const uint64_t address : {uint64_t{1} << 50, uint64_t{0xffffff000}}) {
            c.check_eq(ops.cache_flush(address, 0, 8, GNTTAB_CACHE_CLEAN), -XEN_EINVAL, "address " + show(address));
          }
        },
}};

const Case kBatch{{
    .slug = "grant.cache_flush.failing_element.stops",
    .rule = "A batch of flushes stops at the first that is refused, and the result is its error.",
    .source = "public/grant_table.h, GNTTABOP_cache_flush: no status field",
    .requirements = {"GNT-CFLUSH-001", "GNT-OP-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const uint64_t address = own_page(c);
          const auto flush = [&](uint16_t offset) {
            gnttab_cache_flush_t made{};
            made.a.dev_bus_addr = address;
            made.offset = offset;
            made.length = 8;
            made.op = GNTTAB_CACHE_CLEAN;
            return made;
          };
          std::vector<gnttab_cache_flush_t> sound{flush(0), flush(8), flush(4088)};
          c.check_eq(ops.array(GNTTABOP_cache_flush, sound), 0, "three sound ones");
          std::vector<gnttab_cache_flush_t> mixed{flush(0), flush(4092), flush(8)};
          c.check_eq(ops.array(GNTTABOP_cache_flush, mixed), -XEN_EINVAL, "one that crosses the end of the page");
        },
}};

const Case kGrantedToOther{{
    .slug = "grant.cache_flush.granted_to_other.einval",
    .rule = "That another domain has a page mapped gives a third one no right to flush it: EINVAL.",
    .source = "public/grant_table.h, gnttab_cache_flush: a page granted to the calling domain",
    .requirements = {"GNT-CFLUSH-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kThreeGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          const uint64_t address = pair.frame.raw() << kPageShift;
          GrantOps others(c.third().vcpu(0));
          c.check_eq(others.cache_flush(address, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EINVAL, "by a third domain");
          c.check_eq(pair.ops.cache_flush(address, 0, 64, GNTTAB_CACHE_CLEAN), 0, "by the one that has it mapped");
          pair.unmap(mapped);
        },
}};

}  // namespace
}  // namespace assay
