/// add_to_physmap, its batch form, and remove_from_physmap: what a translated guest changes of its own memory.
#include "conformance/case.hpp"
#include "conformance/cases/memory_op/spare_page.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/version_ops.hpp"

namespace assay {
namespace {

constexpr std::string_view kAdd = "public/memory.h, XENMEM_add_to_physmap";
constexpr uint64_t kMark = 0x5eed'0000'c0de'0001;

/// What the guest reads where nothing is.
constexpr uint64_t kNothing = ~uint64_t{0};

uint64_t word_at(CaseContext& c, const SparePage& page) {
  return c.vcpu().read<uint64_t>(page.va);
}

/// A word of shared_info that the guest can recognise: the hypervisor never changes it.
void mark_shared_info(CaseContext& c) {
  c.vcpu().write(c.guest().shared_info() + offsetof(shared_info_t, arch.max_pfn), kMark);
}
uint64_t shared_mark_at(CaseContext& c, const SparePage& page) {
  return c.vcpu().read<uint64_t>(page.va + offsetof(shared_info_t, arch.max_pfn));
}

const Case kPvTarget{{
    .slug = "memory_op.add_to_physmap.pv_target.eacces",
    .rule = "A PV guest has no physmap of the hypervisor's: EACCES for add, batch and remove.",
    .source = kAdd,
    .requirements = {"MEM-PHYSMAP-001"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          MemoryOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          for (const unsigned space : {0u, 1u, 2u}) {
            const std::string what = "space " + std::to_string(space);
            c.check_eq(memory.add_to_physmap(space, 0, Pfn{100}), -XEN_EACCES, what);
            c.check_eq(control.add_to_physmap(space, 0, Pfn{100}, guest), -XEN_EACCES, what + ", by dom0");
            const auto batch = memory.add_to_physmap_batch({.space = space, .indices = {0}, .places = {100}});
            c.check_eq(batch.result, -XEN_EACCES, what + ", batch");
            c.check_eq(batch.errors[0], static_cast<int32_t>(kUntouched32), "the item's error is not written");
          }
          c.check_eq(memory.remove_from_physmap(Pfn{100}), -XEN_EACCES, "remove");
          c.check_eq(control.remove_from_physmap(Pfn{100}, guest), -XEN_EACCES, "remove, by dom0");
        },
}};

const Case kRights{{
    .slug = "memory_op.add_to_physmap.other_domain.esrch_eperm",
    .rule = "An unknown domain gives ESRCH; another translated domain gives an unprivileged caller EPERM.",
    .source = kAdd,
    .requirements = {"MEM-PHYSMAP-001"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const DomId peer = c.peer().id();
          const Gva theirs = c.peer().alloc_pages(1);
          c.peer().vcpu(0).write(theirs, kMark);
          const Pfn place = c.peer().pfn_of(theirs);
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_shared_info, 0, place, kDomAbsent), -XEN_ESRCH, "absent");
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_shared_info, 0, place, peer), -XEN_EPERM, "the peer");
          c.check_eq(memory
                         .add_to_physmap_batch(
                             {.space = XENMAPSPACE_shared_info, .indices = {0}, .places = {place.raw()}, .dom = peer})
                         .result,
                     -XEN_EPERM, "the peer, batch");
          c.check_eq(memory.remove_from_physmap(place, kDomAbsent), -XEN_ESRCH, "remove, absent");
          c.check_eq(memory.remove_from_physmap(place, peer), -XEN_EPERM, "remove, the peer's");
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_shared_info, 0, place, DomId{0}), -XEN_EACCES, "PV dom0");
          c.check_eq(c.peer().vcpu(0).read<uint64_t>(theirs), kMark, "the peer's page");
        },
}};

const Case kSharedInfo{{
    .slug = "memory_op.add_to_physmap.shared_info.moves",
    .rule =
        "shared_info is index 0 of its space and has one place: a second mapping moves it, the first is empty then.",
    .source = "public/memory.h, XENMAPSPACE_shared_info",
    .requirements = {"MEM-PHYSMAP-002", "MEM-PHYSMAP-003"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          mark_shared_info(c);
          const SparePage one = spare_page(c);
          const SparePage two = spare_page(c);
          for (const uint64_t index : {uint64_t{1}, uint64_t{1} << 31, ~uint64_t{0}}) {
            c.check_eq(memory.add_to_physmap(XENMAPSPACE_shared_info, index, one.pfn), -XEN_EINVAL,
                       "index " + std::to_string(index));
          }
          c.check_eq(word_at(c, one), 0u, "the page is still the guest's own");
          c.require_eq(memory.add_to_physmap(XENMAPSPACE_shared_info, 0, one.pfn), 0, "index 0");
          c.check_eq(shared_mark_at(c, one), kMark, "shared_info at its new place");
          c.require_eq(memory.add_to_physmap(XENMAPSPACE_shared_info, 0, two.pfn), 0, "index 0 elsewhere");
          c.check_eq(shared_mark_at(c, two), kMark, "shared_info at its last place");
          c.check_eq(word_at(c, one), kNothing, "the place it had before is empty");
          c.check_eq(memory.remove_from_physmap(one.pfn), -XEN_ENOENT, "and can not be emptied again");
        },
}};

const Case kOverRam{{
    .slug = "memory_op.add_to_physmap.over_ram.freed",
    .rule = "Mapping over a frame of ordinary memory frees that memory.",
    .source = kAdd,
    .requirements = {"MEM-PHYSMAP-004", "MEM-STAT-002"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage one = spare_page(c);
          const SparePage two = spare_page(c);
          const int64_t before = memory.current_reservation();
          c.require_eq(memory.add_to_physmap(XENMAPSPACE_shared_info, 0, one.pfn), 0, "shared_info over memory");
          c.check_eq(memory.current_reservation(), before - 1, "current reservation");
          c.vcpu().write(two.va, kMark);
          const SparePage three = spare_page(c);
          c.require_eq(memory.add_to_physmap(XENMAPSPACE_gmfn, two.pfn.raw(), three.pfn), 0, "a page over memory");
          c.check_eq(memory.current_reservation(), before - 2, "current reservation after that");
          c.check_eq(word_at(c, three), kMark, "the page at its new place");
        },
}};

const Case kMove{{
    .slug = "memory_op.add_to_physmap.gmfn.moves_page",
    .rule = "The gmfn space moves a page of the guest to another place; a source without memory gives EINVAL.",
    .source = "public/memory.h, XENMAPSPACE_gmfn",
    .requirements = {"MEM-PHYSMAP-006"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage from = spare_page(c);
          const SparePage to = spare_page(c);
          c.vcpu().write(from.va, kMark);
          c.require_eq(memory.decrease_reservation({.extents = {to.gfn.raw()}}).done, 1, "making room");
          const int64_t before = memory.current_reservation();
          c.require_eq(memory.add_to_physmap(XENMAPSPACE_gmfn, from.pfn.raw(), to.pfn), 0, "moving the page");
          c.check_eq(word_at(c, to), kMark, "the page at its new place");
          c.check_eq(word_at(c, from), kNothing, "its old place is empty");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_gmfn, from.pfn.raw(), to.pfn), -XEN_EINVAL, "an empty source");
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_gmfn, uint64_t{1} << 40, to.pfn), -XEN_EINVAL, "no such source");
          c.check_eq(word_at(c, to), kMark, "the page after the refusals");
        },
}};

const Case kGrantFrames{{
    .slug = "memory_op.add_to_physmap.grant_table.grows_to_limit",
    .rule = "The grant_table space shows a frame of the guest's own grant table, which grows for it; an index beyond "
            "the limit gives EINVAL and changes nothing.",
    .source = "public/memory.h, XENMAPSPACE_grant_table",
    .method = "The guest writes to a frame at one place and finds the word at the next.",
    .requirements = {"MEM-PHYSMAP-005"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          GrantOps grants(c.vcpu());
          const auto size = [&] { return grants.query_size().arg; };
          const uint32_t limit = size().max_nr_frames;
          const SparePage one = spare_page(c);
          const SparePage two = spare_page(c);
          c.require_eq(memory.add_to_physmap(XENMAPSPACE_grant_table, 2, one.pfn), 0, "the third frame");
          c.check_eq(size().nr_frames, 3u, "frames of the table");
          c.check_eq(word_at(c, one), 0u, "the new frame");
          c.vcpu().write(one.va, kMark);
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_grant_table, limit, two.pfn), -XEN_EINVAL, "beyond the limit");
          c.check_eq(size().nr_frames, 3u, "frames of the table after that");
          c.check_eq(word_at(c, two), 0u, "the page there is still the guest's own");
          c.require_eq(memory.add_to_physmap(XENMAPSPACE_grant_table, 2, two.pfn), 0, "the third frame elsewhere");
          c.check_eq(word_at(c, two), kMark, "what the guest wrote to it");
          const SparePage last = spare_page(c);
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_grant_table, limit - 1, last.pfn), 0, "the last frame");
          c.check_eq(size().nr_frames, limit, "frames of the table");
        },
}};

const Case kGrantStatus{{
    .slug = "memory_op.add_to_physmap.grant_status.version_2_only",
    .rule = "With XENMAPIDX_grant_table_status the grant_table space shows status frames: of a version 2 table, up to "
            "its limit; EINVAL otherwise.",
    .source = "public/memory.h, XENMAPIDX_grant_table_status",
    .method = "A mapping by another guest shows in the status word.",
    .requirements = {"MEM-PHYSMAP-005"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage shown = spare_page(c);
          const auto show = [&](uint64_t index) {
            return memory.add_to_physmap(XENMAPSPACE_grant_table, index | XENMAPIDX_grant_table_status, shown.pfn);
          };
          Vcpu& mapper = c.peer().vcpu(0);
          GrantPair pair(c, mapper, c.vcpu());
          c.check_eq(show(0), -XEN_EINVAL, "a status frame of version 1");
          pair.table.switch_to(2);
          const uint64_t limit = GrantOps(c.vcpu()).query_size().arg.max_nr_frames;
          const uint64_t status_frames = (limit * kRefsPerFrameV2 + kStatusPerFrame - 1) / kStatusPerFrame;
          c.check_eq(show(status_frames), -XEN_EINVAL, "beyond the limit");
          c.check_eq(word_at(c, shown), 0u, "the page there is still the guest's own");
          pair.table.unmap_status();
          c.require_eq(show(0), 0, "the first status frame");
          pair.permit();
          pair.map();
          const Gva word = shown.va + GrantPair::kRef.raw() * sizeof(grant_status_t);
          c.check_eq(c.vcpu().read<grant_status_t>(word), kInUse, "the status word");
        },
}};

const Case kRange{{
    .slug = "memory_op.add_to_physmap.gmfn_range.moves_or_eoverflow",
    .rule = "gmfn_range moves consecutive pages; a range that wraps around gives EOVERFLOW and moves nothing.",
    .source = "public/memory.h, XENMAPSPACE_gmfn_range",
    .requirements = {"MEM-PHYSMAP-013", "MEM-PHYSMAP-006"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint16_t kCount = 3;
          MemoryOps memory(c.vcpu());
          const Gva from = c.guest().alloc_pages(kCount);
          const Gva to = c.guest().alloc_pages(kCount);
          const uint64_t from_pfn = c.guest().pfn_of(from).raw();
          for (uint64_t i = 0; i < kCount; ++i) c.vcpu().write(from + i * kPageSize, kMark + i);
          constexpr uint64_t kNearEnd = ~uint64_t{0} - 1;
          c.check_eq(memory.add_range_to_physmap(from_pfn, Pfn{kNearEnd}, kCount), -XEN_EOVERFLOW, "places wrap");
          c.check_eq(memory.add_range_to_physmap(kNearEnd, c.guest().pfn_of(to), kCount), -XEN_EOVERFLOW,
                     "sources wrap");
          for (uint64_t i = 0; i < kCount; ++i) {
            c.check_eq(c.vcpu().read<uint64_t>(from + i * kPageSize), kMark + i, "a source after the refusals");
          }
          c.check_eq(memory.add_range_to_physmap(from_pfn, c.guest().pfn_of(to), 0), 0, "no frames");
          c.require_eq(memory.add_range_to_physmap(from_pfn, c.guest().pfn_of(to), kCount), 0, "three frames");
          for (uint64_t i = 0; i < kCount; ++i) {
            c.check_eq(c.vcpu().read<uint64_t>(to + i * kPageSize), kMark + i, "a page at its new place");
            c.check_eq(c.vcpu().read<uint64_t>(from + i * kPageSize), kNothing, "its old place");
          }
        },
}};

const Case kSpaces{{
    .slug = "memory_op.add_to_physmap.wrong_space.refused",
    .rule =
        "gmfn_foreign has no single form (ENOSYS), gmfn_range no batch (EOPNOTSUPP), device memory is not for guests "
        "(EACCES), unknown spaces give ENOSYS or EINVAL.",
    .source = "public/memory.h, XENMAPSPACE_*",
    .requirements = {"MEM-PHYSMAP-007"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          c.vcpu().write(page.va, kMark);
          const auto batch = [&](unsigned space) {
            return memory.add_to_physmap_batch({.space = space, .indices = {0}, .places = {page.pfn.raw()}});
          };
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_gmfn_foreign, 0, page.pfn), -XEN_ENOSYS, "gmfn_foreign, single");
          const auto range = batch(XENMAPSPACE_gmfn_range);
          c.check_eq(range.result, -XEN_EOPNOTSUPP, "gmfn_range, batch");
          c.check_eq(range.errors[0], static_cast<int32_t>(kUntouched32), "its item's error is not written");
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_dev_mmio, 0, page.pfn), -XEN_EACCES, "dev_mmio, single");
          c.check_eq(batch(XENMAPSPACE_dev_mmio).result, -XEN_EACCES, "dev_mmio, batch");
          for (const unsigned space : {6u, 99u}) {
            c.check_eq(memory.add_to_physmap(space, 0, page.pfn), -XEN_EINVAL, "unknown space, single");
            const auto unknown = batch(space);
            c.check_eq(unknown.result, 0, "unknown space, batch");
            c.check_eq(unknown.errors[0], -XEN_EINVAL, "unknown space, item of a batch");
          }
          c.check_eq(word_at(c, page), kMark, "the page");
        },
}};

const Case kAllOnes{{
    .slug = "memory_op.add_to_physmap.invalid_place.einval",
    .rule = "A place of all ones is no frame: EINVAL.",
    .source = kAdd,
    .requirements = {"MEM-PHYSMAP-008"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          mark_shared_info(c);
          const SparePage page = spare_page(c);
          const Pfn nowhere{~uint64_t{0}};
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_shared_info, 0, nowhere), -XEN_EINVAL, "shared_info");
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_gmfn, page.pfn.raw(), nowhere), -XEN_EINVAL, "gmfn");
          const auto batch = memory.add_to_physmap_batch({.space = XENMAPSPACE_gmfn,
                                                          .indices = {page.pfn.raw(), page.pfn.raw()},
                                                          .places = {nowhere.raw(), page.pfn.raw()}});
          c.check_eq(batch.result, -XEN_EINVAL, "a batch stops there");
          c.check_eq(batch.errors[0], static_cast<int32_t>(kUntouched32), "the item's error is not written");
          c.check_eq(batch.errors[1], static_cast<int32_t>(kUntouched32), "nor the next one's");
          c.check_eq(memory.remove_from_physmap(nowhere), -XEN_ENOENT, "removing it");
          const Gva mark = c.guest().shared_info() + offsetof(shared_info_t, arch.max_pfn);
          c.check_eq(c.vcpu().read<uint64_t>(mark), kMark, "shared_info is where it was");
        },
}};

const Case kBatch{{
    .slug = "memory_op.add_to_physmap_batch.mixed.each_has_its_error",
    .rule = "A batch returns 0 and says of each item how it went; an item that fails does not stop the next.",
    .source = "public/memory.h, XENMEM_add_to_physmap_batch",
    .requirements = {"MEM-PHYSMAP-009", "MEM-PHYSMAP-006"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage one = spare_page(c);
          const SparePage two = spare_page(c);
          const SparePage to_one = spare_page(c);
          const SparePage to_two = spare_page(c);
          c.vcpu().write(one.va, kMark);
          c.vcpu().write(two.va, kMark + 1);
          const auto batch = memory.add_to_physmap_batch(
              {.space = XENMAPSPACE_gmfn,
               .indices = {one.pfn.raw(), uint64_t{1} << 40, two.pfn.raw(), two.pfn.raw()},
               .places = {to_one.pfn.raw(), to_two.pfn.raw(), to_two.pfn.raw(), one.pfn.raw()}});
          c.require_eq(batch.result, 0, "the batch");
          c.check_eq(batch.errors[0], 0, "first item");
          c.check_eq(batch.errors[1], -XEN_EINVAL, "second item: no such source");
          c.check_eq(batch.errors[2], 0, "third item");
          c.check_eq(batch.errors[3], -XEN_EINVAL, "fourth item: its source has moved");
          c.check_eq(word_at(c, to_one), kMark, "the first page at its new place");
          c.check_eq(word_at(c, to_two), kMark + 1, "the third item's page at its new place");
          c.check_eq(memory.add_to_physmap_batch({.space = XENMAPSPACE_gmfn}).result, 0, "an empty batch");
        },
}};

const Case kBatchPointers{{
    .slug = "memory_op.add_to_physmap_batch.bad_list.efault",
    .rule = "A batch whose argument or lists cannot be accessed gives EFAULT.",
    .source = "public/memory.h, XENMEM_add_to_physmap_batch",
    .requirements = {"MEM-PHYSMAP-009", "HCALL-020"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          Scratch scratch(c.vcpu());
          const SparePage one = spare_page(c);
          const SparePage to = spare_page(c);
          c.vcpu().write(one.va, kMark);
          constexpr Gva kUnmapped{0xffff'9000'0000'0000};
          const auto with = [&](Gva indices, Gva places) {
            xen_add_to_physmap_batch_t arg{};
            arg.domid = DOMID_SELF;
            arg.space = XENMAPSPACE_gmfn;
            arg.size = 1;
            set_handle(arg.idxs, indices);
            set_handle(arg.gpfns, places);
            set_handle(arg.errs, scratch.va(1024));
            return call_with(scratch, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, arg).result;
          };
          const Gva indices = scratch.put(one.pfn.raw(), 512);
          const Gva places = scratch.put(to.pfn.raw(), 520);
          c.check_eq(memory.raw(XENMEM_add_to_physmap_batch, kUnmapped), -XEN_EFAULT, "argument");
          c.check_eq(with(kUnmapped, places), -XEN_EFAULT, "indices");
          c.check_eq(with(indices, kUnmapped), -XEN_EFAULT, "places");
          c.check_eq(word_at(c, one), kMark, "the page is where it was");
          c.check_eq(with(indices, places), 0, "good lists");
          c.check_eq(word_at(c, to), kMark, "the page has moved");
        },
}};

const Case kRemove{{
    .slug = "memory_op.remove_from_physmap.empty.enoent",
    .rule = "remove_from_physmap empties a place and leaves the memory with the domain; an empty place gives ENOENT.",
    .source = "public/memory.h, XENMEM_remove_from_physmap",
    .requirements = {"MEM-PHYSMAP-010"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          c.vcpu().write(page.va, kMark);
          const int64_t before = memory.current_reservation();
          c.check_eq(memory.remove_from_physmap(page.pfn), 0, "a populated place");
          c.check_eq(word_at(c, page), kNothing, "the place is empty");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          c.check_eq(memory.remove_from_physmap(page.pfn), -XEN_ENOENT, "an empty place");
          c.check_eq(memory.remove_from_physmap(Pfn{c.guest().space().pages + 5000}), -XEN_ENOENT, "beyond all memory");
        },
}};

const Case kForeign{{
    .slug = "memory_op.add_to_physmap_batch.gmfn_foreign.item_eperm",
    .rule = "Only a translated hardware domain may map other domains' pages into itself: EPERM as the item's error.",
    .source = "public/memory.h, XENMAPSPACE_gmfn_foreign",
    .requirements = {"MEM-PHYSMAP-012"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests, Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          MemoryOps control(c.dom0().vcpu(0));
          const SparePage page = spare_page(c);
          c.vcpu().write(page.va, kMark);
          const Gva theirs = c.peer().alloc_pages(1);
          const auto map = [&](MemoryOps& caller, DomId dom, DomId from) {
            return caller.add_to_physmap_batch({.space = XENMAPSPACE_gmfn_foreign,
                                                .indices = {c.peer().pfn_of(theirs).raw()},
                                                .places = {page.pfn.raw()},
                                                .dom = dom,
                                                .foreign = from});
          };
          const auto own = map(memory, kDomSelf, c.peer().id());
          c.check_eq(own.result, 0, "by the guest itself");
          c.check_eq(own.errors[0], -XEN_EPERM, "its item");
          const auto controlled = map(control, c.guest().id(), c.peer().id());
          c.check_eq(controlled.result, 0, "by dom0 for the guest");
          c.check_eq(controlled.errors[0], -XEN_EPERM, "its item");
          const auto absent = map(control, c.guest().id(), kDomAbsent);
          c.check_eq(absent.result, 0, "from an absent domain");
          c.check_eq(absent.errors[0], -XEN_EPERM, "its item");
          c.check_eq(word_at(c, page), kMark, "the page");
        },
}};

const Case kRangeInterrupted{{
    .slug = "memory_op.add_to_physmap.gmfn_range_interrupted.each_moved",
    .rule = "A range that an event interrupts while it is moved is moved to its end, every page of it.",
    .source = "public/memory.h, XENMAPSPACE_gmfn_range",
    .method = "The other vCPU sends an event while the range is under way; then it goes back the same way.",
    .requirements = {"MEM-PHYSMAP-006"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kRounds = 40;
          constexpr uint16_t kCount = 8;
          EventChannels theirs(c.vcpu(1));
          const EvtchnPort port = EventChannels(c.vcpu(0)).bind_ipi(0).port;
          SharedInfo info(c.vcpu(0));
          Gva from = c.guest().alloc_pages(kCount);
          Gva to = c.guest().alloc_pages(kCount);
          for (uint64_t i = 0; i < kCount; ++i) c.vcpu(0).write(from + i * kPageSize, kMark + i);
          GuestStruct<xen_add_to_physmap_t> range(c.vcpu(0));
          c.vcpu(0).set_upcalls(true);
          c.interleave(kRounds, [&] {
            range.put(
                {DOMID_SELF, kCount, XENMAPSPACE_gmfn_range, c.guest().pfn_of(from).raw(), c.guest().pfn_of(to).raw()});
            const int64_t result = c.during(c.vcpu(0), __HYPERVISOR_memory_op,
                                            {XENMEM_add_to_physmap, range.va().raw()}, [&] { theirs.send(port); });
            c.check_eq(result, 0, "the range");
            for (uint64_t i = 0; i < kCount; ++i) {
              c.check_eq(c.vcpu(0).read<uint64_t>(to + i * kPageSize), kMark + i, "page " + std::to_string(i));
            }
            info.acknowledge(port, 0);
            std::swap(from, to);
          });
        },
}};

const Case kFormerPlace{{
    .slug = "memory_op.add_to_physmap.frame_was_removed.former_place_untouched",
    .rule =
        "A frame that was removed from the physmap has no place any more: shown anew, it leaves alone what is where it "
        "was once.",
    .source = kAdd,
    .requirements = {"MEM-PHYSMAP-005", "MEM-PHYSMAP-010"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage former = spare_page(c);
          const SparePage other = spare_page(c);
          c.require_eq(memory.add_to_physmap(XENMAPSPACE_grant_table, 1, former.pfn), 0, "a frame of the grant table");
          c.require_eq(memory.remove_from_physmap(former.pfn), 0, "it is removed");
          c.require_eq(memory.populate_physmap({.extents = {former.pfn.raw()}}).done, 1, "memory in its place");
          c.vcpu().write(former.va, kMark);
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_grant_table, 1, other.pfn), 0, "the frame elsewhere");
          c.check_eq(word_at(c, former), kMark, "the memory where it was once");
          c.check_eq(word_at(c, other), 0u, "the frame");
        },
}};

}  // namespace
}  // namespace assay
