/// Who may be tracked, and how tracking begins and ends.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/log_dirty.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

constexpr uint64_t kPages = 1024;
constexpr uint32_t kBitmapOperations[] = {XEN_DOMCTL_SHADOW_OP_CLEAN, XEN_DOMCTL_SHADOW_OP_PEEK};

const Case kSelf{{
    .slug = "log_dirty.target.self.einval",
    .rule = "A control domain cannot track itself: EINVAL.",
    .source = "xen/arch/x86/mm/paging.c, paging_domctl",
    .requirements = {"LOGD-001"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.dom0().id());
          c.check_eq(ops.enable(), -XEN_EINVAL, "enable");
          c.check_eq(ops.off(), -XEN_EINVAL, "off");
          c.check_eq(ops.peek(kPages).result, -XEN_EINVAL, "peek");
        },
}};

const Case kNoVcpus{{
    .slug = "log_dirty.target.no_vcpus.einval",
    .rule = "A domain without vCPUs cannot be tracked yet: EINVAL.",
    .source = "xen/arch/x86/mm/paging.c, paging_domctl",
    .requirements = {"LOGD-001"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps dom0(c.dom0().vcpu(0));
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_createdomain, DomId{0});
          xen_domctl_createdomain& create = request.u.createdomain;
          create.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
          create.arch.emulation_flags = XEN_X86_EMU_LAPIC;
          create.max_vcpus = 1;
          create.max_evtchn_port = 100;
          create.max_grant_frames = -1;
          create.max_maptrack_frames = -1;
          create.grant_opts = XEN_DOMCTL_GRANT_version(2);
          const auto created = dom0.call(request);
          c.require_eq(created.result, 0, "set-up: a bare domain");
          const DomId dom{created.arg.domain};
          LogDirtyOps ops(c.dom0().vcpu(0), dom);
          c.check_eq(ops.enable(), -XEN_EINVAL, "enable");
          c.check_eq(ops.peek(kPages).result, -XEN_EINVAL, "peek");
          c.check_eq(dom0.call(XEN_DOMCTL_destroydomain, dom).result, 0, "destroying it");
        },
}};

const Case kDying{{
    .slug = "log_dirty.target.dying.zero_without_effect",
    .rule = "On a domain that is dying each operation returns 0 and does nothing.",
    .source = "xen/arch/x86/mm/paging.c, paging_domctl",
    .method = "A page of the guest that stays mapped in dom0 keeps the destroyed guest from going away.",
    .requirements = {"LOGD-001"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Vcpu& vcpu = c.dom0().vcpu(0);
          DomctlOps dom0(vcpu);
          MmuOps mmu(vcpu);
          const Page window = heap_page(vcpu);
          const DomId dom = c.guest().id();
          const Gfn frame = c.guest().gfn_of(c.guest().alloc_pages(1));
          LogDirtyOps ops(vcpu, dom);
          c.require_eq(mmu.update_va_other(window.va, make_entry(frame, kLeafRo), UVMF_INVLPG, dom), 0,
                       "set-up: mapped");
          c.require_eq(dom0.call(XEN_DOMCTL_destroydomain, dom).result, 0, "destroying the guest");
          const DirtyPages peeked = ops.peek(kPages);
          c.check_eq(peeked.result, 0, "peek");
          c.check_eq(peeked.bitmap[0], kUntouchedByte, "no bitmap was written");
          c.check_eq(ops.enable(), 0, "enable");
          c.check_eq(ops.enable(), 0, "enable again");
          c.check_eq(ops.simple(99), 0, "an operation that there is not");
          c.check_eq(remap(vcpu, window, kLeafRw), 0, "mapping dom0's own page again");
        },
}};

const Case kTwice{{
    .slug = "log_dirty.enable.twice.einval",
    .rule = "Tracking is enabled once: EINVAL for a second time, by whichever operation, until it is off.",
    .source = "xen/arch/x86/mm/paging.c, paging_log_dirty_enable",
    .requirements = {"LOGD-002"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          const auto by_mode = [&ops] {
            return ops.simple(XEN_DOMCTL_SHADOW_OP_ENABLE, XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY);
          };
          c.check_eq(ops.enable(), 0, "first time");
          c.check_eq(ops.enable(), -XEN_EINVAL, "second time");
          c.check_eq(by_mode(), -XEN_EINVAL, "by mode");
          c.check_eq(ops.off(), 0, "off");
          c.check_eq(by_mode(), 0, "by mode, after off");
          c.check_eq(ops.enable(), -XEN_EINVAL, "second time");
        },
}};

const Case kOff{{
    .slug = "log_dirty.off.enabled.forgotten",
    .rule = "OFF ends tracking and forgets what was dirty; without tracking it does nothing, and the guest runs on.",
    .source = "public/domctl.h, XEN_DOMCTL_SHADOW_OP_OFF",
    .requirements = {"LOGD-012"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          const Gva va = c.guest().alloc_pages(1);
          const Pfn pfn = c.guest().pfn_of(va);
          c.check_eq(ops.off(), 0, "without tracking");
          c.require_eq(ops.enable(), 0, "enable");
          c.vcpu().write(va, uint64_t{1});
          c.check(ops.peek(kPages).has(pfn), "tracked");
          c.check_eq(ops.off(), 0, "off");
          c.vcpu().write(va, uint64_t{2});
          c.check_eq(c.vcpu().read<uint64_t>(va), 2u, "the guest writes on");
          c.require_eq(ops.enable(), 0, "enable again");
          c.check(!ops.peek(kPages).has(pfn), "what was dirty before is forgotten");
          c.vcpu().write(va, uint64_t{3});
          c.check(ops.peek(kPages).has(pfn), "tracked again");
          c.check_eq(ops.off(), 0, "off again");
          c.check_eq(ops.off(), 0, "and once more");
        },
}};

const Case kModes{{
    .slug = "log_dirty.bitmap_operation.mode.only_final",
    .rule = "CLEAN and PEEK know one mode bit, FINAL: any other gives EINVAL and nothing is reset.",
    .source = "public/domctl.h, XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL",
    .requirements = {"LOGD-010"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          c.require_eq(ops.enable(), 0, "set-up: enable");
          const Gva va = c.guest().alloc_pages(1);
          const Pfn pfn = c.guest().pfn_of(va);
          for (const uint32_t mode : {2u, 4u, 0x8000'0001u}) {
            c.check_eq(ops.clean(kPages, mode).result, -XEN_EINVAL, "clean, mode " + show(mode));
            c.check_eq(ops.peek(kPages, mode).result, -XEN_EINVAL, "peek, mode " + show(mode));
          }
          c.check(ops.peek(kPages, XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL).has(pfn), "the page is still dirty");
          c.check(ops.clean(kPages, XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL).has(pfn), "final clean");
          c.check(!ops.peek(kPages, XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL).has(pfn), "final peek after it");
        },
}};

const Case kNotPaused{{
    .slug = "log_dirty.bitmap_operation.error.guest_runs_on",
    .rule = "An operation that fails leaves the guest running: it is paused only meanwhile.",
    .source = "xen/arch/x86/mm/paging.c, paging_log_dirty_op",
    .requirements = {"LOGD-013"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          DomctlOps dom0(c.dom0().vcpu(0));
          c.require_eq(ops.enable(), 0, "set-up: enable");
          const Gva va = c.guest().alloc_pages(1);
          const Gva bad = bad_pointer(GuestType::kPv64);
          for (const uint32_t operation : kBitmapOperations) {
            c.check_eq(ops.call(operation, 0, kPages, bad).result, -XEN_EFAULT, "a bitmap that cannot be written");
            c.vcpu().write(va, uint64_t{operation});
            c.check_eq(c.vcpu().read<uint64_t>(va), operation, "the guest runs on");
            const auto info = dom0.domain_info(c.guest().id());
            c.check_eq(info.arg.u.getdomaininfo.flags & XEN_DOMINF_paused, 0u, "paused");
          }
          c.check_eq(dom0.unpause(c.guest().id()), -XEN_EINVAL, "there is no pause to undo");
        },
}};

const Case kNoMemory{{
    .slug = "log_dirty.bitmap_operation.no_memory.enomem",
    .rule =
        "When a dirty page could not be noted for want of memory, CLEAN and PEEK give ENOMEM rather than a bitmap that "
        "lacks it; the guest runs on.",
    .source = "xen/arch/x86/mm/paging.c, paging_log_dirty_op",
    .method = "The paging pool of the guest is made as small as it can be before tracking is enabled.",
    .requirements = {"LOGD-008", "LOGD-013"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          DomctlOps dom0(c.dom0().vcpu(0));
          const Gva va = c.guest().alloc_pages(1);
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_paging_mempool_size, c.guest().id());
          request.u.paging_mempool.size = 0;
          c.check_ne(dom0.call(request).result, 0, "what is in use stays");
          c.require_eq(ops.enable(), 0, "enable");
          c.vcpu().write(va, uint64_t{1});
          c.check_eq(ops.peek(kPages).result, -XEN_ENOMEM, "peek");
          c.check_eq(ops.clean(kPages).result, -XEN_ENOMEM, "clean");
          c.vcpu().write(va, uint64_t{2});
          c.check_eq(c.vcpu().read<uint64_t>(va), 2u, "the guest runs on");
          c.check_eq(ops.off(), 0, "off");
        },
}};

const Case kUnknown{{
    .slug = "log_dirty.operation.unknown.einval",
    .rule = "An operation that there is not, or no longer, gives EINVAL.",
    .source = "public/domctl.h, XEN_DOMCTL_SHADOW_OP_*",
    .requirements = {"LOGD-002"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          for (const uint32_t operation : {3u, 4u, 10u, 13u, 33u, ~0u}) {
            c.check_eq(ops.simple(operation), -XEN_EINVAL, "operation " + std::to_string(operation));
          }
          c.check_eq(ops.simple(XEN_DOMCTL_SHADOW_OP_ENABLE_TEST), -XEN_EINVAL, "test mode");
          c.check_eq(ops.simple(XEN_DOMCTL_SHADOW_OP_ENABLE, 0), -XEN_EINVAL, "enabling nothing");
          c.check_eq(ops.enable(), 0, "tracking was not enabled by any of them");
        },
}};

const Case kPv{{
    .slug = "log_dirty.target.pv.not_tracked",
    .rule =
        "A PV domain cannot be tracked by a hypervisor without shadow page tables: EOPNOTSUPP, and nothing of it is "
        "ever dirty; whatever else there is of this operation gives EINVAL.",
    .source = "xen/arch/x86/mm/shadow/none.c",
    .requirements = {"LOGD-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          LogDirtyOps ops(c.dom0().vcpu(0), c.guest().id());
          const Gva va = c.guest().alloc_pages(1);
          c.check_eq(ops.enable(), -XEN_EOPNOTSUPP, "enable");
          c.check_eq(ops.off(), -XEN_EINVAL, "off");
          for (const uint32_t operation :
               {uint32_t{XEN_DOMCTL_SHADOW_OP_ENABLE_TEST}, 99u, uint32_t{XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION}}) {
            c.check_eq(ops.simple(operation), -XEN_EINVAL, "operation " + std::to_string(operation));
          }
          c.vcpu().write(va, uint64_t{1});
          const DirtyPages got = ops.peek(kPages);
          c.check_eq(got.result, 0, "peek");
          c.check_eq(got.pages, kPages, "bits examined");
          c.check(!got.has(c.guest().pfn_of(va)), "a page that was written");
          c.check_eq(ops.clean(kPages).result, 0, "clean");
        },
}};

const Case kAllocation{{
    .slug = "log_dirty.allocation.pool.in_megabytes",
    .rule = "The size of the paging pool is told and set in megabytes, the same as by its own operations.",
    .source = "public/domctl.h, XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION",
    .requirements = {"LOGD-012"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          DomctlOps dom0(c.dom0().vcpu(0));
          const auto pool_bytes = [&] {
            return dom0.call(XEN_DOMCTL_get_paging_mempool_size, c.guest().id()).arg.u.paging_mempool.size;
          };
          const auto allocation = [&](uint32_t operation, uint32_t mb) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_shadow_op, c.guest().id());
            request.u.shadow_op.op = operation;
            request.u.shadow_op.mb = mb;
            return dom0.call(request);
          };
          const uint64_t before = pool_bytes();
          const auto got = allocation(XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION, 0);
          c.check_eq(got.result, 0, "get");
          c.check_eq(got.arg.u.shadow_op.mb, (before + (1 << 20) - 1) >> 20, "megabytes");
          const uint32_t more = got.arg.u.shadow_op.mb + 1;
          const auto set = allocation(XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, more);
          c.check_eq(set.result, 0, "set");
          c.check_eq(set.arg.u.shadow_op.mb, more, "megabytes as told by set");
          c.check_eq(pool_bytes(), uint64_t{more} << 20, "the pool");
        },
}};

}  // namespace
}  // namespace assay
