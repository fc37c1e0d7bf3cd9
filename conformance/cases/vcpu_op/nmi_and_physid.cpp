/// vcpu_op: NMIs, the physical ids of a vCPU, and the end of a domain whose last vCPU goes down.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/shutdown_state.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint32_t kVectorNmi = 2;

/// A PV64 guest has the agent's handler of vector 2 called for an NMI; a PVH guest's interrupt table names it already.
void take_nmis(CaseContext& c) {
  if (!c.pv()) return;
  const auto& layout = c.guest().space().layout;
  callback_register_t callback{};
  callback.type = CALLBACKTYPE_nmi;
  callback.address = layout.trap_handlers + kVectorNmi * layout.trap_handler_stride;
  const GuestStruct<callback_register_t> argument(c.vcpu(), callback);
  c.require_eq(c.vcpu().hypercall(__HYPERVISOR_callback_op, {CALLBACKOP_register, argument.va().raw()}), 0,
               "set-up: registering an NMI handler");
}

GuestRequest send_nmi(uint32_t vcpu, uint64_t argument) {
  GuestRequest request;
  request.op = ASSAY_OP_HYPERCALL;
  request.arg = {__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, vcpu, argument};
  return request;
}

const Case kNmi{{
    .slug = "vcpu_op.send_nmi.self.taken",
    .rule = "send_nmi makes an NMI pending for the vCPU named: it is taken though upcalls are held.",
    .source = "public/vcpu.h, VCPUOP_send_nmi",
    .method = "The agent reports the exception that an operation ran into.",
    .requirements = {"VCPU-035"},
    .body =
        [](CaseContext& c) {
          take_nmis(c);
          c.vcpu().set_upcalls(false);
          const GuestReply reply = c.vcpu().raw(send_nmi(0, 0), c.target().patience_ns());
          c.require_eq(int{reply.status}, int{ASSAY_STATUS_FAULT}, "the operation is interrupted");
          c.check_eq(reply.fault.vector, kVectorNmi, "vector");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), 4096, "the guest goes on");
        },
}};

const Case kNmiArgument{{
    .slug = "vcpu_op.send_nmi.argument.einval",
    .rule = "send_nmi takes no argument: anything but null gives EINVAL and no NMI.",
    .source = "public/vcpu.h, VCPUOP_send_nmi",
    .requirements = {"VCPU-035"},
    .body =
        [](CaseContext& c) {
          take_nmis(c);
          for (const uint64_t argument : {c.guest().alloc_pages(1).raw(), uint64_t{1}}) {
            const GuestReply reply = c.vcpu().raw(send_nmi(0, argument), c.target().patience_ns());
            c.require_eq(int{reply.status}, int{ASSAY_STATUS_OK}, "no exception");
            c.check_eq(static_cast<int64_t>(reply.value[0]), -XEN_EINVAL, "result");
          }
        },
}};

const Case kPhysidGuest{{
    .slug = "vcpu_op.get_physid.unprivileged.einval",
    .rule = "A guest that is not the hardware domain is not told the physical ids of its vCPUs: EINVAL, pinned or not.",
    .source = "public/vcpu.h, VCPUOP_get_physid",
    .requirements = {"VCPU-036"},
    .body =
        [](CaseContext& c) {
          VcpuOps ops(c.vcpu());
          for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) {
            const auto got = ops.physid(vcpu);
            c.check_eq(got.result, -XEN_EINVAL, "result");
            c.check_eq(got.arg.phys_id, kUntouched64, "nothing is copied back");
          }
        },
}};

int64_t set_affinity(Scratch& map, DomctlOps& control, uint64_t pcpus) {
  auto request = DomctlOps::request(XEN_DOMCTL_setvcpuaffinity, DomId{0});
  request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
  request.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
  set_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, map.put(pcpus));
  return control.call(request).result;
}

const Case kPhysidPinned{{
    .slug = "vcpu_op.get_physid.hardware_domain.only_when_pinned",
    .rule = "A vCPU of the hardware domain that can run on one pCPU only is told its ids; otherwise EINVAL.",
    .source = "public/vcpu.h, VCPUOP_get_physid",
    .method = "The hard affinity is all pCPUs, then pCPU 0, then all again.",
    .requirements = {"VCPU-036"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& vcpu = c.dom0().vcpu(0);
          VcpuOps ops(vcpu);
          DomctlOps control(vcpu);
          Scratch map(vcpu);
          c.require_eq(set_affinity(map, control, ~uint64_t{0}), 0, "all pCPUs");
          c.check_eq(ops.physid(0).result, -XEN_EINVAL, "not pinned");
          c.require_eq(set_affinity(map, control, 1), 0, "pCPU 0");
          const auto got = ops.physid(0);
          c.check_eq(got.result, 0, "pinned");
          c.check_eq(got.arg.phys_id, 0, "APIC and ACPI id of the first pCPU");
          c.require_eq(set_affinity(map, control, ~uint64_t{0}), 0, "all pCPUs");
          c.check_eq(ops.physid(0).result, -XEN_EINVAL, "not pinned any more");
        },
}};

const Case kLastDown{{
    .slug = "vcpu_op.down.last_vcpu.poweroff",
    .rule =
        "When the last vCPU that is up goes down, the domain shuts down with reason poweroff; one earlier, it runs on.",
    .source = "public/vcpu.h, VCPUOP_down",
    .requirements = {"VCPU-013"},
    .needs = {Capability::kDom0},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          c.require_eq(VcpuOps(c.vcpu()).down(1), 0, "the first to go");
          c.check(!shutdown_state(control, guest).shut_down, "the domain runs on");
          c.vcpu().start_hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_down, 0, 0});
          c.require(wait_shut_down(c, control, guest), "the domain shuts down with the last one");
          c.check_eq(shutdown_state(control, guest).code, uint32_t{SHUTDOWN_poweroff}, "recorded code");
        },
}};

}  // namespace
}  // namespace assay
