/// XENMEM_exchange: frames given for others of another size or place.
#include <array>

#include "conformance/case.hpp"
#include "conformance/cases/memory_op/spare_page.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/memory.h, XENMEM_exchange";

/// Frames of spare pages, in the form the exchange takes, and where they were.
struct Given {
  std::vector<uint64_t> frames;
  std::vector<uint64_t> pfns;
};

Given spare_pages(CaseContext& c, size_t count) {
  Given given;
  for (size_t i = 0; i < count; ++i) {
    const SparePage page = spare_page(c);
    given.frames.push_back(page.gfn.raw());
    given.pfns.push_back(page.pfn.raw());
  }
  return given;
}

uint64_t m2p(CaseContext& c, uint64_t frame) {
  return c.vcpu().read<uint64_t>(Gva{MACH2PHYS_VIRT_START + frame * sizeof(uint64_t)});
}

/// Checks that each of these frames is the guest's and free of other references: it can be given back.
void check_owned(CaseContext& c, MemoryOps& memory, const std::vector<uint64_t>& frames, std::string_view what) {
  c.check_eq(memory.decrease_reservation({.extents = frames}).done, frames.size(), what);
}

const Case kOrder{{
    .slug = "memory_op.exchange.order_over_limit.eperm",
    .rule = "An extent order above the caller's limit gives EPERM, on either side, before sizes are compared.",
    .source = kSource,
    .requirements = {"MEM-XCHG-001"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Given given = spare_pages(c, 1);
          const auto with_orders = [&](unsigned in, unsigned out) {
            return memory.exchange(
                {.in = {.extents = given.frames, .order = in}, .out = {.extents = given.pfns, .order = out}});
          };
          c.check_eq(with_orders(10, 10).result, -XEN_EPERM, "order 10 on both sides");
          c.check_eq(with_orders(10, 0).result, -XEN_EPERM, "order 10 given");
          c.check_eq(with_orders(0, 10).result, -XEN_EPERM, "order 10 wanted");
          c.check_eq(with_orders(0, 9).result, -XEN_EINVAL, "order 9 is allowed; the sizes differ");
        },
}};

const Case kMismatch{{
    .slug = "memory_op.exchange.unequal_sides.einval",
    .rule = "Sides that differ in domain or total size, overflow, or are done beyond their end give EINVAL.",
    .source = kSource,
    .requirements = {"MEM-XCHG-002"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Given given = spare_pages(c, 2);
          const int64_t before = memory.current_reservation();
          const std::vector<uint64_t> one{given.pfns[0]};
          c.check_eq(memory.exchange({.in = {.extents = given.frames}, .out = {.extents = one}}).result, -XEN_EINVAL,
                     "two frames for one");
          c.check_eq(
              memory.exchange({.in = {.extents = given.frames}, .out = {.extents = given.pfns, .dom = c.guest().id()}})
                  .result,
              -XEN_EINVAL, "DOMID_SELF on one side, the guest's id on the other");
          constexpr uint64_t kOverflows = uint64_t{1} << 60;
          c.check_eq(memory
                         .exchange({.in = {.extents = given.frames, .order = 9, .count = kOverflows},
                                    .out = {.extents = given.pfns, .order = 9, .count = kOverflows}})
                         .result,
                     -XEN_EINVAL, "a total that overflows");
          c.check_eq(
              memory.exchange({.in = {.extents = given.frames}, .out = {.extents = given.pfns}, .done = 3}).result,
              -XEN_EINVAL, "more done than there are");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          check_owned(c, memory, given.frames, "the frames are still the guest's");
        },
}};

const Case kDone{{
    .slug = "memory_op.exchange.all_done.zero",
    .rule = "An exchange with all extents done already gives 0 at once, whatever the lists are.",
    .source = kSource,
    .requirements = {"MEM-XCHG-003"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const int64_t before = memory.current_reservation();
          const Reservation absent{.dom = kDomAbsent, .null_list = true, .count = 5};
          const auto done = memory.exchange({.in = absent, .out = absent, .done = 5});
          c.check_eq(done.result, 0, "five of five done");
          c.check_eq(done.done, 5u, "nr_exchanged");
          c.check_eq(memory.exchange({.in = absent, .out = absent, .done = 4}).result, -XEN_ESRCH,
                     "four of five: now the domain is looked for");
          c.check_eq(memory.current_reservation(), before, "current reservation");
        },
}};

const Case kDomain{{
    .slug = "memory_op.exchange.other_domain.esrch_eperm",
    .rule = "An exchange for an unknown domain gives ESRCH, for a foreign one by an unprivileged guest EPERM.",
    .source = kSource,
    .requirements = {"MEM-XCHG-004"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Given given = spare_pages(c, 1);
          const auto of = [&](DomId dom) {
            return memory
                .exchange({.in = {.extents = given.frames, .dom = dom}, .out = {.extents = given.pfns, .dom = dom}})
                .result;
          };
          c.check_eq(of(kDomAbsent), -XEN_ESRCH, "absent domain");
          c.check_eq(of(DomId{0}), -XEN_EPERM, "dom0");
          check_owned(c, memory, given.frames, "the frame is still the guest's");
        },
}};

const Case kTranslated{{
    .slug = "memory_op.exchange.translated.eopnotsupp",
    .rule = "A translated guest's frames cannot be exchanged: EOPNOTSUPP, and they stay where they are.",
    .source = kSource,
    .requirements = {"MEM-XCHG-005", "MEM-XCHG-007"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const SparePage page = spare_page(c);
          c.vcpu().write(page.va, uint64_t{0x1234});
          const std::vector<uint64_t> list{page.pfn.raw()};
          const auto done = memory.exchange({.in = {.extents = list}, .out = {.extents = list}});
          c.check_eq(done.result, -XEN_EOPNOTSUPP, "exchange");
          c.check_eq(done.done, 0u, "nr_exchanged");
          c.check_eq(c.vcpu().read<uint64_t>(page.va), 0x1234u, "the page's content");
        },
}};

const Case kReferenced{{
    .slug = "memory_op.exchange.mapped_frame.einval",
    .rule = "A frame that is still mapped cannot be exchanged: EINVAL, and the chunk's frames stay the guest's.",
    .source = kSource,
    .method = "Chunks of two frames; the second one holds a mapped frame. The first is done and counted.",
    .requirements = {"MEM-XCHG-006", "MEM-XCHG-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Given given = spare_pages(c, 3);
          const Gva mapped = c.guest().alloc_pages(1);
          c.vcpu().write(mapped, uint64_t{77});
          const int64_t before = memory.current_reservation();
          std::vector<uint64_t> in = given.frames;
          in.push_back(c.guest().gfn_of(mapped).raw());
          const auto done =
              memory.exchange({.in = {.extents = in}, .out = {.extents = {given.pfns[0], given.pfns[2]}, .order = 1}});
          c.check_eq(done.result, -XEN_EINVAL, "exchange");
          c.check_eq(done.done, 2u, "input extents done: the first chunk");
          c.check_ne(done.out[0], given.pfns[0], "the first chunk's output was written");
          c.check_eq(done.out[1], given.pfns[2], "the second chunk's output was not");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          c.check_eq(c.vcpu().read<uint64_t>(mapped), 77u, "the mapped page's content");
          check_owned(c, memory, {given.frames[2]}, "the other frame of the failed chunk is still the guest's");
        },
}};

const Case kContiguous{{
    .slug = "memory_op.exchange.four_for_one.contiguous",
    .rule =
        "An exchange replaces the frames by new, aligned and contiguous ones below the address limit; the total stays.",
    .source = kSource,
    .method = "Four pages for one extent of order 2 below 4 GiB; then that extent for four single pages.",
    .requirements = {"MEM-XCHG-007", "MEM-XCHG-008", "MEM-STAT-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Given given = spare_pages(c, 4);
          const int64_t before = memory.current_reservation();
          const auto joined =
              memory.exchange({.in = {.extents = given.frames},
                               .out = {.extents = {given.pfns[0]}, .order = 2, .flags = XENMEMF_address_bits(32)}});
          c.require_eq(joined.result, 0, "four frames for an extent of four");
          c.check_eq(joined.done, 4u, "input extents done");
          const uint64_t first = joined.out[0];
          c.check_eq(first % 4, 0u, "the extent is aligned");
          c.check(first + 3 < uint64_t{1} << 20, "the extent lies below 4 GiB");
          for (uint64_t i = 0; i < 4; ++i) c.check_eq(m2p(c, first + i), given.pfns[0] + i, "M2P entry of the extent");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          const auto parted = memory.exchange({.in = {.extents = {first}, .order = 2}, .out = {.extents = given.pfns}});
          c.require_eq(parted.result, 0, "the extent for four frames");
          c.check_eq(parted.done, 1u, "input extents done");
          for (size_t i = 0; i < 4; ++i) c.check_eq(m2p(c, parted.out[i]), given.pfns[i], "M2P entry of a frame");
          c.check_eq(memory.current_reservation(), before, "current reservation at the end");
          c.check_eq(memory.decrease_reservation({.extents = {first}, .order = 2}).done, 0,
                     "the extent is not the guest's any more");
          check_owned(c, memory, parted.out, "the new frames are");
        },
}};

const Case kNoMemory{{
    .slug = "memory_op.exchange.no_memory_below_limit.enomem",
    .rule = "When the outputs cannot be allocated, ENOMEM, and the chunk's frames are the guest's again.",
    .source = kSource,
    .method = "Frames below 1 MiB are asked for, where a PC has none to give.",
    .requirements = {"MEM-XCHG-009", "MEM-XCHG-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Given given = spare_pages(c, 2);
          const int64_t before = memory.current_reservation();
          const auto done =
              memory.exchange({.in = {.extents = given.frames},
                               .out = {.extents = {given.pfns[0]}, .order = 1, .flags = XENMEMF_address_bits(20)}});
          c.check_eq(done.result, -XEN_ENOMEM, "exchange");
          c.check_eq(done.done, 0u, "input extents done");
          c.check_eq(done.out[0], given.pfns[0], "the output list is as it was");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          check_owned(c, memory, given.frames, "the frames are still the guest's");
        },
}};

const Case kRange{{
    .slug = "memory_op.exchange.bad_list.efault",
    .rule = "Both lists are checked to be guest addresses before any page moves: EFAULT.",
    .source = kSource,
    .requirements = {"MEM-XCHG-010", "HCALL-020"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Given given = spare_pages(c, 1);
          const int64_t before = memory.current_reservation();
          Scratch scratch(c.vcpu());
          const Gva frame_list = scratch.put(given.frames[0], 512);
          const Gva pfn_list = scratch.put(given.pfns[0], 520);
          const auto with_lists = [&](Gva in, Gva out) {
            xen_memory_exchange_t arg{};
            arg.in.domid = arg.out.domid = DOMID_SELF;
            arg.in.nr_extents = arg.out.nr_extents = 1;
            set_handle(arg.in.extent_start, in);
            set_handle(arg.out.extent_start, out);
            const auto called = call_with(scratch, __HYPERVISOR_memory_op, XENMEM_exchange, arg);
            c.check_eq(called.arg.nr_exchanged, 0u, "input extents done");
            return called.result;
          };
          const Gva hypervisor{0xffff'8300'0000'0000};
          c.check_eq(with_lists(frame_list, hypervisor), -XEN_EFAULT, "the output list is the hypervisor's");
          c.check_eq(with_lists(hypervisor, pfn_list), -XEN_EFAULT, "the input list is the hypervisor's");
          c.check_eq(memory.current_reservation(), before, "current reservation");
          check_owned(c, memory, given.frames, "the frame is still the guest's");
        },
}};

const Case kArgument{{
    .slug = "memory_op.exchange.bad_pointer.efault",
    .rule = "An exchange whose argument cannot be read gives EFAULT.",
    .source = kSource,
    .requirements = {"MEM-XCHG-010", "HCALL-020"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            c.check_eq(memory.raw(XENMEM_exchange, bad.va), -XEN_EFAULT, bad.what);
          }
        },
}};

}  // namespace
}  // namespace assay
