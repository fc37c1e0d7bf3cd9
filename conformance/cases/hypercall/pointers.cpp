/// Bad pointers, command by command: whatever else a command checks, an argument that cannot be read gives EFAULT, and
/// so does a result that cannot be written.
#include <array>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"
#include "conformance/guest/scratch.hpp"

namespace assay {
namespace {

struct Command {
  std::string_view what;
  uint64_t number;
};

const std::vector<Command> kEventChannel{
    {"bind_interdomain", EVTCHNOP_bind_interdomain},
    {"bind_virq", EVTCHNOP_bind_virq},
    {"bind_pirq", EVTCHNOP_bind_pirq},
    {"close", EVTCHNOP_close},
    {"send", EVTCHNOP_send},
    {"status", EVTCHNOP_status},
    {"alloc_unbound", EVTCHNOP_alloc_unbound},
    {"bind_ipi", EVTCHNOP_bind_ipi},
    {"bind_vcpu", EVTCHNOP_bind_vcpu},
    {"unmask", EVTCHNOP_unmask},
    {"reset", EVTCHNOP_reset},
    {"init_control", EVTCHNOP_init_control},
    {"expand_array", EVTCHNOP_expand_array},
    {"set_priority", EVTCHNOP_set_priority},
};
const std::vector<Command> kMemory{
    {"add_to_physmap", XENMEM_add_to_physmap},
    {"remove_from_physmap", XENMEM_remove_from_physmap},
    {"memory_map", XENMEM_memory_map},
    {"set_memory_map", XENMEM_set_memory_map},
    {"exchange", XENMEM_exchange},
    {"set_pod_target", XENMEM_set_pod_target},
    {"get_pod_target", XENMEM_get_pod_target},
    {"claim_pages", XENMEM_claim_pages},
};
const std::vector<Command> kScheduling{
    {"shutdown", SCHEDOP_shutdown},
    {"poll", SCHEDOP_poll},
    {"remote_shutdown", SCHEDOP_remote_shutdown},
    {"watchdog", SCHEDOP_watchdog},
};
const std::vector<Command> kVersion{
    {"extraversion", XENVER_extraversion},
    {"compile_info", XENVER_compile_info},
    {"capabilities", XENVER_capabilities},
    {"changeset", XENVER_changeset},
    {"platform_parameters", XENVER_platform_parameters},
    {"get_features", XENVER_get_features},
    {"guest_handle", XENVER_guest_handle},
};
const std::vector<Command> kVcpu{
    {"get_runstate_info", VCPUOP_get_runstate_info},
    {"register_runstate_memory_area", VCPUOP_register_runstate_memory_area},
    {"register_vcpu_info", VCPUOP_register_vcpu_info},
    {"register_vcpu_time_memory_area", VCPUOP_register_vcpu_time_memory_area},
    {"set_singleshot_timer", VCPUOP_set_singleshot_timer},
};
const std::vector<Command> kGrantTable{
    {"map", GNTTABOP_map_grant_ref},       {"unmap", GNTTABOP_unmap_grant_ref},
    {"setup_table", GNTTABOP_setup_table}, {"copy", GNTTABOP_copy},
    {"query_size", GNTTABOP_query_size},   {"set_version", GNTTABOP_set_version},
    {"get_version", GNTTABOP_get_version}, {"swap", GNTTABOP_swap_grant_ref},
};

/// One hypercall with a bad pointer where its argument structure is expected.
int64_t call(CaseContext& c, uint32_t number, const Command& command) {
  const uint64_t bad = bad_pointer(c.guest_type()).raw();
  if (number == __HYPERVISOR_vcpu_op) return c.vcpu().hypercall(number, {command.number, 0, bad});
  return c.vcpu().hypercall(number, {command.number, bad, 1});
}

void check_all(CaseContext& c, uint32_t number, const std::vector<Command>& commands) {
  for (const Command& command : commands) c.check_eq(call(c, number, command), -XEN_EFAULT, command.what);
}

const Case kArguments{{
    .slug = "hypercall.pointers.argument.efault",
    .rule = "A command whose argument structure cannot be read, or its answer not be written, gives EFAULT.",
    .source = "public/errno.h, EFAULT; the public header of each command",
    .requirements = {"HCALL-020"},
    .body =
        [](CaseContext& c) {
          check_all(c, __HYPERVISOR_event_channel_op, kEventChannel);
          check_all(c, __HYPERVISOR_memory_op, kMemory);
          check_all(c, __HYPERVISOR_sched_op, kScheduling);
          check_all(c, __HYPERVISOR_xen_version, kVersion);
          check_all(c, __HYPERVISOR_vcpu_op, kVcpu);
          check_all(c, __HYPERVISOR_grant_table_op, kGrantTable);
          if (!c.pv()) {
            check_all(c, __HYPERVISOR_hvm_op, {{"set_param", HVMOP_set_param}, {"get_param", HVMOP_get_param}});
            return;
          }
          check_all(c, __HYPERVISOR_grant_table_op,
                    {{"get_status_frames", GNTTABOP_get_status_frames}, {"cache_flush", GNTTABOP_cache_flush}});
          check_all(c, __HYPERVISOR_callback_op,
                    {{"register", CALLBACKOP_register}, {"unregister", CALLBACKOP_unregister}});
          check_all(c, __HYPERVISOR_nmi_op, {{"register", XENNMI_register_callback}});
          check_all(c, __HYPERVISOR_physdev_op, {{"irq_status_query", PHYSDEVOP_irq_status_query}});
          check_all(c, __HYPERVISOR_vcpu_op, {{"set_periodic_timer", VCPUOP_set_periodic_timer}});
        },
}};

/// A structure in a page that the guest may read and not write.
template <typename T>
Gva read_only(Vcpu& caller, const T& argument) {
  const Page page = heap_page(caller);
  caller.write(page.va, argument);
  remap(caller, page, kLeafRo);
  return page.va;
}

const Case kAnswers{{
    .slug = "hypercall.pointers.answer_read_only.efault",
    .rule = "A command that cannot write its answer because the page is read-only gives EFAULT.",
    .source = "public/errno.h, EFAULT; the public header of each command",
    .requirements = {"HCALL-020"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          evtchn_status_t status{};
          status.dom = DOMID_SELF;
          status.port = 1;
          const auto fails = [&](uint32_t number, uint64_t command, const auto& argument, std::string_view what) {
            const uint64_t at = read_only(us, argument).raw();
            const int64_t result = number == __HYPERVISOR_vcpu_op ? us.hypercall(number, {command, 0, at})
                                                                  : us.hypercall(number, {command, at, 1});
            c.check_eq(result, -XEN_EFAULT, what);
          };
          fails(__HYPERVISOR_event_channel_op, EVTCHNOP_status, status, "status");
          fails(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, gnttab_query_size_t{DOMID_SELF, 0, 0, 0},
                "query_size");
          fails(__HYPERVISOR_grant_table_op, GNTTABOP_get_version, gnttab_get_version_t{DOMID_SELF, 0, 0},
                "get_version");
          fails(__HYPERVISOR_grant_table_op, GNTTABOP_set_version, gnttab_set_version_t{1}, "set_version");
          fails(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, vcpu_runstate_info_t{}, "get_runstate_info");
          fails(__HYPERVISOR_xen_version, XENVER_get_features, xen_feature_info_t{}, "get_features");
          fails(__HYPERVISOR_xen_version, XENVER_compile_info, xen_compile_info_t{}, "compile_info");
          fails(__HYPERVISOR_xen_version, XENVER_platform_parameters, xen_platform_parameters_t{},
                "platform_parameters");
          fails(__HYPERVISOR_physdev_op, PHYSDEVOP_irq_status_query, physdev_irq_status_query_t{}, "irq_status_query");
          evtchn_alloc_unbound_t unbound{};
          unbound.dom = unbound.remote_dom = DOMID_SELF;
          fails(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, unbound, "alloc_unbound");
          fails(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, evtchn_bind_ipi_t{}, "bind_ipi");
          fails(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, evtchn_bind_virq_t{VIRQ_DEBUG, 0, 0}, "bind_virq");
          fails(__HYPERVISOR_xen_version, XENVER_extraversion, xen_extraversion_t{}, "extraversion");
          fails(__HYPERVISOR_xen_version, XENVER_changeset, xen_changeset_info_t{}, "changeset");
          fails(__HYPERVISOR_xen_version, XENVER_guest_handle, std::array<uint8_t, 16>{}, "guest_handle");
          xen_machphys_mfn_list_t list{};
          fails(__HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, list, "machphys_mfn_list");
        },
}};

const Case kControlAnswers{{
    .slug = "hypercall.pointers.control_answer_read_only.efault",
    .rule = "domctl and sysctl that cannot write their answers give EFAULT.",
    .source = "public/domctl.h; public/sysctl.h",
    .requirements = {"HCALL-020"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          const auto direct = [&](uint32_t number, const auto& argument) {
            const Page page = heap_page(dom0);
            dom0.write(page.va, argument);
            remap(dom0, page, kLeafRo);
            const int64_t result = dom0.hypercall(number, {page.va.raw()});
            remap(dom0, page, kLeafRw);
            return result;
          };
          c.check_eq(direct(__HYPERVISOR_sysctl, SysctlOps::request(XEN_SYSCTL_physinfo)), -XEN_EFAULT, "physinfo");
          c.check_eq(direct(__HYPERVISOR_sysctl, SysctlOps::request(XEN_SYSCTL_sched_id)), -XEN_EFAULT, "sched_id");
          c.check_eq(direct(__HYPERVISOR_domctl, DomctlOps::request(XEN_DOMCTL_getdomaininfo, DomId{0})), -XEN_EFAULT,
                     "getdomaininfo");
          c.check_eq(direct(__HYPERVISOR_domctl, DomctlOps::request(XEN_DOMCTL_getvcpuinfo, DomId{0})), -XEN_EFAULT,
                     "getvcpuinfo");
        },
}};

const Case kControlLists{{
    .slug = "hypercall.pointers.control_lists.efault",
    .rule = "Lists and contexts that a domctl points to and that cannot be reached give EFAULT.",
    .source = "public/domctl.h",
    .requirements = {"HCALL-020"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const Gva bad = bad_pointer(GuestType::kPv64);
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getvcpucontext, c.guest().id());
          set_handle(request.u.vcpucontext.ctxt, bad);
          c.check_eq(control.call(request).result, -XEN_EFAULT, "getvcpucontext");
          request.cmd = XEN_DOMCTL_setvcpucontext;
          c.check_eq(control.call(request).result, -XEN_EFAULT, "setvcpucontext");
          if (c.pv()) return;
          request = DomctlOps::request(XEN_DOMCTL_gethvmcontext, c.guest().id());
          request.u.hvmcontext.size = 8 * kPageSize;
          set_handle(request.u.hvmcontext.buffer, bad);
          c.check_eq(control.call(request).result, -XEN_EFAULT, "gethvmcontext");
          request.cmd = XEN_DOMCTL_sethvmcontext;
          c.check_eq(control.call(request).result, -XEN_EFAULT, "sethvmcontext");
        },
}};

}  // namespace
}  // namespace assay
