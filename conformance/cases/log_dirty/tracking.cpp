/// Log-dirty tracking of HVM domains.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/log_dirty.hpp"

namespace assay {
namespace {

constexpr uint64_t kPages = 1024;

/// Bits of a few heap pages of the guest, all tracked and clean to begin with.
struct Tracked {
  explicit Tracked(CaseContext& c)
      : ops(c.dom0().vcpu(0), c.guest().id()), first(c.guest().alloc_pages(4)), guest(c.guest()) {
    c.require_eq(ops.enable(), 0, "set-up: enabling log-dirty");
    c.require_eq(ops.clean(kPages).result, 0, "set-up: everything is clean");
  }
  [[nodiscard]] Gva va(uint64_t page) const { return first + page * kPageSize; }
  [[nodiscard]] Pfn pfn(uint64_t page) const { return guest.pfn_of(va(page)); }
  void write(uint64_t page) { guest.vcpu(0).write(va(page) + 8, uint64_t{7}); }

  LogDirtyOps ops;
  Gva first;
  Domain& guest;
};

const Case kGuestWrites{{
    .slug = "log_dirty.peek.guest_wrote.dirty",
    .rule = "A page that the guest has written since tracking began is dirty; one that it has only read is not.",
    .source = "public/domctl.h, XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY",
    .requirements = {"LOGD-003"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Tracked t(c);
          t.write(0);
          c.vcpu().read<uint64_t>(t.va(1));
          c.vcpu().atomic(ASSAY_ATOMIC_ADD, t.va(2), 8, 1);
          const DirtyPages got = t.ops.peek(kPages);
          c.check_eq(got.result, 0, "peek");
          c.check(got.has(t.pfn(0)), "the page that was written");
          c.check(!got.has(t.pfn(1)), "the page that was read is clean");
          c.check(got.has(t.pfn(2)), "the page with an atomic operation");
          c.check(!got.has(t.pfn(3)), "the page that was left alone is clean");
          c.check_eq(c.vcpu().read<uint64_t>(t.va(0) + 8), 7u, "what was written");
        },
}};

const Case kHypercallWrites{{
    .slug = "log_dirty.peek.hypercall_wrote.dirty",
    .rule = "A page that the hypervisor wrote on the guest's behalf is dirty as if the guest had written it.",
    .source = "public/domctl.h, XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY",
    .requirements = {"LOGD-003"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Tracked t(c);
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_extraversion, t.va(1).raw()}), 0,
                     "a hypercall that writes a string");
          const DirtyPages got = t.ops.peek(kPages);
          c.check(got.has(t.pfn(1)), "the page that it wrote to");
          c.check(!got.has(t.pfn(0)), "its neighbour is clean");
          c.check(!got.has(t.pfn(2)), "its other neighbour is clean");
        },
}};

const Case kCleanResets{{
    .slug = "log_dirty.clean.dirty_page.reset_and_peek_does_not",
    .rule = "PEEK hands out the dirty pages and leaves them; CLEAN hands them out and forgets them.",
    .source = "public/domctl.h, XEN_DOMCTL_SHADOW_OP_CLEAN, XEN_DOMCTL_SHADOW_OP_PEEK",
    .requirements = {"LOGD-004"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Tracked t(c);
          t.write(0);
          c.check(t.ops.peek(kPages).has(t.pfn(0)), "first peek");
          c.check(t.ops.peek(kPages).has(t.pfn(0)), "second peek");
          c.check(t.ops.clean(kPages).has(t.pfn(0)), "clean");
          c.check(!t.ops.peek(kPages).has(t.pfn(0)), "peek after the clean");
          c.check(!t.ops.clean(kPages).has(t.pfn(0)), "clean after the clean");
        },
}};

const Case kNotLost{{
    .slug = "log_dirty.clean.written_again.reported_again",
    .rule = "A page written after CLEAN returned is handed out by the next one: no update is lost.",
    .source = "public/domctl.h, XEN_DOMCTL_SHADOW_OP_CLEAN",
    .requirements = {"LOGD-005"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Tracked t(c);
          for (unsigned round = 0; round < 4; ++round) {
            t.write(round % 2);
            const DirtyPages got = t.ops.clean(kPages);
            c.check(got.has(t.pfn(round % 2)), "the page of this round");
            c.check(!got.has(t.pfn(1 - round % 2)), "the page of the other rounds");
          }
        },
}};

const Case kNullBitmap{{
    .slug = "log_dirty.clean.null_bitmap.only_resets",
    .rule = "Without a bitmap CLEAN resets all the same, and hands out the statistics.",
    .source = "xen/arch/x86/mm/paging.c, paging_log_dirty_op",
    .requirements = {"LOGD-004", "LOGD-007"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Tracked t(c);
          t.write(0);
          const auto done = t.ops.call(XEN_DOMCTL_SHADOW_OP_CLEAN, 0, kPages, Gva{0});
          c.check_eq(done.result, 0, "clean");
          c.check(done.arg.u.shadow_op.stats.dirty_count >= 1, "a page became dirty");
          c.check(!t.ops.peek(kPages).has(t.pfn(0)), "peek after it");
        },
}};

const Case kRange{{
    .slug = "log_dirty.peek.pages.examined_and_beyond_zero",
    .rule =
        "`pages` comes back as the number of bits examined; bits of frames that there are none of read as zero, and "
        "nothing is written behind the last one.",
    .source = "public/domctl.h, xen_domctl_shadow_op.pages",
    .requirements = {"LOGD-006"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Tracked t(c);
          t.write(0);
          constexpr uint64_t kBeyond = 20'000;
          const DirtyPages wide = t.ops.peek(kBeyond);
          c.check_eq(wide.result, 0, "more than the domain has");
          c.check_eq(wide.pages, kBeyond, "bits examined");
          c.check(wide.has(t.pfn(0)), "the page that was written");
          bool zero = true;
          for (uint64_t byte = 2000; byte < kBeyond / 8; ++byte) zero = zero && wide.bitmap[byte] == 0;
          c.check(zero, "bits beyond the domain's memory");
          c.check_eq(wide.bitmap[kBeyond / 8], kUntouchedByte, "the byte behind the last bit");
          const DirtyPages narrow = t.ops.peek(64);
          c.check_eq(narrow.pages, 64u, "bits examined of the first 64");
          c.check_eq(narrow.bitmap[8], kUntouchedByte, "the byte behind them");
          const DirtyPages none = t.ops.peek(0);
          c.check_eq(none.result, 0, "no bits at all");
          c.check_eq(none.bitmap[0], kUntouchedByte, "the first byte");
        },
}};

const Case kStatistics{{
    .slug = "log_dirty.stats.since_clean.counted",
    .rule = "The statistics count what became dirty since the last CLEAN, which sets them back; PEEK leaves them.",
    .source = "public/domctl.h, xen_domctl_shadow_op_stats",
    .requirements = {"LOGD-007"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Tracked t(c);
          DomctlOps dom0(c.dom0().vcpu(0));
          for (uint64_t page = 0; page < 4; ++page) t.write(page);
          c.require_eq(dom0.pause(c.guest().id()), 0, "pausing the guest");
          const DirtyPages first = t.ops.peek(kPages);
          c.check(first.stats.dirty_count >= 4, "at least the four pages");
          c.check_eq(t.ops.peek(kPages).stats.dirty_count, first.stats.dirty_count, "the same after a peek");
          c.check_eq(t.ops.clean(kPages).stats.dirty_count, first.stats.dirty_count, "handed out by CLEAN");
          const DirtyPages after = t.ops.peek(kPages);
          c.check_eq(after.stats.dirty_count, 0u, "dirty count after CLEAN");
          c.check_eq(after.stats.fault_count, 0u, "fault count after CLEAN");
          c.require_eq(dom0.unpause(c.guest().id()), 0, "unpausing the guest");
        },
}};

const Case kPartialByte{{
    .slug = "log_dirty.peek.partial_byte.last_bits_told",
    .rule = "Frames whose bits do not fill a byte of the bitmap are told all the same.",
    .source = "public/domctl.h, xen_domctl_shadow_op: pages",
    .requirements = {"LOGD-006", "LOGD-003"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Tracked t(c);
          const uint64_t page = t.pfn(0).raw() % 8 == 7 ? 1 : 0;  // whose bit is not the last of a byte
          t.write(page);
          const uint64_t count = t.pfn(page).raw() + 1;
          const DirtyPages got = t.ops.peek(count);
          c.check_eq(got.result, 0, "peek");
          c.check_eq(got.pages, count, "bits examined");
          c.check_ne(got.bitmap[t.pfn(page).raw() / 8], kUntouchedByte, "the byte that its bit is in was written");
          c.check(got.has(t.pfn(page)), "the last frame that was asked for");
        },
}};

const Case kOffReleases{{
    .slug = "log_dirty.off.again_and_again.memory_released",
    .rule = "Turning tracking off releases its memory: it can be turned on and used any number of times.",
    .source = "public/domctl.h, XEN_DOMCTL_SHADOW_OP_OFF",
    .method = "More often than the domain's paging pool could pay for if each time kept its bitmap.",
    .requirements = {"LOGD-012", "LOGD-008"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr int kTimes = 150;
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          const Gva page = c.guest().alloc_pages(1);
          for (int i = 0; i < kTimes; ++i) {
            c.require_eq(ops.enable(), 0, "on");
            c.vcpu().write(page, static_cast<uint64_t>(i));
            const DirtyPages got = ops.peek(kPages);
            c.require_eq(got.result, 0, "peek");
            c.require(got.has(c.guest().pfn_of(page)), "the page that was written");
            c.require_eq(ops.off(), 0, "off");
          }
        },
}};

}  // namespace
}  // namespace assay
