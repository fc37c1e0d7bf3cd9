/// dm_op: what a device model may ask, and who may be one.
#include <span>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/ids.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen_services.hpp"

namespace assay {
namespace {

constexpr std::string_view kHeader = "public/hvm/dm_op.h";

class DmOps {
 public:
  explicit DmOps(Vcpu& vcpu) : memory_(vcpu) {}

  static xen_dm_op request(uint32_t op) {
    xen_dm_op made{};
    made.op = op;
    return made;
  }
  /// `size`: of the first buffer. `extents`: the second buffer, when there is one.
  int64_t call(DomId dom, const xen_dm_op& op, uint64_t size = sizeof(xen_dm_op),
               std::span<const xen_dm_op_modified_memory_extent> extents = {}) {
    xen_dm_op_buf_t buffers[2]{};
    set_handle(buffers[0].h, memory_.put(op, kOpAt));
    buffers[0].size = size;
    for (size_t i = 0; i < extents.size(); ++i) memory_.put(extents[i], kExtentsAt + i * sizeof extents[i]);
    set_handle(buffers[1].h, memory_.va(kExtentsAt));
    buffers[1].size = extents.size_bytes();
    const Gva list = memory_.put(buffers);
    return raw(dom, extents.empty() ? 1 : 2, list);
  }
  int64_t raw(DomId dom, uint64_t count, Gva buffers) {
    return memory_.vcpu().hypercall(__HYPERVISOR_dm_op, {dom.raw(), count, buffers.raw()});
  }
  [[nodiscard]] xen_dm_op answer() const { return memory_.get<xen_dm_op>(kOpAt); }

 private:
  static constexpr uint64_t kOpAt = 256;
  static constexpr uint64_t kExtentsAt = 1024;
  Scratch memory_;
};

const Case kBuffers{{
    .slug = "dm_op.buffers.none_or_too_many.enodata_e2big",
    .rule = "No buffer gives ENODATA, more than two E2BIG, before anything else is looked at.",
    .source = kHeader,
    .requirements = {"DMOP-001"},
    .body =
        [](CaseContext& c) {
          DmOps ops(c.vcpu());
          Scratch zeroes(c.vcpu());
          c.check_eq(ops.raw(kDomAbsent, 0, zeroes.va()), -XEN_ENODATA, "no buffer");
          c.check_eq(ops.raw(kDomAbsent, 3, zeroes.va()), -XEN_E2BIG, "three buffers");
          c.check_eq(ops.raw(kDomAbsent, ~0u, zeroes.va()), -XEN_E2BIG, "very many");
          c.check_eq(ops.raw(kDomAbsent, 1, bad_pointer(c.guest_type())), -XEN_EFAULT, "a list that cannot be read");
          c.check_eq(ops.raw(kDomAbsent, 1, zeroes.va()), -XEN_ESRCH, "an absent domain");
        },
}};

const Case kTarget{{
    .slug = "dm_op.target.wrong.eperm_esrch_einval",
    .rule = "Oneself and another domain without the right to it give EPERM, unknown ones ESRCH, those that are not HVM "
            "EINVAL.",
    .source = kHeader,
    .requirements = {"DMOP-002"},
    .needs = {Capability::kTwoGuests, Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DmOps ours(c.vcpu());
          DmOps control(c.dom0().vcpu(0));
          const xen_dm_op op = DmOps::request(XEN_DMOP_nr_vcpus);
          const DomId guest = c.guest().id();
          const auto of = [&](DmOps& ops, DomId dom) { return ops.call(dom, op); };
          c.check_eq(of(ours, guest), -XEN_EPERM, "the guest by its number");
          c.check_eq(of(ours, kDomSelf), -XEN_ESRCH, "the guest as DOMID_SELF");
          // What a domain is comes before what the caller may.
          c.check_eq(of(ours, c.peer().id()), c.pv() ? -XEN_EINVAL : -XEN_EPERM, "another guest");
          c.check_eq(of(ours, DomId{0}), -XEN_EINVAL, "PV dom0");
          c.check_eq(of(control, DomId{0}), -XEN_EPERM, "dom0 by its number");
          c.check_eq(of(control, kDomSelf), -XEN_ESRCH, "dom0 as DOMID_SELF");
          c.check_eq(of(ours, kDomAbsent), -XEN_ESRCH, "an absent domain");
          c.check_eq(of(control, kDomAbsent), -XEN_ESRCH, "an absent domain, by dom0");
          c.check_eq(of(control, guest), c.pv() ? -XEN_EINVAL : 0, "the guest, by dom0");
        },
}};

const Case kDecoding{{
    .slug = "dm_op.operation.malformed.efault_eopnotsupp_einval",
    .rule = "A first buffer too small for the operation gives EFAULT, an unknown operation EOPNOTSUPP, padding EINVAL.",
    .source = kHeader,
    .requirements = {"DMOP-003"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DmOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          xen_dm_op op = DmOps::request(XEN_DMOP_nr_vcpus);
          c.check_eq(control.call(guest, op), 0, "nr_vcpus");
          c.check_eq(control.answer().u.nr_vcpus.vcpus, 2u, "vCPUs of the guest");
          constexpr uint64_t kHeaderBytes = offsetof(xen_dm_op, u);
          c.check_eq(control.call(guest, op, kHeaderBytes - 1), -XEN_EFAULT, "less than the header");
          c.check_eq(control.call(guest, op, kHeaderBytes + 3), -XEN_EFAULT, "less than the operation");
          op.pad = 1;
          c.check_eq(control.call(guest, op), -XEN_EINVAL, "padding of the header");
          for (const uint32_t unknown : {0u, 99u, ~0u}) {
            c.check_eq(control.call(guest, DmOps::request(unknown)), -XEN_EOPNOTSUPP,
                       "operation " + std::to_string(unknown));
          }
          op = DmOps::request(XEN_DMOP_inject_event);
          op.u.inject_event.vcpuid = 0;
          op.u.inject_event.type = XEN_DMOP_EVENT_hw_exc;
          op.u.inject_event.vector = 3;
          op.u.inject_event.pad0 = 1;
          c.check_eq(control.call(guest, op), -XEN_EINVAL, "padding of inject_event");
        },
}};

const Case kInject{{
    .slug = "dm_op.inject_event.second.ebusy",
    .rule = "Only one event can be queued for a vCPU: EBUSY; a vCPU that does not exist gives EINVAL.",
    .source = "public/hvm/dm_op.h, XEN_DMOP_inject_event",
    .method = "The guest is paused and stays so: the event is never delivered.",
    .requirements = {"DMOP-004"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DmOps control(c.dom0().vcpu(0));
          DomctlOps domains(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          c.vcpu();
          c.require_eq(domains.pause(guest), 0, "pausing the guest");
          xen_dm_op op = DmOps::request(XEN_DMOP_inject_event);
          op.u.inject_event.type = XEN_DMOP_EVENT_hw_exc;
          op.u.inject_event.vector = 14;
          op.u.inject_event.vcpuid = 2;
          c.check_eq(control.call(guest, op), -XEN_EINVAL, "a vCPU that does not exist");
          op.u.inject_event.vcpuid = 0;
          c.check_eq(control.call(guest, op), 0, "an event");
          c.check_eq(control.call(guest, op), -XEN_EBUSY, "another one");
          op.u.inject_event.vcpuid = 1;
          c.check_eq(control.call(guest, op), 0, "an event for the other vCPU");
        },
}};

const Case kModified{{
    .slug = "dm_op.modified_memory.not_logging.no_op",
    .rule = "While the log of dirty pages is off modified_memory succeeds and does nothing, whatever the extents are.",
    .source = "public/hvm/dm_op.h, XEN_DMOP_modified_memory",
    .requirements = {"DMOP-005"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DmOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          xen_dm_op op = DmOps::request(XEN_DMOP_modified_memory);
          op.u.modified_memory.nr_extents = 1;
          const xen_dm_op_modified_memory_extent extents[] = {{.nr = 4, .pad = 0, .first_pfn = 10}};
          c.check_eq(control.call(guest, op, sizeof op, extents), 0, "four frames");
          // The extents are not even looked at.
          const xen_dm_op_modified_memory_extent beyond[] = {{.nr = 4, .pad = 1, .first_pfn = uint64_t{1} << 40}};
          c.check_eq(control.call(guest, op, sizeof op, beyond), 0, "frames beyond all memory, with padding");
          op.u.modified_memory.nr_extents = 2;
          c.check_eq(control.call(guest, op, sizeof op, extents), 0, "more extents than the buffer holds");
          op.u.modified_memory.nr_extents = 0;
          c.check_eq(control.call(guest, op, sizeof op, extents), 0, "no extents");
        },
}};

}  // namespace
}  // namespace assay
