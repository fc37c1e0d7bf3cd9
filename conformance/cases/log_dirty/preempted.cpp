/// CLEAN and PEEK that were preempted: whose their continuation is, and what others are told meanwhile.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/log_dirty.hpp"
#include "conformance/guest/wait.hpp"
#include "conformance/guest/waiting_upcall.hpp"

namespace assay {
namespace {

constexpr uint64_t kPages = 1024;
/// More than 4.17 looks at without looking whether it should stop. The frames that a guest has come first.
constexpr uint64_t kManyBits = (uint64_t{1} << 24) + (uint64_t{1} << 15);
constexpr uint64_t kBitmapPages = kManyBits / 8 / kPageSize;
constexpr uint32_t kBitmapOperations[] = {XEN_DOMCTL_SHADOW_OP_PEEK, XEN_DOMCTL_SHADOW_OP_CLEAN};
constexpr const char* kSource = "xen/arch/x86/mm/paging.c, paging_domctl";

/// A tracked guest that has written a page and stands still, and a long operation of dom0 on it.
class LongOperation {
 public:
  explicit LongOperation(CaseContext& c)
      : ops(c.dom0().vcpu(0), c.guest().id()),
        page(c.guest().alloc_pages(1)),
        pfn(c.guest().pfn_of(page)),
        c_(c),
        dom0_(c.dom0().vcpu(0)),
        control_(dom0_),
        bitmap_(c.dom0().alloc_pages(kBitmapPages)),
        argument_(dom0_),
        upcall_(c, dom0_) {
    c.require_eq(ops.enable(), 0, "set-up: enabling log-dirty");
    c.vcpu().write(page, uint64_t{1});
    c.require_eq(control_.pause(c.guest().id()), 0, "set-up: the guest stands still");
    became_dirty_ = ops.peek(kPages).stats.dirty_count;
  }

  /// Ends the case unless the operation lets a waiting upcall through.
  void begin(uint32_t operation) {
    c_.require(!dom0_.fill(bitmap_, kPageSize, kUntouchedByte), "set-up: the bitmap");
    argument_.put(ops.request(operation, 0, kManyBits, bitmap_));
    at_ = upcall_.call(__HYPERVISOR_domctl, argument_.va().raw());
    c_.require(at_.was_preempted, "an operation on so many bits is preempted");
  }
  /// The call that the hypervisor left in the vCPU's registers, with what the argument says now.
  int64_t continuation() { return dom0_.hypercall(at_.next_number, {at_.next_argument}); }
  int64_t continuation_with(const xen_domctl_t& changed) {
    const xen_domctl_t before = argument_.get();
    argument_.put(changed);
    const int64_t result = continuation();
    argument_.put(before);
    return result;
  }
  [[nodiscard]] xen_domctl_t argument() const { return argument_.get(); }

  void check_goes_on_to_its_end() {
    c_.check_eq(continuation(), 0, "the continuation");
    const xen_domctl_shadow_op op = argument().u.shadow_op;
    c_.check_eq(op.pages, kManyBits, "bits examined");
    c_.check_eq(op.stats.dirty_count, became_dirty_, "pages that became dirty");
    const auto byte = dom0_.read<uint8_t>(bitmap_ + pfn.raw() / 8);
    c_.check((byte >> (pfn.raw() % 8) & 1) != 0, "the page that was written is told");
  }
  void check_guest_runs() {
    c_.require_eq(control_.unpause(c_.guest().id()), 0, "the guest may go on");
    c_.vcpu().write(page, uint64_t{2});
    c_.check(ops.peek(kPages).has(pfn), "it writes, and is tracked");
  }

  LogDirtyOps ops;
  Gva page;
  Pfn pfn;

 private:
  CaseContext& c_;
  Vcpu& dom0_;
  DomctlOps control_;
  Gva bitmap_;
  GuestStruct<xen_domctl_t> argument_;
  WaitingUpcall upcall_;
  Interrupted at_;
  uint32_t became_dirty_ = 0;
};

const Case kGoesOn{{
    .slug = "log_dirty.preempted.continued.as_if_never_stopped",
    .rule = "CLEAN and PEEK on many bits let an upcall through; continued, they hand out all bits and statistics.",
    .source = kSource,
    .method = "An upcall waits when dom0 begins; the call that it finds in its registers is made afterwards.",
    .requirements = {"LOGD-015", "LOGD-004", "LOGD-013"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LongOperation long_one(c);
          for (const uint32_t operation : kBitmapOperations) {
            long_one.begin(operation);
            long_one.check_goes_on_to_its_end();
          }
          c.check(!long_one.ops.peek(kPages).has(long_one.pfn), "the CLEAN was one");
          long_one.check_guest_runs();
        },
}};

const Case kBusy{{
    .slug = "log_dirty.preempted.another_begins.ebusy",
    .rule = "While CLEAN or PEEK is preempted no other operation on the domain begins, whoever asks for it: EBUSY. "
            "Only the "
            "size of the pool is told. The one that was preempted goes on as if nobody had asked.",
    .source = kSource,
    .requirements = {"LOGD-009"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LongOperation long_one(c);
          LogDirtyOps& ops = long_one.ops;
          for (const uint32_t operation : kBitmapOperations) {
            long_one.begin(operation);
            for (const uint32_t other : kBitmapOperations) {
              c.check_eq(ops.call(other, 0, kPages, Gva{0}).result, -XEN_EBUSY, "operation " + std::to_string(other));
            }
            const DirtyPages peeked = ops.peek(kPages);
            c.check_eq(peeked.result, -XEN_EBUSY, "peek with a bitmap");
            c.check_eq(peeked.bitmap[0], kUntouchedByte, "nothing was handed out");
            c.check_eq(ops.enable(), -XEN_EBUSY, "enable");
            c.check_eq(ops.off(), -XEN_EBUSY, "off");
            c.check_eq(ops.simple(99), -XEN_EBUSY, "an operation that there is not");
            c.check_eq(ops.simple(XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION), -XEN_EBUSY, "set_allocation");
            c.check_eq(ops.simple(XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION), 0, "get_allocation");
            long_one.check_goes_on_to_its_end();
          }
          long_one.check_guest_runs();
        },
}};

const Case kAnotherDomain{{
    .slug = "log_dirty.preempted.another_domain.not_concerned",
    .rule = "What was preempted on one domain keeps nobody from asking about another, and learns nothing of it.",
    .source = kSource,
    .requirements = {"LOGD-009", "LOGD-015"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          LongOperation long_one(c);
          LogDirtyOps peer(c.dom0().vcpu(0), c.peer().id());
          c.require_eq(peer.enable(), 0, "set-up: tracking another guest");
          const Gva page = c.peer().alloc_pages(1);
          const Pfn pfn = c.peer().pfn_of(page);
          for (const uint32_t operation : kBitmapOperations) {
            c.peer().vcpu(0).write(page, uint64_t{operation});
            long_one.begin(operation);
            c.check(peer.peek(kPages).has(pfn), "peek at the other");
            c.check(peer.clean(kPages).has(pfn), "clean of the other");
            c.check(!peer.peek(kPages).has(pfn), "it is clean");
            xen_domctl_t changed = long_one.argument();
            changed.domain = c.peer().id().raw();
            c.check_eq(long_one.continuation_with(changed), -XEN_EBUSY, "the continuation, but of the other");
            long_one.check_goes_on_to_its_end();
          }
        },
}};

const Case kBogus{{
    .slug = "log_dirty.continuation.bogus.ebusy",
    .rule =
        "A continuation belongs to one operation: one as another, or of what is over, gives EBUSY and does nothing.",
    .source = kSource,
    .method = "The call that the hypervisor left in the registers is made with another operation, and once too often.",
    .requirements = {"LOGD-015"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LongOperation long_one(c);
          for (const uint32_t operation : kBitmapOperations) {
            long_one.begin(operation);
            const bool is_peek = operation == XEN_DOMCTL_SHADOW_OP_PEEK;
            for (const uint32_t other : {is_peek ? uint32_t{XEN_DOMCTL_SHADOW_OP_CLEAN} : XEN_DOMCTL_SHADOW_OP_PEEK,
                                         uint32_t{XEN_DOMCTL_SHADOW_OP_OFF}}) {
              xen_domctl_t changed = long_one.argument();
              changed.u.shadow_op.op = other;
              c.check_eq(long_one.continuation_with(changed), -XEN_EBUSY, "continued as " + std::to_string(other));
            }
            long_one.check_goes_on_to_its_end();
            c.check_eq(long_one.continuation(), -XEN_EBUSY, "continued once too often");
            c.check_eq(long_one.ops.peek(kPages).has(long_one.pfn), is_peek, "dirty only before the CLEAN");
          }
          long_one.check_guest_runs();
          c.check_eq(long_one.continuation(), -XEN_EBUSY, "of a CLEAN that is over");
          c.check(long_one.ops.peek(kPages).has(long_one.pfn), "the page is still dirty");
        },
}};

const Case kUncalledFor{{
    .slug = "log_dirty.continuation.nobody_was_preempted.refused",
    .rule =
        "The hypercall that continues log-dirty operations takes no other domctl, no domain that is not there and no "
        "caller without rights, and where nothing was preempted it gives EBUSY.",
    .source = "xen/arch/x86/mm/paging.c, paging_domctl_continuation",
    .requirements = {"LOGD-015"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kNumber = __HYPERVISOR_arch_1;
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          c.require_eq(ops.enable(), 0, "set-up: enabling log-dirty");
          c.vcpu().write(c.guest().alloc_pages(1), uint64_t{1});
          const uint32_t became_dirty = ops.peek(kPages).stats.dirty_count;
          const auto made_up = [&](Vcpu& vcpu, xen_domctl_t request) {
            return vcpu.hypercall(kNumber, {GuestStruct<xen_domctl_t>(vcpu, request).va().raw()});
          };
          const xen_domctl_t clean = ops.request(XEN_DOMCTL_SHADOW_OP_CLEAN, 0, kPages, Gva{0});
          c.check_eq(made_up(c.dom0().vcpu(0), clean), -XEN_EBUSY, "nothing was preempted");
          xen_domctl_t absent = clean;
          absent.domain = kDomAbsent.raw();
          c.check_eq(made_up(c.dom0().vcpu(0), absent), -XEN_ESRCH, "of a domain that is not there");
          c.check_eq(made_up(c.dom0().vcpu(0), DomctlOps::request(XEN_DOMCTL_pausedomain, c.guest().id())),
                     -XEN_EOPNOTSUPP, "another domctl");
          c.check_eq(made_up(c.vcpu(), clean), -XEN_EPERM, "by the guest");
          c.check(ops.peek(kPages).stats.dirty_count >= became_dirty, "nothing was cleaned");
        },
}};

const Case kDestroyed{{
    .slug = "log_dirty.preempted.domain_destroyed.gone",
    .rule = "A domain can be destroyed while an operation on it is preempted; there is nothing left to continue then.",
    .source = kSource,
    .requirements = {"LOGD-015", "LOGD-001"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LongOperation long_one(c);
          DomctlOps control(c.dom0().vcpu(0));
          const DomId dom = c.guest().id();
          long_one.begin(XEN_DOMCTL_SHADOW_OP_CLEAN);
          c.require_eq(control.call(XEN_DOMCTL_destroydomain, dom).result, 0, "destroydomain");
          c.check(wait_until(c, [&] { return control.pause(dom) == -XEN_ESRCH; }), "the domain is gone");
          c.check_eq(long_one.continuation(), -XEN_ESRCH, "the continuation");
        },
}};

}  // namespace
}  // namespace assay
