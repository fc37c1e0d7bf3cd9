/// Pages that are written for a tracked domain, by other domains and by the hypervisor.
#include "conformance/case.hpp"
#include "conformance/guest/grant_copy.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/log_dirty.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/vcpu_ops.hpp"

namespace assay {
namespace {

constexpr uint64_t kPages = 1024;
constexpr std::string_view kSource = "public/domctl.h, XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY";

/// peer() grants guest() its memory; it is peer() that is tracked, and clean.
struct TrackedGranter {
  explicit TrackedGranter(CaseContext& context)
      : c(context), pair(context), ops(context.dom0().vcpu(0), pair.table.dom()) {
    pair.permit();
    c.require_eq(ops.enable(), 0, "set-up: enabling log-dirty");
    clean();
  }
  void clean() { c.require_eq(ops.clean(kPages).result, 0, "clean"); }
  bool dirty() {
    const DirtyPages got = ops.peek(kPages);
    c.require_eq(got.result, 0, "peek");
    return got.has(pair.granter.domain().pfn_of(pair.page));
  }

  CaseContext& c;
  GrantPair pair;
  LogDirtyOps ops;
};

const Case kCopied{{
    .slug = "log_dirty.peek.copied_into_by_grant.dirty",
    .rule = "A page that another domain copied into by a grant is dirty; one that it copied from is not.",
    .source = kSource,
    .requirements = {"LOGD-003", "GNT-COPY-009"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          TrackedGranter t(c);
          const Gfn own = c.guest().gfn_of(c.guest().alloc_pages(1));
          const CopySide granted = by_ref(GrantPair::kRef, t.pair.table.dom());
          check_status(c, t.pair.ops.copy(copy_request(granted, by_frame(own), 8)), GNTST_okay, "copying from it");
          c.check(!t.dirty(), "the page is clean");
          check_status(c, t.pair.ops.copy(copy_request(by_frame(own), granted, 8)), GNTST_okay, "copying into it");
          c.check(t.dirty(), "the page is dirty");
          t.clean();
          c.check(!t.dirty(), "clean again");
          check_status(c, t.pair.ops.copy(copy_request(by_frame(own), granted, 8)), GNTST_okay, "copying once more");
          c.check(t.dirty(), "dirty again");
        },
}};

const Case kUnmapped{{
    .slug = "log_dirty.peek.granted_for_writing.dirty_when_unmapped",
    .rule = "A page that another domain has mapped for writing by a grant is dirty when it is unmapped, as nobody sees "
            "what is "
            "written meanwhile; one that was mapped for reading is not.",
    .source = kSource,
    .requirements = {"LOGD-003", "LOGD-014", "GNT-UNMAP-009"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          TrackedGranter t(c);
          const GrantPair::Mapped read_only = t.pair.map(GNTMAP_host_map | GNTMAP_readonly);
          t.pair.unmap(read_only);
          c.check(!t.dirty(), "mapped for reading: clean");
          const GrantPair::Mapped mapped = t.pair.map();
          c.vcpu().write(mapped.at.va, uint64_t{5});
          t.clean();
          t.pair.unmap(mapped);
          c.check(t.dirty(), "mapped for writing, and unmapped after the clean: dirty");
        },
}};

const Case kRunstateArea{{
    .slug = "log_dirty.peek.runstate_area.dirty",
    .rule =
        "A page with a runstate area is dirty when the vCPU has been scheduled, as the hypervisor writes to it then.",
    .source = "public/vcpu.h, VCPUOP_register_runstate_memory_area",
    .requirements = {"LOGD-003"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          const Gva area = c.guest().alloc_pages(1);
          c.require_eq(VcpuOps(c.vcpu()).register_runstate_area(0, area), 0, "set-up: registering the area");
          c.require_eq(ops.enable(), 0, "set-up: enabling log-dirty");
          for (int round = 0; round < 2; ++round) {
            c.require_eq(ops.clean(kPages).result, 0, "clean");
            c.check_eq(SchedOps(c.vcpu()).yield(), 0, "the vCPU yields");
            c.check(ops.peek(kPages).has(c.guest().pfn_of(area)), "the page of its area");
          }
        },
}};

const Case kHuge{{
    .slug = "log_dirty.clean.bits_beyond_memory.told_and_quick",
    .rule = "Without a bitmap any number of bits can be examined, however little memory there is: they are all told.",
    .source = "public/domctl.h, xen_domctl_shadow_op.pages",
    .requirements = {"LOGD-006"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          c.require_eq(ops.enable(), 0, "set-up: enabling log-dirty");
          const Gva page = c.guest().alloc_pages(1);
          c.vcpu().write(page, uint64_t{1});
          for (const uint64_t bits : {uint64_t{1} << 20, uint64_t{1} << 28}) {
            const auto peeked = ops.call(XEN_DOMCTL_SHADOW_OP_PEEK, 0, bits, Gva{0});
            c.check_eq(peeked.result, 0, "peek at " + show(bits));
            c.check_eq(peeked.arg.u.shadow_op.pages, bits, "bits examined");
          }
          c.check(ops.peek(kPages).has(c.guest().pfn_of(page)), "the page that was written");
          c.check_eq(ops.call(XEN_DOMCTL_SHADOW_OP_CLEAN, 0, uint64_t{1} << 28, Gva{0}).result, 0, "clean");
          c.check(!ops.peek(kPages).has(c.guest().pfn_of(page)), "the page after the clean");
        },
}};

const Case kCountedOnce{{
    .slug = "log_dirty.stats.page_written_twice.counted_once",
    .rule = "A page that is written twice became dirty once; after a CLEAN it becomes dirty anew.",
    .source = "public/domctl.h, xen_domctl_shadow_op_stats",
    .method = "A second page shows what the harness's own operations add.",
    .requirements = {"LOGD-007"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          const Gva page = c.guest().alloc_pages(1);
          c.require_eq(ops.enable(), 0, "set-up: enabling log-dirty");
          for (int round = 0; round < 3; ++round) {
            c.require_eq(ops.clean(kPages).result, 0, "clean");
            c.vcpu().write(page, uint64_t{1});
            const uint32_t once = ops.peek(kPages).stats.dirty_count;
            for (int again = 0; again < 20; ++again) c.vcpu().write(page, uint64_t{2});
            const uint32_t twice = ops.peek(kPages).stats.dirty_count;
            c.check(once >= 1, "a page became dirty");
            c.check(twice < once + 20, "and not with every write");
          }
        },
}};

}  // namespace
}  // namespace assay
