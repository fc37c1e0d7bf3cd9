/// memory_op queries: current, maximum, highest frames, and their errors.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

constexpr uint64_t kQueries[] = {XENMEM_current_reservation, XENMEM_maximum_reservation, XENMEM_maximum_gpfn};

const Case kMaximumRamPage{{
    .slug = "memory_op.maximum_ram_page.any_caller",
    .rule = "maximum_ram_page answers any caller and ignores its argument.",
    .source = "public/memory.h, XENMEM_maximum_ram_page",
    .requirements = {"MEM-STAT-001"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const int64_t pages = memory.maximum_ram_page();
          c.check(pages > 0, "there is memory");
          c.check_eq(memory.raw(XENMEM_maximum_ram_page, bad_pointer(c.guest_type())), pages, "with a bad pointer");
        },
}};

const Case kUnknownDomain{{
    .slug = "memory_op.query.absent_domain.esrch",
    .rule = "Queries about a domain that does not exist give ESRCH.",
    .source = "public/memory.h, XENMEM_current_reservation",
    .requirements = {"MEM-STAT-005"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          c.check_eq(memory.current_reservation(kDomAbsent), -XEN_ESRCH, "current_reservation");
          c.check_eq(memory.maximum_reservation(kDomAbsent), -XEN_ESRCH, "maximum_reservation");
          c.check_eq(memory.maximum_gpfn(kDomAbsent), -XEN_ESRCH, "maximum_gpfn");
        },
}};

const Case kForeign{{
    .slug = "memory_op.query.foreign_domain_unprivileged.eperm",
    .rule = "Queries about another domain by an unprivileged guest give EPERM.",
    .source = "public/memory.h, XENMEM_current_reservation",
    .requirements = {"MEM-STAT-005"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          c.check_eq(memory.current_reservation(DomId{0}), -XEN_EPERM, "current_reservation of dom0");
          c.check_eq(memory.maximum_reservation(DomId{0}), -XEN_EPERM, "maximum_reservation of dom0");
          c.check_eq(memory.maximum_gpfn(DomId{0}), -XEN_EPERM, "maximum_gpfn of dom0");
        },
}};

const Case kDom0Asks{{
    .slug = "memory_op.query.by_dom0.same_as_guest",
    .rule = "The privileged domain may ask about any domain and gets what the domain itself gets.",
    .source = "public/memory.h, XENMEM_current_reservation",
    .requirements = {"MEM-STAT-002", "MEM-STAT-003"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps theirs(c.vcpu());
          MemoryOps memory(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          const int64_t current_reservation = theirs.current_reservation();
          c.check_eq(memory.current_reservation(guest), current_reservation, "current_reservation");
          const int64_t maximum_reservation = theirs.maximum_reservation();
          c.check_eq(memory.maximum_reservation(guest), maximum_reservation, "maximum_reservation");
          const int64_t maximum_gpfn = theirs.maximum_gpfn();
          c.check_eq(memory.maximum_gpfn(guest), maximum_gpfn, "maximum_gpfn");
        },
}};

const Case kBadPointer{{
    .slug = "memory_op.query.bad_pointer.efault",
    .rule = "Queries whose argument cannot be read give EFAULT.",
    .source = "public/memory.h, XENMEM_current_reservation",
    .requirements = {"MEM-STAT-005", "HCALL-020"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          for (const uint64_t op : kQueries) {
            c.check_eq(memory.raw(op, bad_pointer(c.guest_type())), -XEN_EFAULT, "operation " + std::to_string(op));
          }
        },
}};

const Case kStartExtent{{
    .slug = "memory_op.query.start_extent.einval",
    .rule = "A query with a start extent in its command gives EINVAL.",
    .source = "public/memory.h, XENMEM_current_reservation",
    .requirements = {"MEM-STAT-005"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          Scratch argument(c.vcpu());
          const Gva self = argument.put(domid_t{DOMID_SELF});
          constexpr uint64_t kStartExtentOne = 1u << 6;
          for (const uint64_t op : kQueries) {
            c.check_eq(memory.raw(op | kStartExtentOne, self), -XEN_EINVAL, "operation " + std::to_string(op));
          }
        },
}};

const Case kUnknownOperation{{
    .slug = "memory_op.unknown_operation.enosys",
    .rule = "An unknown memory_op gives ENOSYS.",
    .source = "public/memory.h",
    .requirements = {"MEM-STAT-006"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          Scratch argument(c.vcpu());
          for (const uint64_t op : {uint64_t{30}, uint64_t{45}, uint64_t{63}}) {
            c.check_eq(memory.raw(op, argument.va()), -XEN_ENOSYS, "operation " + std::to_string(op));
          }
        },
}};

const Case kHvmMaximumGpfn{{
    .slug = "memory_op.maximum_gpfn.hvm.highest_populated",
    .rule = "maximum_gpfn of an HVM guest is at least its highest populated frame.",
    .source = "public/memory.h, XENMEM_maximum_gpfn",
    .requirements = {"MEM-STAT-004"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          c.check(memory.maximum_gpfn() >= static_cast<int64_t>(c.guest().space().pages - 1),
                  "covers the guest's memory");
        },
}};

const Case kPvMaximumGpfn{{
    .slug = "memory_op.maximum_gpfn.pv.published_value",
    .rule = "maximum_gpfn of a PV guest is the highest pfn the guest itself published in shared_info.",
    .source = "public/memory.h, XENMEM_maximum_gpfn; public/arch-x86/xen.h, arch_shared_info.max_pfn",
    .requirements = {"MEM-STAT-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const Gva max_pfn = c.guest().shared_info() + offsetof(shared_info_t, arch.max_pfn);
          c.vcpu().write(max_pfn, uint64_t{4321});
          c.check_eq(memory.maximum_gpfn(), 4320, "one below the published count");
        },
}};

}  // namespace
}  // namespace assay
