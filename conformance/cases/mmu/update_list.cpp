#include <array>
#include <string>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/page_tables.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

const Case kCommands{{
    .slug = "mmu_update.command.unknown.enosys",
    .rule = "The low bits of ptr select the operation: 0 to 3 exist, 4 to 7 give ENOSYS and change nothing.",
    .source = "public/xen.h, mmu_update: ptr[1:0] specifies the appropriate MMU_* command",
    .requirements = {"MMU-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          for (const unsigned command :
               Commands{MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD, MMU_PT_UPDATE_NO_TRANSLATE}) {
            c.check_eq(ops.set_entry(page.frame, 1, 40 + command, command), 0, "a command that exists");
            c.check_eq(entry_at(c.vcpu(), page, 1), 40u + command, "the word");
          }
          for (unsigned command = 4; command < 8; ++command) {
            c.check_eq(ops.set_entry(page.frame, 1, 7, command), -XEN_ENOSYS, "command " + std::to_string(command));
          }
          c.check_eq(entry_at(c.vcpu(), page, 1), 40u + MMU_PT_UPDATE_NO_TRANSLATE, "the word afterwards");
        },
}};

const Case kFirstFailure{{
    .slug = "mmu_update.list.first_failure.stops_and_counts",
    .rule = "The list is worked off in order up to the first request that fails; the counter says how many were done.",
    .source = "public/xen.h, mmu_update(reqs, count, pdone, foreigndom)",
    .requirements = {"MMU-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const ListResult broken =
              ops.update({MmuOps::request(page.frame, 0, 10), MmuOps::request(page.frame, 1, 11),
                          MmuOps::request(page.frame, 2, 12, 5), MmuOps::request(page.frame, 3, 13)});
          c.check_eq(broken.result, -XEN_ENOSYS, "the list whose third request is bad");
          c.check_eq(broken.done, 2u, "how many were done");
          c.check_eq(entry_at(c.vcpu(), page, 0), 10u, "first request");
          c.check_eq(entry_at(c.vcpu(), page, 1), 11u, "second request");
          c.check_eq(entry_at(c.vcpu(), page, 3), 0u, "the request behind the bad one");
          const ListResult whole = ops.update({MmuOps::request(page.frame, 0, 20), MmuOps::request(page.frame, 3, 23)});
          c.check_eq(whole.result, 0, "a good list");
          c.check_eq(whole.done, 2u, "how many were done");
          c.check_eq(ops.update({}).result, 0, "an empty list");
        },
}};

const Case kNoCounter{{
    .slug = "mmu_update.counter.null.not_needed",
    .rule = "The counter is optional: without one the list is worked off all the same.",
    .source = "public/xen.h, mmu_update: pdone may be NULL",
    .requirements = {"MMU-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Scratch memory(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const Gva list = memory.put(MmuOps::request(page.frame, 0, 10));
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_mmu_update, {list.raw(), 1, 0, DOMID_SELF}), 0, "result");
          c.check_eq(entry_at(c.vcpu(), page, 0), 10u, "the word");
        },
}};

const Case kBadList{{
    .slug = "mmu_update.list.unreadable.efault",
    .rule = "A list that cannot be read gives EFAULT and nothing is done.",
    .source = "public/xen.h, mmu_update",
    .requirements = {"MMU-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GuestStruct<uint32_t> done(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            done.put(kUntouched32);
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_mmu_update, {bad.va.raw(), 1, done.va().raw(), DOMID_SELF}),
                       -XEN_EFAULT, bad.what);
            c.check(done.get() == kUntouched32 || done.get() == 0, "no request counts as done");
          }
        },
}};

const Case kListEnds{{
    .slug = "mmu_update.list.second_request_unreadable.first_done",
    .rule = "A list that ends in unreadable memory is worked off up to there: EFAULT, and the counter says how far.",
    .source = "public/xen.h, mmu_update",
    .requirements = {"MMU-005", "MMU-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          const Page page = heap_page(c.vcpu());
          const Page list = heap_page(c.vcpu());
          const Page hole = heap_page(c.vcpu());
          GuestStruct<uint32_t> done(c.vcpu(), kUntouched32);
          c.require_eq(hole.va.raw(), list.va.raw() + kPageSize, "set-up: the hole follows the list");
          c.require_eq(remap(c.vcpu(), hole, 0), 0, "set-up: unmapping");
          const Gva last = list.va + (kPageSize - sizeof(mmu_update_t));
          c.vcpu().write(last, MmuOps::request(page.frame, 0, 10));
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_mmu_update, {last.raw(), 2, done.va().raw(), DOMID_SELF}),
                     -XEN_EFAULT, "result");
          c.check_eq(done.get(), 1u, "how many were done");
          c.check_eq(entry_at(c.vcpu(), page, 0), 10u, "the word");
        },
}};

const Case kLongList{{
    .slug = "mmu_update.list.long.each_done_once",
    .rule = "A long list may be preempted and goes on where it was: every request is done and counted once.",
    .source = "public/xen.h, mmu_update",
    .method = "Each request of the list stores into another word; a timer of the caller goes off meanwhile.",
    .requirements = {"MMU-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          std::vector<mmu_update_t> list;
          for (unsigned i = 0; i < kEntries; ++i) list.push_back(MmuOps::request(page.frame, i, 1000 + i));
          c.vcpu().set_upcalls(true);
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_set_timer_op, {c.vcpu().time_ns() + 50'000}), 0, "the timer");
          const ListResult got = ops.update(list);
          c.check_eq(got.result, 0, "result");
          c.check_eq(got.done, kEntries, "how many were done");
          bool all = true;
          for (unsigned i = 0; i < kEntries; i += 37) all = all && entry_at(c.vcpu(), page, i) == 1000 + i;
          c.check(all, "every word was stored");
        },
}};

const Case kPvhCaller{{
    .slug = "mmu_update.caller.pvh.enosys",
    .rule = "An HVM guest has no page tables that it would have to show to the hypervisor: ENOSYS.",
    .source = "xen/include/hypercall-defs.c",
    .requirements = {"MMU-012"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const ListResult got = ops.update({MmuOps::request(page.frame, 0, 10)});
          c.check_eq(got.result, -XEN_ENOSYS, "result");
          c.check_eq(got.done, kUntouched32, "the counter");
          c.check_eq(entry_at(c.vcpu(), page, 0), 0u, "the word");
        },
}};

const Case kInterrupted{{
    .slug = "mmu_update.list.interrupted.all_counted",
    .rule = "A list that an event interrupts tells in the end how many requests were done in all.",
    .source = "public/xen.h, mmu_update: success_count",
    .method = "The other vCPU sends an event while the list is under way.",
    .requirements = {"MMU-002"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kRounds = 40;
          constexpr unsigned kRequests = 32;
          EventChannels theirs(c.vcpu(1));
          const EvtchnPort port = EventChannels(c.vcpu(0)).bind_ipi(0).port;
          SharedInfo info(c.vcpu(0));
          const Page page = heap_page(c.vcpu(0));
          std::array<mmu_update_t, kRequests> requests{};
          for (unsigned i = 0; i < kRequests; ++i) requests[i] = MmuOps::request(page.frame, i, 1000 + i);
          const GuestStruct<std::array<mmu_update_t, kRequests>> list(c.vcpu(0), requests);
          GuestStruct<uint32_t> done(c.vcpu(0));
          c.vcpu(0).set_upcalls(true);
          c.interleave(kRounds, [&] {
            done.put(kUntouched32);
            const int64_t result =
                c.during(c.vcpu(0), __HYPERVISOR_mmu_update, {list.va().raw(), kRequests, done.va().raw(), DOMID_SELF},
                         [&] { theirs.send(port); });
            c.check_eq(result, 0, "result");
            c.check_eq(done.get(), kRequests, "how many were done");
            info.acknowledge(port, 0);
          });
        },
}};

const Case kContinuedByGuest{{
    .slug = "mmu_update.counter.continued.goes_on_from_it",
    .rule =
        "A count that is marked as continued goes on from the counter that is there; an unreadable one counts from 0.",
    .source = "public/xen.h, mmu_update; xen/arch/x86/mm.c, MMU_UPDATE_PREEMPTED",
    .requirements = {"MMU-014"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kContinued = 1u << 31;
          Vcpu& us = c.vcpu();
          Scratch memory(us);
          const Page page = heap_page(us);
          const auto again = [&](Gva counter) {
            memory.put(mmu_update_t{page.frame.raw() << kPageShift | MMU_MACHPHYS_UPDATE, 77});
            return us.hypercall(__HYPERVISOR_mmu_update,
                                {memory.va().raw(), 1 | kContinued, counter.raw(), DOMID_SELF});
          };
          memory.put(uint32_t{5}, 256);
          c.check_eq(again(memory.va(256)), 0, "with a counter");
          c.check_eq(memory.get<uint32_t>(256), 6u, "the counter");
          c.check_eq(again(Gva{0}), 0, "without one");
          c.check_eq(again(bad_pointer(c.guest_type())), 0, "with one that cannot be read");
        },
}};

}  // namespace
}  // namespace assay
