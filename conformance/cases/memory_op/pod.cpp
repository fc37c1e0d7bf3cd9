/// Populate on demand: entries without memory, a cache that fills them when they are touched, and claims.
#include "conformance/case.hpp"
#include "conformance/cases/memory_op/spare_page.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/shutdown_state.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/memory.h, XENMEM_set_pod_target and XENMEMF_populate_on_demand";

/// A running guest some of whose pages are on-demand entries.
struct OnDemand {
  std::vector<SparePage> pages;
  int64_t populated;  ///< pages the guest owns beside the cache
};

OnDemand make_on_demand(CaseContext& c, MemoryOps& control, size_t count) {
  MemoryOps memory(c.vcpu());
  OnDemand made{};
  std::vector<uint64_t> gfns;
  for (size_t i = 0; i < count; ++i) {
    made.pages.push_back(spare_page(c));
    c.vcpu().write(made.pages[i].va, uint64_t{0xdead} + i);
    gfns.push_back(made.pages[i].gfn.raw());
  }
  c.require_eq(memory.decrease_reservation({.extents = gfns}).done, count, "giving the pages back");
  const DomId guest = c.guest().id();
  c.require_eq(control.populate_physmap({.extents = gfns, .flags = XENMEMF_populate_on_demand, .dom = guest}).done,
               count, "making them entries on demand");
  made.populated = memory.current_reservation();
  return made;
}

const Case kRights{{
    .slug = "memory_op.pod_target.not_allowed.einval_eperm",
    .rule = "A PV domain has no populate-on-demand target: EINVAL; an unprivileged caller gets EPERM.",
    .source = kSource,
    .requirements = {"MEM-POD-001"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          MemoryOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          c.check_eq(memory.get_pod_target(guest).result, c.pv() ? -XEN_EINVAL : -XEN_EPERM, "get, by the guest");
          c.check_eq(memory.set_pod_target(guest, 1).result, c.pv() ? -XEN_EINVAL : -XEN_EPERM, "set, by the guest");
          c.check_eq(control.get_pod_target(guest).result, c.pv() ? -XEN_EINVAL : 0, "get, by dom0");
          c.check_eq(control.get_pod_target(kDomAbsent).result, -XEN_ESRCH, "get, absent domain");
          c.check_eq(control.set_pod_target(kDomAbsent, 1).result, -XEN_ESRCH, "set, absent domain");
          c.check_eq(control.get_pod_target(DomId{0}).result, -XEN_EINVAL, "get, of PV dom0");
        },
}};

const Case kOverMaximum{{
    .slug = "memory_op.set_pod_target.over_maximum.einval",
    .rule = "A target above the domain's maximum gives EINVAL and changes nothing.",
    .source = kSource,
    .requirements = {"MEM-POD-002"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps control(c.dom0().vcpu(0));
          const OnDemand made = make_on_demand(c, control, 4);
          const DomId guest = c.guest().id();
          const auto maximum = static_cast<uint64_t>(control.maximum_reservation(guest));
          c.check_eq(control.set_pod_target(guest, maximum + 1).result, -XEN_EINVAL, "one above the maximum");
          c.check_eq(control.get_pod_target(guest).arg.pod_cache_pages, 0u, "cache");
          const auto set = control.set_pod_target(guest, static_cast<uint64_t>(made.populated) + 3);
          c.check_eq(set.result, 0, "a target below it");
          c.check_eq(control.get_pod_target(guest).arg.pod_cache_pages, 3u, "cache then");
        },
}};

const Case kTouched{{
    .slug = "memory_op.pod.touched.zero_and_counted",
    .rule = "A touched on-demand page takes memory of the cache, reads as zero, and counts as an entry no more.",
    .source = kSource,
    .requirements = {"MEM-POD-003", "MEM-POD-005"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          const OnDemand made = make_on_demand(c, control, 4);
          const auto populated = static_cast<uint64_t>(made.populated);
          const auto check = [&](uint64_t total, uint64_t cache, uint64_t entries, const std::string& when) {
            const auto now = control.get_pod_target(guest);
            c.check_eq(now.result, 0, "get_pod_target " + when);
            c.check_eq(now.arg.tot_pages, total, "pages " + when);
            c.check_eq(now.arg.pod_cache_pages, cache, "pages of the cache " + when);
            c.check_eq(now.arg.pod_entries, entries, "entries " + when);
          };
          check(populated, 0, 4, "before a target is set");
          c.require_eq(control.set_pod_target(guest, populated + 4).result, 0, "set_pod_target");
          check(populated + 4, 4, 4, "with a target");
          c.check_eq(control.current_reservation(guest), made.populated + 4, "the cache counts as the domain's");
          c.check_eq(c.vcpu().read<uint64_t>(made.pages[0].va), 0u, "first read of a page");
          check(populated + 4, 3, 3, "after a read");
          c.vcpu().write(made.pages[1].va + 8, uint64_t{7});
          c.check_eq(c.vcpu().read<uint64_t>(made.pages[1].va), 0u, "a page that was written elsewhere");
          c.check_eq(c.vcpu().read<uint64_t>(made.pages[1].va + 8), 7u, "what was written");
          check(populated + 4, 2, 2, "after a write");
        },
}};

const Case kDecreased{{
    .slug = "memory_op.pod.decreased.entry_gone",
    .rule = "decrease_reservation of an on-demand entry removes it and takes no memory of the cache.",
    .source = kSource,
    .requirements = {"MEM-POD-004"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          MemoryOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          const OnDemand made = make_on_demand(c, control, 4);
          const auto populated = static_cast<uint64_t>(made.populated);
          c.require_eq(control.set_pod_target(guest, populated + 2).result, 0, "set_pod_target");
          c.check_eq(control.get_pod_target(guest).arg.pod_cache_pages, 2u, "cache");
          c.check_eq(memory.decrease_reservation({.extents = {made.pages[0].gfn.raw()}}).done, 1, "decrease");
          const auto now = control.get_pod_target(guest);
          c.check_eq(now.arg.pod_entries, 3u, "entries");
          c.check_eq(now.arg.pod_cache_pages, 2u, "pages of the cache");
          c.check_eq(now.arg.tot_pages, populated + 2, "pages");
          c.check_eq(c.vcpu().read<uint64_t>(made.pages[0].va), ~uint64_t{0}, "nothing is there any more");
          c.check_eq(c.vcpu().read<uint64_t>(made.pages[1].va), 0u, "another entry still works");
        },
}};

/// dom0 maps a guest frame of another domain into its own heap for a moment: what a toolstack does, and a touch.
int64_t touch(CaseContext& c, DomId dom, uint64_t gfn) {
  Vcpu& dom0 = c.dom0().vcpu(0);
  const Gva va = c.dom0().alloc_pages(1);
  const uint64_t own = c.dom0().gfn_of(va).raw() << kPageShift | kMapped;
  const int64_t mapped = dom0.hypercall(__HYPERVISOR_update_va_mapping_otherdomain,
                                        {va.raw(), gfn << kPageShift | kMapped, UVMF_INVLPG | UVMF_LOCAL, dom.raw()});
  c.require_eq(update_mapping(dom0, va, own), 0, "dom0's own page again");
  return mapped;
}

const Case kExhausted{{
    .slug = "memory_op.pod.exhausted.crash",
    .rule = "A touch that finds the cache empty and no zero page to take back crashes the domain.",
    .source = kSource,
    .method = "A domain with two entries and a cache of one page. dom0 maps one, then the other.",
    .requirements = {"MEM-POD-006", "MEM-POD-003"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kFirst = 0x100;
          DomctlOps domains(c.dom0().vcpu(0));
          MemoryOps control(c.dom0().vcpu(0));
          const EmptyDomain domain(c, domains, empty_pvh_domain());
          add_vcpus(c, domains, domain.id());
          allow_memory(c, domains, domain.id(), 16);
          c.require_eq(control.set_pod_target(domain.id(), 1).result, 0, "a target before there are entries");
          c.check_eq(control.get_pod_target(domain.id()).arg.pod_cache_pages, 1u, "pages of the cache");
          c.require_eq(
              control
                  .populate_physmap(
                      {.extents = {kFirst, kFirst + 1}, .flags = XENMEMF_populate_on_demand, .dom = domain.id()})
                  .done,
              2, "two entries");
          c.check_eq(touch(c, domain.id(), kFirst), 0, "the first touch");
          const auto now = control.get_pod_target(domain.id());
          c.check_eq(now.arg.pod_cache_pages, 0u, "pages of the cache then");
          c.check_eq(now.arg.pod_entries, 1u, "entries then");
          c.check(!shutdown_state(domains, domain.id()).shut_down, "the domain lives");
        },
}};

const Case kCrash{{
    .slug = "memory_op.pod.no_memory.crash",
    .rule = "A touch of an entry of a domain that has no page at all crashes the domain.",
    .source = kSource,
    .requirements = {"MEM-POD-006"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kEntry = 0x100;
          DomctlOps domains(c.dom0().vcpu(0));
          MemoryOps control(c.dom0().vcpu(0));
          const EmptyDomain domain(c, domains, empty_pvh_domain());
          add_vcpus(c, domains, domain.id());
          allow_memory(c, domains, domain.id(), 16);
          c.require_eq(
              control.populate_physmap({.extents = {kEntry}, .flags = XENMEMF_populate_on_demand, .dom = domain.id()})
                  .done,
              1, "an entry");
          c.check(!shutdown_state(domains, domain.id()).shut_down, "the domain lives");
          c.check_eq(touch(c, domain.id(), kEntry), -XEN_EINVAL, "the touch");
          const ShutdownState state = shutdown_state(domains, domain.id());
          c.check(state.shut_down, "the domain has shut down");
          c.check_eq(state.code, static_cast<uint32_t>(SHUTDOWN_crash), "with this code");
        },
}};

const Case kReclaimed{{
    .slug = "memory_op.pod.exhausted.zero_page_taken_back",
    .rule = "A touch that finds the cache empty takes back a zero page of the domain, which becomes an entry itself.",
    .source = kSource,
    .method =
        "The guest clears the highest pages of its memory. Two entries lie above them, and the cache has one page. "
        "How far a hypervisor looks is its own affair: what lies within 4 MiB of the entry is enough for the "
        "real Xen, which stops there when other work waits.",
    .requirements = {"MEM-POD-006", "MEM-POD-003"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .pages = 2048,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kCleared = 16;
          constexpr uint64_t kNotZero = 0x900d;
          MemoryOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.vcpu());
          const DomId guest = c.guest().id();
          const uint64_t pages = c.guest().space().pages;
          const Gva base{c.guest().space().va_offset};
          c.require(!c.vcpu().fill(base + (pages - kCleared) * kPageSize, kCleared * kPageSize, 0), "clearing pages");
          const uint64_t entry = pages + 16;
          const Gva first = base + (entry + 1) * kPageSize;
          const Gva second = base + entry * kPageSize;
          c.require_eq(
              control
                  .populate_physmap({.extents = {entry, entry + 1}, .flags = XENMEMF_populate_on_demand, .dom = guest})
                  .done,
              2, "two entries");
          const auto populated = static_cast<uint64_t>(memory.current_reservation());
          c.require_eq(control.set_pod_target(guest, populated + 1).result, 0, "a cache of one page");
          c.vcpu().write(first, kNotZero);
          c.check_eq(control.get_pod_target(guest).arg.pod_cache_pages, 0u, "pages of the cache after one touch");
          c.check_eq(c.vcpu().read<uint64_t>(second), 0u, "the second entry reads as zero");
          const auto now = control.get_pod_target(guest);
          c.check(now.arg.pod_entries >= 1, "a page was taken back");
          c.check_eq(now.arg.pod_entries, now.arg.pod_cache_pages + 1, "one entry more than the cache can fill");
          c.check_eq(now.arg.tot_pages, populated + 1, "pages");
          c.vcpu().write(second, kNotZero + 1);
          c.check_eq(c.vcpu().read<uint64_t>(second), kNotZero + 1, "the second page is the guest's");
          c.check_eq(c.vcpu().read<uint64_t>(first), kNotZero, "and so is the first");
        },
}};

const Case kBallooned{{
    .slug = "memory_op.pod.decrease_of_memory.fills_cache",
    .rule =
        "While entries outnumber the cache, memory that the guest gives back goes to the cache, not to the machine.",
    .source = kSource,
    .requirements = {"MEM-POD-004", "MEM-POD-003"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.vcpu());
          const DomId guest = c.guest().id();
          make_on_demand(c, control, 2);
          const int64_t before = memory.current_reservation();
          for (uint64_t i = 1; i <= 2; ++i) {
            const SparePage page = spare_page(c);
            c.vcpu().write(page.va, uint64_t{0xbad});
            c.check_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "giving a page back");
            c.check_eq(control.get_pod_target(guest).arg.pod_cache_pages, i, "pages of the cache");
          }
          c.check_eq(memory.current_reservation(), before, "current reservation: they are still the domain's");
          c.check_eq(memory.decrease_reservation({.extents = {spare_page(c).gfn.raw()}}).done, 1, "one more");
          c.check_eq(control.get_pod_target(guest).arg.pod_cache_pages, 2u, "the cache has what it needs");
          c.check_eq(memory.current_reservation(), before - 1, "current reservation: this one is gone");
        },
}};

const Case kOnOneself{{
    .slug = "memory_op.populate_physmap.on_demand_self.zero",
    .rule = "A domain cannot make on-demand entries for itself: 0 extents, and nothing changes.",
    .source = kSource,
    .requirements = {"MEM-RES-014"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          c.require_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "making room");
          const int64_t before = memory.current_reservation();
          const Reservation on_demand{.extents = {page.pfn.raw()}, .flags = XENMEMF_populate_on_demand};
          c.check_eq(memory.populate_physmap(on_demand).done, 0, "populate on demand");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          if (!c.pv()) c.check_eq(c.vcpu().read<uint64_t>(page.va), ~uint64_t{0}, "nothing is there");
          c.check_eq(memory.populate_physmap({.extents = {page.pfn.raw()}}).done, 1, "populate at once");
        },
}};

const Case kClaims{{
    .slug = "memory_op.claim_pages.bounds_and_one_at_a_time",
    .rule = "A claim must exceed what the domain has and not its maximum, and is the only one, else EINVAL; 0 cancels.",
    .source = "public/memory.h, XENMEM_claim_pages",
    .requirements = {"MEM-POD-007"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps domains(c.dom0().vcpu(0));
          MemoryOps control(c.dom0().vcpu(0));
          const EmptyDomain domain(c, domains);
          const DomId id = domain.id();
          allow_memory(c, domains, id, 16);
          c.require_eq(control.populate_physmap({.extents = {0, 1, 2}, .dom = id}).done, 3, "three pages");
          c.check_eq(control.claim_pages(id, 17), -XEN_EINVAL, "one above the maximum");
          c.check_eq(control.claim_pages(id, 3), -XEN_EINVAL, "what it has");
          c.check_eq(control.claim_pages(id, 16), 0, "the maximum");
          c.check_eq(control.claim_pages(id, 16), -XEN_EINVAL, "a second claim");
          c.check_eq(control.claim_pages(id, 0), 0, "cancelling");
          c.check_eq(control.claim_pages(id, 0), 0, "cancelling what is not there");
          c.check_eq(control.claim_pages(id, 4), 0, "another claim");
          c.check_eq(control.populate_physmap({.extents = {3}, .dom = id}).done, 1, "using it up");
          c.check_eq(control.claim_pages(id, 5), 0, "a used-up claim is none");
          c.check_eq(control.claim_pages(kDomAbsent, 4), -XEN_EINVAL, "an absent domain's");
        },
}};

const Case kClaimTooMuch{{
    .slug = "memory_op.claim_pages.more_than_free.enomem",
    .rule = "A claim of more than the machine can give gives ENOMEM.",
    .source = "public/memory.h, XENMEM_claim_pages",
    .requirements = {"MEM-POD-007"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kMany = 1u << 24;
          DomctlOps domains(c.dom0().vcpu(0));
          SysctlOps machine(c.dom0().vcpu(0));
          MemoryOps control(c.dom0().vcpu(0));
          const EmptyDomain domain(c, domains);
          allow_memory(c, domains, domain.id(), kMany);
          c.check_eq(control.claim_pages(domain.id(), kMany), -XEN_ENOMEM, "64 GiB");
          const auto outstanding = [&machine] {
            return machine.call(SysctlOps::request(XEN_SYSCTL_physinfo)).arg.u.physinfo.outstanding_pages;
          };
          c.check_eq(outstanding(), 0u, "pages claimed on the machine");
          c.check_eq(control.claim_pages(domain.id(), 10), 0, "a small claim");
          c.check_eq(outstanding(), 10u, "pages claimed then");
          c.check_eq(control.claim_pages(domain.id(), 0), 0, "cancelling");
          c.check_eq(outstanding(), 0u, "pages claimed at the end");
        },
}};

const Case kClaimRights{{
    .slug = "memory_op.claim_pages.unprivileged.eperm",
    .rule = "Claims are for privileged domains: EPERM; a list, an order or flags give EINVAL before that.",
    .source = "public/memory.h, XENMEM_claim_pages",
    .requirements = {"MEM-POD-007"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const DomId self = c.guest().id();
          c.check_eq(memory.claim_pages(self, 4000), -XEN_EPERM, "the guest's own");
          const auto with = [&](const Reservation& in) { return memory.reserve(XENMEM_claim_pages, in).done; };
          c.check_eq(with({.extents = {1}, .dom = self}), -XEN_EINVAL, "a list");
          c.check_eq(with({.order = 1, .dom = self, .null_list = true, .count = 1}), -XEN_EINVAL, "an order");
          c.check_eq(with({.flags = 1, .dom = self, .null_list = true, .count = 1}), -XEN_EINVAL, "flags");
        },
}};

const Case kOverMemory{{
    .slug = "memory_op.pod.over_memory.refused",
    .rule = "Entries on demand cannot be made where memory is: 0 extents, and the memory stays.",
    .source = kSource,
    .requirements = {"MEM-POD-003", "MEM-RES-001"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps control(c.dom0().vcpu(0));
          const SparePage page = spare_page(c);
          c.vcpu().write(page.va, uint64_t{0x600d});
          const DomId guest = c.guest().id();
          const Reservation entry{.extents = {page.gfn.raw()}, .flags = XENMEMF_populate_on_demand, .dom = guest};
          c.check_eq(control.populate_physmap(entry).done, 0, "populate on demand");
          c.check_eq(control.get_pod_target(guest).arg.pod_entries, 0u, "entries");
          c.check_eq(c.vcpu().read<uint64_t>(page.va), 0x600du, "the memory");
        },
}};

const Case kComesBackZero{{
    .slug = "memory_op.pod.given_back_and_touched.zero",
    .rule = "Memory that goes into the cache with data in it comes out as zeroes, all of it.",
    .source = kSource,
    .requirements = {"MEM-POD-005", "MEM-POD-004"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.vcpu());
          const OnDemand made = make_on_demand(c, control, 1);
          const SparePage page = spare_page(c);
          c.vcpu().fill(page.va, kPageSize, 0x5a);
          c.require_eq(memory.decrease_reservation({.extents = {page.gfn.raw()}}).done, 1, "giving a page back");
          c.require_eq(control.get_pod_target(c.guest().id()).arg.pod_cache_pages, 1u, "pages of the cache");
          for (const uint64_t offset : {0u, 8u, 2048u, 4088u}) {
            c.check_eq(c.vcpu().read<uint64_t>(made.pages[0].va + offset), 0u, "byte " + std::to_string(offset));
          }
        },
}};

const Case kNotZero{{
    .slug = "memory_op.pod.exhausted.written_page_kept",
    .rule = "A page that is not zero to its last byte is never taken back.",
    .source = kSource,
    .method = "As for a zero page, but the highest pages of the guest are zero up to their last word.",
    .requirements = {"MEM-POD-006"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .pages = 2048,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kCleared = 16;
          constexpr uint64_t kMarked = 4;  // of these, the highest
          constexpr uint64_t kLastWord = kPageSize - 8;
          MemoryOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.vcpu());
          const DomId guest = c.guest().id();
          const uint64_t pages = c.guest().space().pages;
          const Gva base{c.guest().space().va_offset};
          c.require(!c.vcpu().fill(base + (pages - kCleared) * kPageSize, kCleared * kPageSize, 0), "clearing pages");
          for (uint64_t i = 1; i <= kMarked; ++i) c.vcpu().write(base + (pages - i) * kPageSize + kLastWord, i);
          const Reservation entries{
              .extents = {pages + 16, pages + 17}, .flags = XENMEMF_populate_on_demand, .dom = guest};
          c.require_eq(control.populate_physmap(entries).done, 2, "two entries");
          const auto populated = static_cast<uint64_t>(memory.current_reservation());
          c.require_eq(control.set_pod_target(guest, populated + 1).result, 0, "a cache of one page");
          c.vcpu().write(base + (pages + 17) * kPageSize, uint64_t{1});
          c.check_eq(c.vcpu().read<uint64_t>(base + (pages + 16) * kPageSize), 0u, "a touch without cache");
          for (uint64_t i = 1; i <= kMarked; ++i) {
            c.check_eq(c.vcpu().read<uint64_t>(base + (pages - i) * kPageSize + kLastWord), i,
                       "last word of page " + std::to_string(i) + " from the end");
          }
        },
}};

const Case kCacheBounded{{
    .slug = "memory_op.set_pod_target.running_domain.cache_within_entries",
    .rule = "A domain that has memory gets no more cache than it has entries, and loses what entries need no more.",
    .source = kSource,
    .requirements = {"MEM-POD-002", "MEM-POD-004"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps domains(c.dom0().vcpu(0));
          MemoryOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.vcpu());
          const DomId guest = c.guest().id();
          const OnDemand made = make_on_demand(c, control, 4);
          const auto populated = static_cast<uint64_t>(made.populated);
          c.require_eq(domains.max_mem(guest, populated + 64), 0, "max_mem");
          c.check_eq(control.set_pod_target(guest, populated + 32).result, 0, "a target beyond the entries");
          c.check_eq(control.get_pod_target(guest).arg.pod_cache_pages, 4u, "pages of the cache");
          c.check_eq(memory.decrease_reservation({.extents = {made.pages[0].gfn.raw()}}).done, 1, "an entry goes");
          const auto now = control.get_pod_target(guest);
          c.check_eq(now.arg.pod_entries, 3u, "entries then");
          c.check_eq(now.arg.pod_cache_pages, 3u, "pages of the cache then");
          c.check_eq(now.arg.tot_pages, populated + 3, "pages then");
        },
}};

const Case kClaimedByOthers{{
    .slug = "memory_op.claim_pages.claimed_by_others.enomem",
    .rule = "What one domain has claimed another cannot claim: ENOMEM, though the memory is free.",
    .source = "public/memory.h, XENMEM_claim_pages",
    .requirements = {"MEM-POD-007"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kLeft = 512;
          DomctlOps domains(c.dom0().vcpu(0));
          SysctlOps machine(c.dom0().vcpu(0));
          MemoryOps control(c.dom0().vcpu(0));
          const EmptyDomain one(c, domains);
          const EmptyDomain other(c, domains);
          const uint64_t free = machine.call(SysctlOps::request(XEN_SYSCTL_physinfo)).arg.u.physinfo.free_pages;
          c.require(free > 2 * kLeft, "there is memory");
          allow_memory(c, domains, one.id(), free);
          allow_memory(c, domains, other.id(), free);
          c.require_eq(control.claim_pages(one.id(), free - kLeft), 0, "almost all of it");
          c.check_eq(control.claim_pages(other.id(), 2 * kLeft), -XEN_ENOMEM, "more than is left");
          c.check_eq(control.claim_pages(one.id(), 0), 0, "cancelling the claim");
          c.check_eq(control.claim_pages(other.id(), 2 * kLeft), 0, "the same then");
          c.check_eq(control.claim_pages(other.id(), 0), 0, "cancelling that");
        },
}};

}  // namespace
}  // namespace assay
