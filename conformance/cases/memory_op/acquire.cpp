/// XENMEM_acquire_resource: who may ask for what.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_ops.hpp"
#include "conformance/guest/grant_table.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/memory.h, XENMEM_acquire_resource";

xen_mem_acquire_resource_t grant_frames(DomId dom, uint32_t count, uint64_t first = 0) {
  xen_mem_acquire_resource_t arg{};
  arg.domid = dom.raw();
  arg.type = XENMEM_resource_grant_table;
  arg.id = XENMEM_resource_grant_table_id_shared;
  arg.nr_frames = count;
  arg.frame = first;
  return arg;
}

const Case kTranslated{{
    .slug = "memory_op.acquire_resource.translated_caller.eacces",
    .rule = "A translated caller that is not the hardware domain gets EACCES, whatever it asks for.",
    .source = kSource,
    .requirements = {"MEM-ACQ-001"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          for (const DomId dom : {kDomSelf, DomId{0}, kDomAbsent}) {
            c.check_eq(memory.acquire_resource(grant_frames(dom, 0), nullptr).result, -XEN_EACCES, "size");
            std::vector<uint64_t> frames(1, kUntouched64);
            c.check_eq(memory.acquire_resource(grant_frames(dom, 1), &frames).result, -XEN_EACCES, "a frame");
            c.check_eq(frames[0], kUntouched64, "nothing was written");
          }
          c.check_eq(memory.raw(XENMEM_acquire_resource, bad_pointer(c.guest_type())), -XEN_EACCES, "bad pointer");
        },
}};

const Case kOneself{{
    .slug = "memory_op.acquire_resource.oneself.eperm_esrch",
    .rule = "The caller's own number gives EPERM, DOMID_SELF and unknown domains ESRCH.",
    .source = kSource,
    .requirements = {"MEM-ACQ-002"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          MemoryOps control(c.dom0().vcpu(0));
          const auto size = [](MemoryOps& caller, DomId dom) {
            return caller.acquire_resource(grant_frames(dom, 0), nullptr).result;
          };
          c.check_eq(size(memory, c.guest().id()), -XEN_EPERM, "the guest by its number");
          c.check_eq(size(memory, kDomSelf), -XEN_ESRCH, "the guest as DOMID_SELF");
          c.check_eq(size(memory, kDomAbsent), -XEN_ESRCH, "an absent domain");
          c.check_eq(size(memory, DomId{0}), -XEN_EPERM, "dom0, by an unprivileged caller");
          c.check_eq(size(control, DomId{0}), -XEN_EPERM, "dom0 by its number");
          c.check_eq(size(control, kDomSelf), -XEN_ESRCH, "dom0 as DOMID_SELF");
          c.check_eq(size(control, kDomAbsent), -XEN_ESRCH, "an absent domain, by dom0");
        },
}};

const Case kBadArguments{{
    .slug = "memory_op.acquire_resource.bad_arguments.einval",
    .rule = "Padding that is not zero, frames above 32 bits, and a count without a list give EINVAL.",
    .source = kSource,
    .requirements = {"MEM-ACQ-003", "MEM-ACQ-004"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          std::vector<uint64_t> frames(1, kUntouched64);
          auto arg = grant_frames(guest, 1);
          arg.pad = 1;
          c.check_eq(control.acquire_resource(arg, &frames).result, -XEN_EINVAL, "padding");
          constexpr uint64_t kMax = UINT32_MAX;
          c.check_eq(control.acquire_resource(grant_frames(guest, 1, kMax + 1), &frames).result, -XEN_EINVAL,
                     "first frame above 32 bits");
          c.check_eq(control.acquire_resource(grant_frames(guest, 1, kMax), &frames).result, -XEN_EINVAL,
                     "last frame above 32 bits");
          c.check_eq(frames[0], kUntouched64, "nothing was written");
          const auto count = control.acquire_resource(grant_frames(guest, 1), nullptr);
          c.check_eq(count.result, -XEN_EINVAL, "a count without a list");
          arg = grant_frames(guest, 1);
          arg.type = 99;
          const auto unknown = control.acquire_resource(arg, &frames);
          c.note("unknown type: " + std::to_string(unknown.result));
          c.check_eq(unknown.result, -XEN_EOPNOTSUPP, "an unknown type");
          c.check_eq(control.raw(XENMEM_acquire_resource, bad_pointer(GuestType::kPv64)), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kSize{{
    .slug = "memory_op.acquire_resource.no_list.size",
    .rule =
        "Without a list and with no frames asked for, the size of the resource comes back; EINVAL when it has none.",
    .source = kSource,
    .requirements = {"MEM-ACQ-004"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps control(c.dom0().vcpu(0));
          auto arg = grant_frames(c.guest().id(), 0);
          arg.type = XENMEM_resource_ioreq_server;
          const auto ioreq = control.acquire_resource(arg, nullptr);
          // A page of requests for the vCPUs and one for buffered requests; a PV domain has no emulated devices.
          c.check_eq(ioreq.result, c.pv() ? -XEN_EINVAL : 0, "size of a request server");
          c.check_eq(ioreq.arg.nr_frames, c.pv() ? 0u : 2u, "frames of a request server");
          arg.type = XENMEM_resource_vmtrace_buf;
          c.check_eq(control.acquire_resource(arg, nullptr).result, -XEN_EINVAL, "size of a trace that is not on");
        },
}};

const Case kStatusFrames{{
    .slug = "memory_op.acquire_resource.grant_status.version_2_only",
    .rule = "The status frames of a version 1 grant table have a size, but asking for one gives EINVAL; with version 2 "
            "the frames are the guest's own.",
    .source = kSource,
    .requirements = {"MEM-ACQ-005"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps control(c.dom0().vcpu(0));
          GrantTable table(c, c.vcpu());
          auto arg = grant_frames(c.guest().id(), 0);
          arg.id = XENMEM_resource_grant_table_id_status;
          const auto size = control.acquire_resource(arg, nullptr);
          c.check_eq(size.result, 0, "size in version 1");
          c.check(size.arg.nr_frames != 0 && size.arg.nr_frames != kUntouched32, "there is room for some");
          arg.nr_frames = 1;
          std::vector<uint64_t> frames(1, kUntouched64);
          c.check_eq(control.acquire_resource(arg, &frames).result, -XEN_EINVAL, "a status frame of version 1");
          c.check_eq(frames[0], kUntouched64, "nothing was written");
          table.switch_to(2);
          c.check_eq(control.acquire_resource(arg, &frames).result, 0, "a status frame of version 2");
          if (c.check(frames[0] != kUntouched64, "it is named") && c.pv()) {
            const auto own = GrantOps(c.vcpu()).get_status_frames(1);
            c.check_eq(frames[0], own.frames[0], "the frame that the guest is told");
          }
        },
}};

}  // namespace
}  // namespace assay
