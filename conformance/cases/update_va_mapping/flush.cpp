#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

constexpr uint64_t kOld = 11;
constexpr uint64_t kNew = 22;

/// An address of the linear map, changed between two pages.
struct Swap {
  explicit Swap(CaseContext& c) : ops(c.vcpu(0)), first(heap_page(c.vcpu(0))), second(heap_page(c.vcpu(0))) {
    c.vcpu(0).write(first.va, kOld);
    c.vcpu(0).write(second.va, kNew);
  }
  /// Every vCPU has a translation of the first page at its address; then the second one is mapped there.
  int64_t swap(CaseContext& c, uint64_t flags) {
    c.require_eq(ops.update_va(first.va, make_entry(first.frame, kLeafRw), UVMF_TLB_FLUSH | UVMF_ALL), 0, "set-up");
    for (uint32_t vcpu = 0; vcpu < c.guest().vcpu_count(); ++vcpu) {
      c.require_eq(c.vcpu(vcpu).read<uint64_t>(first.va), kOld, "set-up: a translation");
    }
    return ops.update_va(first.va, make_entry(second.frame, kLeafRw), flags);
  }
  void check_new(CaseContext& c, uint32_t vcpu, const std::string& what) {
    c.check_eq(c.vcpu(vcpu).read<uint64_t>(first.va), kNew, what + ": vCPU " + std::to_string(vcpu));
  }

  MmuOps ops;
  Page first, second;
};

const Case kLocal{{
    .slug = "update_va_mapping.flush.local.caller_sees_new",
    .rule = "With UVMF_TLB_FLUSH or UVMF_INVLPG the calling vCPU cannot use the old translation afterwards.",
    .source = "public/xen.h, UVMF_TLB_FLUSH, UVMF_INVLPG, UVMF_LOCAL",
    .requirements = {"UVA-003", "UVA-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Swap swap(c);
          for (const uint64_t kind : {UVMF_TLB_FLUSH, UVMF_INVLPG}) {
            c.check_eq(swap.swap(c, kind | UVMF_LOCAL), 0, "update");
            swap.check_new(c, 0, "kind " + std::to_string(kind));
          }
        },
}};

const Case kAll{{
    .slug = "update_va_mapping.flush.all.every_vcpu_sees_new",
    .rule = "With UVMF_ALL no vCPU of the domain can use the old translation afterwards.",
    .source = "public/xen.h, UVMF_ALL",
    .requirements = {"UVA-003", "UVA-004"},
    .guests = GuestTypes::kPv64,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Swap swap(c);
          for (const uint64_t kind : {UVMF_TLB_FLUSH, UVMF_INVLPG}) {
            c.check_eq(swap.swap(c, kind | UVMF_ALL), 0, "update");
            for (const uint32_t vcpu : {1u, 0u}) swap.check_new(c, vcpu, "kind " + std::to_string(kind));
          }
        },
}};

const Case kListed{{
    .slug = "update_va_mapping.flush.bitmap.named_vcpus_see_new",
    .rule =
        "With the address of a bitmap in the flags the vCPUs named there cannot use the old translation afterwards.",
    .source = "public/xen.h, UVMF_MULTI",
    .requirements = {"UVA-003", "UVA-004"},
    .guests = GuestTypes::kPv64,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Swap swap(c);
          for (const uint64_t kind : {UVMF_TLB_FLUSH, UVMF_INVLPG}) {
            for (const uint32_t vcpu : {0u, 1u}) {
              c.vcpu(0).write(swap.ops.spare(), uint64_t{1} << vcpu);
              c.check_eq(swap.swap(c, kind | UVMF_MULTI | swap.ops.spare().raw()), 0, "update");
              swap.check_new(c, vcpu, "kind " + std::to_string(kind));
            }
          }
        },
}};

const Case kNone{{
    .slug = "update_va_mapping.flush.none.upper_bits_ignored",
    .rule = "Without a flush the rest of the flags does not matter: no bitmap is read.",
    .source = "public/xen.h, UVMF_NONE",
    .requirements = {"UVA-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kNowhere = 0x7000'0000'0000;
          Swap swap(c);
          c.check_eq(swap.swap(c, UVMF_NONE | kNowhere), 0, "no flush, with an address");
          c.check_eq(swap.swap(c, UVMF_FLUSHTYPE_MASK | kNowhere), 0, "a kind of flush that there is not");
        },
}};

const Case kBadBitmap{{
    .slug = "update_va_mapping.flush.unreadable_bitmap.entry_changed_all_the_same",
    .rule = "A bitmap that cannot be read is an error, though the entry has been changed by then.",
    .source = "xen/arch/x86/mm.c, __do_update_va_mapping",
    .requirements = {"UVA-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kNowhere = 0x7000'0000'0000;
          Swap swap(c);
          for (const uint64_t kind : {UVMF_TLB_FLUSH, UVMF_INVLPG}) {
            c.check_eq(swap.swap(c, kind | UVMF_MULTI | kNowhere), -XEN_EFAULT, "update");
            c.check_eq(swap.ops.ext(MMUEXT_TLB_FLUSH_LOCAL), 0, "flush");
            swap.check_new(c, 0, "the entry was changed");
          }
        },
}};

}  // namespace
}  // namespace assay
