/// Flushes: what a vCPU may still use of an old translation, and who may flush caches.
#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

constexpr uint64_t kOld = 11;
constexpr uint64_t kNew = 22;

/// Two pages with different contents and an address that maps the first one. The leaf is the guest kernel's.
struct Swap {
  explicit Swap(CaseContext& c) : ops(c.vcpu(0)), first(heap_page(c.vcpu(0))), second(heap_page(c.vcpu(0))) {
    c.vcpu(0).write(first.va, kOld);
    c.vcpu(0).write(second.va, kNew);
    window = open_window(c.vcpu(0), {{0, make_entry(first.frame, kLeafRw)}});
  }
  /// Every vCPU has a translation of the first page; then the entry names the second one, and nothing is flushed.
  void swap(CaseContext& c) {
    c.require_eq(ops.set_entry(window.l1.frame, 0, make_entry(first.frame, kLeafRw)), 0, "set-up: the first page");
    c.require_eq(ops.ext(MMUEXT_TLB_FLUSH_ALL), 0, "set-up: no translation");
    for (uint32_t vcpu = 0; vcpu < c.guest().vcpu_count(); ++vcpu) {
      c.require_eq(seen(c, vcpu), kOld, "set-up: a translation");
    }
    c.require_eq(ops.set_entry(window.l1.frame, 0, make_entry(second.frame, kLeafRw)), 0, "set-up: the second page");
  }
  uint64_t seen(CaseContext& c, uint32_t vcpu) { return c.vcpu(vcpu).read<uint64_t>(window.page(0)); }

  MmuOps ops;
  Page first, second;
  Window window;
};

const Case kLocal{{
    .slug = "mmuext_op.flush.local.caller_sees_new",
    .rule = "After TLB_FLUSH_LOCAL or INVLPG_LOCAL the calling vCPU uses no old translation.",
    .source = "public/xen.h, MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL",
    .requirements = {"MMUEXT-010"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Swap swap(c);
          for (const unsigned command : Commands{MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL}) {
            swap.swap(c);
            c.check_eq(swap.ops.ext(command, swap.window.page(0).raw()), 0, "flush");
            c.check_eq(swap.seen(c, 0), kNew, "command " + std::to_string(command));
          }
        },
}};

const Case kAll{{
    .slug = "mmuext_op.flush.all.every_vcpu_sees_new",
    .rule = "When TLB_FLUSH_ALL or INVLPG_ALL has returned, no vCPU of the domain uses an old translation.",
    .source = "public/xen.h, MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL",
    .requirements = {"MMUEXT-010"},
    .guests = GuestTypes::kPv64,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Swap swap(c);
          for (const unsigned command : Commands{MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL}) {
            swap.swap(c);
            c.check_eq(swap.ops.ext(command, swap.window.page(0).raw()), 0, "flush");
            for (const uint32_t vcpu : {1u, 0u}) {
              c.check_eq(swap.seen(c, vcpu), kNew,
                         "command " + std::to_string(command) + ", vCPU " + std::to_string(vcpu));
            }
          }
        },
}};

const Case kMulti{{
    .slug = "mmuext_op.flush.multi.named_vcpus_see_new",
    .rule = "When TLB_FLUSH_MULTI or INVLPG_MULTI has returned, the vCPUs in its bitmap use no old translation.",
    .source = "public/xen.h, MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI",
    .requirements = {"MMUEXT-010"},
    .guests = GuestTypes::kPv64,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Swap swap(c);
          for (const unsigned command : Commands{MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI}) {
            for (const uint32_t vcpu : {0u, 1u}) {
              swap.swap(c);
              c.vcpu(0).write(swap.ops.spare(), uint64_t{1} << vcpu);
              c.check_eq(swap.ops.ext(command, swap.window.page(0).raw(), swap.ops.spare().raw()), 0, "flush");
              c.check_eq(swap.seen(c, vcpu), kNew,
                         "command " + std::to_string(command) + ", vCPU " + std::to_string(vcpu));
            }
          }
        },
}};

const Case kMultiStrangers{{
    .slug = "mmuext_op.flush.multi.absent_vcpus.ignored",
    .rule = "Bits of vCPUs that do not exist or are not up do not matter, and an empty bitmap is no error.",
    .source = "public/xen.h, MMUEXT_TLB_FLUSH_MULTI",
    .requirements = {"MMUEXT-010"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Swap swap(c);
          c.vcpu(0).write(swap.ops.spare(), uint64_t{0});
          c.check_eq(swap.ops.ext(MMUEXT_TLB_FLUSH_MULTI, 0, swap.ops.spare().raw()), 0, "an empty bitmap");
          swap.swap(c);
          c.vcpu(0).write(swap.ops.spare(), ~uint64_t{0});
          c.check_eq(swap.ops.ext(MMUEXT_TLB_FLUSH_MULTI, 0, swap.ops.spare().raw()), 0, "a full bitmap");
          c.check_eq(swap.seen(c, 0), kNew, "the caller, which is in it");
        },
}};

const Case kBadBitmap{{
    .slug = "mmuext_op.flush.multi.unreadable_bitmap.einval",
    .rule = "A vCPU bitmap that cannot be read gives EINVAL.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-011"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page hole = heap_page(c.vcpu());
          c.require_eq(remap(c.vcpu(), hole, 0), 0, "set-up: unmapping");
          for (const unsigned command : Commands{MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI}) {
            const ListResult got = ops.ext({MmuOps::ext_request(command, 0, hole.va.raw())});
            c.check_eq(got.result, -XEN_EINVAL, "command " + std::to_string(command));
            c.check_eq(got.done, 0u, "how many were done");
          }
        },
}};

const Case kBadInvlpg{{
    .slug = "mmuext_op.invlpg.any_address.zero",
    .rule = "Any address may be invalidated, also one where nothing is or can be.",
    .source = "public/xen.h, MMUEXT_INVLPG_LOCAL",
    .requirements = {"MMUEXT-010"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (const uint64_t va : {uint64_t{0}, uint64_t{0x7000'0000'0000}, uint64_t{0x8000'0000'0000},
                                    uint64_t{0xffff'8300'0000'0000}, ~uint64_t{0}}) {
            c.check_eq(ops.ext(MMUEXT_INVLPG_LOCAL, va), 0, "local, " + show(va));
            c.check_eq(ops.ext(MMUEXT_INVLPG_ALL, va), 0, "all, " + show(va));
          }
        },
}};

const Case kCaches{{
    .slug = "mmuext_op.flush_cache.no_io_rights.refused",
    .rule =
        "Flushing caches is for domains with rights to I/O memory: others get EACCES, and EINVAL for all processors.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-015"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          MmuOps dom0(c.dom0().vcpu(0));
          c.check_eq(ops.ext(MMUEXT_FLUSH_CACHE), -XEN_EACCES, "the guest, its own");
          c.check_eq(ops.ext(MMUEXT_FLUSH_CACHE_GLOBAL), -XEN_EINVAL, "the guest, all");
          c.check_eq(dom0.ext(MMUEXT_FLUSH_CACHE), 0, "dom0, its own");
          c.check_eq(dom0.ext(MMUEXT_FLUSH_CACHE_GLOBAL), 0, "dom0, all");
        },
}};

}  // namespace
}  // namespace assay
