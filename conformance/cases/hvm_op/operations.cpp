/// The small operations of hvm_op, and which of them a PV guest may use.
#include <cstring>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/hvm_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint32_t kVcpuAbsent = 77;
constexpr uint8_t kLowestVector = 0x10;

const Case kUpcallVector{{
    .slug = "hvm_op.set_evtchn_upcall_vector.bad_vector_or_vcpu.refused",
    .rule = "A vector below 0x10 gives EINVAL, then an absent vCPU ENOENT; a PV guest gets EINVAL for anything.",
    .source = "public/hvm/hvm_op.h, HVMOP_set_evtchn_upcall_vector",
    .requirements = {"HVMOP-001"},
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          if (c.pv()) {
            c.check_eq(ops.set_upcall_vector(0, 0x80), -XEN_EINVAL, "own vCPU");
            c.check_eq(ops.set_upcall_vector(kVcpuAbsent, 0x80), -XEN_EINVAL, "absent vCPU");
            c.check_eq(ops.raw(HVMOP_set_evtchn_upcall_vector, bad_pointer(c.guest_type())), -XEN_EINVAL,
                       "bad pointer");
            return;
          }
          for (const uint8_t vector : {uint8_t{0}, uint8_t{1}, uint8_t{kLowestVector - 1}}) {
            c.check_eq(ops.set_upcall_vector(1, vector), -XEN_EINVAL, "vector " + std::to_string(vector));
            c.check_eq(ops.set_upcall_vector(kVcpuAbsent, vector), -XEN_EINVAL, "the same, absent vCPU");
          }
          c.check_eq(ops.set_upcall_vector(kVcpuAbsent, 0x80), -XEN_ENOENT, "absent vCPU");
          c.check_eq(ops.set_upcall_vector(2, 0x80), -XEN_ENOENT, "first vCPU that does not exist");
          c.check_eq(ops.raw(HVMOP_set_evtchn_upcall_vector, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
          c.check_eq(ops.set_upcall_vector(1, kLowestVector), 0, "lowest vector, another vCPU");
          c.check_eq(ops.set_upcall_vector(1, 0xff), 0, "highest vector");
        },
}};

const Case kFlushTlbs{{
    .slug = "hvm_op.flush_tlbs.argument_or_pv.einval",
    .rule = "flush_tlbs takes no argument: anything but null gives EINVAL, and so does everything from a PV guest.",
    .source = "public/hvm/hvm_op.h, HVMOP_flush_tlbs",
    .requirements = {"HVMOP-002"},
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          c.check_eq(ops.raw(HVMOP_flush_tlbs, Gva{0}), c.pv() ? -XEN_EINVAL : 0, "without argument");
          c.check_eq(ops.raw(HVMOP_flush_tlbs, c.guest().alloc_pages(1)), -XEN_EINVAL, "with an argument");
          c.check_eq(ops.raw(HVMOP_flush_tlbs, Gva{1}), -XEN_EINVAL, "with a pointer to nothing");
        },
}};

const Case kTime{{
    .slug = "hvm_op.get_time.system_time",
    .rule = "get_time gives the system time in ns, to PV guests too.",
    .source = "public/hvm/hvm_op.h, HVMOP_get_time",
    .requirements = {"HVMOP-003"},
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          const uint64_t before = c.vcpu().time_ns();
          const auto first = ops.time();
          c.vcpu().spin(kWatchNs);
          const auto second = ops.time();
          const uint64_t after = c.vcpu().time_ns();
          c.require_eq(first.result, 0, "get_time");
          c.require_eq(second.result, 0, "get_time");
          const uint64_t error = clock_error_ns(c);
          c.check(first.arg.now + error >= before, "not before the guest's own reading");
          c.check(second.arg.now <= after + error, "not after the next one");
          c.check(second.arg.now + error >= first.arg.now + kWatchNs, "it covers the time spent in between");
          c.check(second.arg.now > first.arg.now, "it grows");
          c.check_eq(ops.raw(HVMOP_get_time, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kPagetableDying{{
    .slug = "hvm_op.pagetable_dying.other_domain.eopnotsupp",
    .rule =
        "pagetable_dying speaks of the caller's own page tables: another domain gives EOPNOTSUPP, an absent one ESRCH.",
    .source = "public/hvm/hvm_op.h, HVMOP_pagetable_dying",
    .requirements = {"HVMOP-004"},
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          const auto dying = [&](DomId dom) {
            xen_hvm_pagetable_dying_t argument{};
            argument.domid = dom.raw();
            argument.gpa = 0x1000;
            return ops.op(HVMOP_pagetable_dying, argument).result;
          };
          c.check_eq(dying(DomId{0}), -XEN_EOPNOTSUPP, "dom0");
          c.check_eq(dying(kDomAbsent), -XEN_ESRCH, "an absent domain");
          c.check_eq(dying(kDomSelf), -XEN_EINVAL, "its own, without shadow page tables");
          c.check_eq(ops.raw(HVMOP_pagetable_dying, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kXentrace{{
    .slug = "hvm_op.xentrace.too_long_or_reserved_event.einval",
    .rule = "A trace record with more bytes than it has room for, or with reserved event bits, gives EINVAL.",
    .source = "public/hvm/hvm_op.h, xen_hvm_xentrace",
    .requirements = {"HVMOP-005"},
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          const auto trace = [&](uint16_t event, uint16_t bytes) {
            xen_hvm_xentrace_t record;
            std::memset(&record, 0, sizeof record);
            record.event = event;
            record.extra_bytes = bytes;
            return ops.op(HVMOP_xentrace, record).result;
          };
          constexpr uint16_t kRoom = TRACE_EXTRA_MAX * sizeof(uint32_t);
          c.check_eq(trace(0, 0), 0, "an empty record");
          c.check_eq(trace(0xfff, kRoom), 0, "greatest event, full record");
          c.check_eq(trace(0, kRoom + 1), -XEN_EINVAL, "one byte too many");
          c.check_eq(trace(0x1000, 0), -XEN_EINVAL, "lowest reserved event bit");
          c.check_eq(trace(0x8000, 0), -XEN_EINVAL, "highest reserved event bit");
          c.check_eq(ops.raw(HVMOP_xentrace, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kVmEvent{{
    .slug = "hvm_op.guest_request_vm_event.argument.einval",
    .rule = "guest_request_vm_event takes no argument: anything but null gives EINVAL; nobody listening is no error.",
    .source = "public/hvm/hvm_op.h, HVMOP_guest_request_vm_event",
    .requirements = {"HVMOP-006"},
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          c.check_eq(ops.raw(HVMOP_guest_request_vm_event, c.guest().alloc_pages(1)), -XEN_EINVAL, "with an argument");
          c.check_eq(ops.raw(HVMOP_guest_request_vm_event, Gva{0}), 0, "without");
        },
}};

const Case kUnknown{{
    .slug = "hvm_op.unknown_command.enosys",
    .rule = "Numbers without an operation give ENOSYS, those of operations that were retired too.",
    .source = "public/hvm/hvm_op.h",
    .requirements = {"HVMOP-007"},
    .body =
        [](CaseContext& c) {
          HvmOps ops(c.vcpu());
          const Gva argument = c.guest().alloc_pages(1);
          for (const uint64_t command : {2u, 3u, 4u, 6u, 7u, 8u, 12u, 13u, 14u, 16u, 22u, 26u, 99u, 0x7fffffffu}) {
            c.check_eq(ops.raw(command, argument), -XEN_ENOSYS, "command " + std::to_string(command));
          }
        },
}};

}  // namespace
}  // namespace assay
