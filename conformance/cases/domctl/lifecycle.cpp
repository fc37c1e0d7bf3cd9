/// Domain life cycle as the toolstack sees it: creation, pause counts, destruction, information.
#include <cstring>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/version_ops.hpp"

namespace assay {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMoment = 20'000'000;

DomId create(CaseContext& c, DomctlOps& control, DomId wanted = DomId{0}) {
  return create_domain(c, control, empty_domain(wanted));
}

const Case kVersionMismatch{{
    .slug = "domctl.access.interface_version.eacces",
    .rule = "Another interface version gives EACCES before domain and rights are looked at.",
    .source = "public/domctl.h, XEN_DOMCTL_INTERFACE_VERSION",
    .requirements = {"DOM-001"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          for (const uint32_t version : {XEN_DOMCTL_INTERFACE_VERSION - 1u, XEN_DOMCTL_INTERFACE_VERSION + 1u, 0u}) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_pausedomain, kDomAbsent);
            request.interface_version = version;
            c.check_eq(control.call(request).result, -XEN_EACCES, "version " + std::to_string(version));
          }
        },
}};

const Case kVersionBeforeRights{{
    .slug = "domctl.access.interface_version_unprivileged.eacces",
    .rule = "An unprivileged caller with another interface version gets EACCES, not EPERM.",
    .source = "public/domctl.h, XEN_DOMCTL_INTERFACE_VERSION",
    .requirements = {"DOM-001", "DOM-002"},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.vcpu());
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_pausedomain, DomId{0});
          c.check_eq(control.call(request).result, -XEN_EPERM, "right version");
          request.interface_version = XEN_DOMCTL_INTERFACE_VERSION + 1;
          c.check_eq(control.call(request).result, -XEN_EACCES, "wrong version");
        },
}};

const Case kBadPointer{{
    .slug = "domctl.access.bad_pointer.efault",
    .rule = "An argument that cannot be read gives EFAULT before anything else.",
    .source = "public/domctl.h",
    .requirements = {"DOM-001", "HCALL-020"},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            c.check_eq(control.raw(bad.va), -XEN_EFAULT, bad.what);
          }
        },
}};

const Case kRights{{
    .slug = "domctl.access.another_domain_unprivileged.eperm",
    .rule = "A domain that is nobody's device model may do nothing with another domain.",
    .source = "public/domctl.h",
    .requirements = {"DOM-002"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.vcpu());
          for (const uint32_t command : std::initializer_list<uint32_t>{
                   XEN_DOMCTL_getdomaininfo, XEN_DOMCTL_getvcpuinfo, XEN_DOMCTL_max_mem, XEN_DOMCTL_shadow_op,
                   XEN_DOMCTL_iomem_permission, XEN_DOMCTL_setdebugging, XEN_DOMCTL_sendtrigger}) {
            c.check_eq(control.call(command, c.peer().id()).result, -XEN_EPERM, "command " + show(command));
          }
        },
}};

const Case kArgumentsBeforeRights{{
    .slug = "domctl.access.arguments_unprivileged.einval_before_eperm",
    .rule = "iomem_permission, memory_mapping and set_target look at their arguments before the caller's rights.",
    .source = "public/domctl.h, XEN_DOMCTL_iomem_permission, XEN_DOMCTL_memory_mapping, XEN_DOMCTL_set_target",
    .requirements = {"DOM-002", "DOM-LIFE-014", "DOM-LIFE-016"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.vcpu());
          xen_domctl_t permission = DomctlOps::request(XEN_DOMCTL_iomem_permission, c.peer().id());
          permission.u.iomem_permission.first_mfn = 0x90000;
          permission.u.iomem_permission.nr_mfns = 1;
          permission.u.iomem_permission.allow_access = 1;
          c.check_eq(control.call(permission).result, -XEN_EPERM, "permission");
          permission.u.iomem_permission.first_mfn = ~uint64_t{0};
          permission.u.iomem_permission.nr_mfns = 2;
          c.check_eq(control.call(permission).result, -XEN_EINVAL, "permission for frames that wrap");
          xen_domctl_t mapping = DomctlOps::request(XEN_DOMCTL_memory_mapping, c.peer().id());
          mapping.u.memory_mapping = {
              .first_gfn = 0x90000, .first_mfn = 0x90000, .nr_mfns = 1, .add_mapping = DPCI_ADD_MAPPING, .padding = 0};
          c.check_eq(control.call(mapping).result, -XEN_EPERM, "a mapping");
          mapping.u.memory_mapping.first_gfn = ~uint64_t{0};
          mapping.u.memory_mapping.nr_mfns = 2;
          c.check_eq(control.call(mapping).result, -XEN_EINVAL, "a mapping that wraps");
          xen_domctl_t target = DomctlOps::request(XEN_DOMCTL_set_target, c.guest().id());
          target.u.set_target.target = c.peer().id().raw();
          c.check_eq(control.call(target).result, c.pv() ? -XEN_EOPNOTSUPP : -XEN_EPERM, "a target");
          target.u.set_target.target = c.guest().id().raw();
          c.check_eq(control.call(target).result, -XEN_EINVAL, "itself as a target");
          target.u.set_target.target = kDomAbsent.raw();
          c.check_eq(control.call(target).result, -XEN_ESRCH, "a target that does not exist");
        },
}};

const Case kAbsentBeforeRights{{
    .slug = "domctl.access.absent_domain_unprivileged.esrch",
    .rule = "An unknown domain gives ESRCH, checked before the caller's rights.",
    .source = "public/domctl.h",
    .requirements = {"DOM-003"},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.vcpu());
          c.check_eq(control.pause(kDomAbsent), -XEN_ESRCH, "unprivileged, absent domain");
          c.check_eq(control.pause(DomId{0}), -XEN_EPERM, "unprivileged, dom0");
        },
}};

const Case kOwnDomain{{
    .slug = "domctl.access.own_domain.einval",
    .rule = "Operations that would stop the caller's own domain give EINVAL.",
    .source = "public/domctl.h",
    .requirements = {"DOM-004", "DOM-LIFE-004"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId self = c.dom0().id();
          c.check_eq(control.pause(self), -XEN_EINVAL, "pausedomain");
          c.check_eq(control.call(XEN_DOMCTL_destroydomain, self).result, -XEN_EINVAL, "destroydomain");
          c.check_eq(control.call(XEN_DOMCTL_resumedomain, self).result, -XEN_EINVAL, "resumedomain");
          c.check_eq(control.call(XEN_DOMCTL_soft_reset, self).result, -XEN_EINVAL, "soft_reset");
          c.check_eq(control.max_vcpus(self, 1), -XEN_EINVAL, "max_vcpus");
        },
}};

const Case kUnknownCommand{{
    .slug = "domctl.unknown_command.enosys",
    .rule = "An unknown domctl gives ENOSYS.",
    .source = "public/domctl.h",
    .requirements = {"DOM-005"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          for (const uint32_t command : {0u, 999u, 0x7fffffffu}) {
            c.check_eq(control.call(command, c.guest().id()).result, -XEN_ENOSYS, "command " + std::to_string(command));
          }
        },
}};

const Case kCreateEmpty{{
    .slug = "domctl.createdomain.new_domain.paused_and_empty",
    .rule = "A new domain gets a fresh id, is paused once by the controller, and has neither memory nor vCPUs.",
    .source = "public/domctl.h, XEN_DOMCTL_createdomain",
    .requirements = {"DOM-CREATE-001", "DOM-CREATE-002", "DOM-CREATE-005", "DOM-INFO-002", "DOM-LIFE-002"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = create(c, control);
          c.check(id.raw() != 0 && id.raw() < DOMID_FIRST_RESERVED, "an ordinary id was chosen");
          const auto info = control.domain_info(id);
          c.require_eq(info.result, 0, "getdomaininfo");
          const auto& now = info.arg.u.getdomaininfo;
          c.check_eq(now.domain, id.raw(), "id in the answer");
          c.check_eq(now.tot_pages, 0u, "pages");
          c.check_eq(now.nr_online_vcpus, 0u, "online vCPUs");
          c.check((now.flags & XEN_DOMINF_paused) != 0, "paused");
          c.check((now.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown)) == 0, "neither dying nor shut down");
          c.check_eq(control.unpause(id), 0, "the controller's one pause is taken back");
          c.check_eq(control.unpause(id), -XEN_EINVAL, "there is no second one");
          remove_domain(c, control, id);
        },
}};

const Case kCreateExplicit{{
    .slug = "domctl.createdomain.explicit_id.used",
    .rule = "A free explicit id is used as given; one in use gives EEXIST.",
    .source = "public/domctl.h, XEN_DOMCTL_createdomain",
    .requirements = {"DOM-CREATE-001"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr DomId kWanted{1234};
          DomctlOps control(c.dom0().vcpu(0));
          c.check_eq(create(c, control, kWanted), kWanted, "id");
          c.check_eq(control.call(empty_domain(kWanted)).result, -XEN_EEXIST, "the same id again");
          remove_domain(c, control, kWanted);
        },
}};

const Case kCreateCursor{{
    .slug = "domctl.createdomain.freed_id.not_reused_at_once",
    .rule = "Ids are handed out by a moving cursor: a just-freed one is not reused at once.",
    .source = "public/domctl.h, XEN_DOMCTL_createdomain",
    .requirements = {"DOM-CREATE-002"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId one = create(c, control);
          remove_domain(c, control, one);
          const DomId two = create(c, control);
          c.check_ne(two.raw(), one.raw(), "id of the second domain");
          remove_domain(c, control, two);
        },
}};

const Case kCreateBad{{
    .slug = "domctl.createdomain.bad_configuration.einval",
    .rule = "Unknown flags, no vCPUs, too many, or HAP without HVM give EINVAL.",
    .source = "public/domctl.h, struct xen_domctl_createdomain",
    .requirements = {"DOM-CREATE-003"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto result = [&control](void (*change)(xen_domctl_createdomain&)) {
            xen_domctl_t request = empty_domain();
            change(request.u.createdomain);
            return control.call(request).result;
          };
          c.check_eq(result([](auto& config) { config.flags = 1u << 31; }), -XEN_EINVAL, "unknown flag");
          c.check_eq(result([](auto& config) { config.max_vcpus = 0; }), -XEN_EINVAL, "no vCPUs");
          c.check_eq(result([](auto& config) { config.max_vcpus = 8193; }), -XEN_EINVAL, "8193 PV vCPUs");
          c.check_eq(result([](auto& config) { config.flags = XEN_DOMCTL_CDF_hap; }), -XEN_EINVAL, "HAP without HVM");
          c.check_eq(result([](auto& config) { config.iommu_opts = 1u << 30; }), -XEN_EINVAL, "unknown IOMMU option");
        },
}};

const Case kMaxVcpusRepeats{{
    .slug = "domctl.max_vcpus.differs_from_creation.einval",
    .rule = "max_vcpus must repeat the count of the creation; then vCPUs exist and are down.",
    .source = "public/domctl.h, XEN_DOMCTL_max_vcpus",
    .requirements = {"DOM-CREATE-007", "DOM-INFO-006"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = create(c, control);
          c.check_eq(control.vcpu_info(id, 0).result, -XEN_ESRCH, "getvcpuinfo before the vCPU exists");
          c.check_eq(control.max_vcpus(id, 2), -XEN_EINVAL, "another count");
          c.check_eq(control.max_vcpus(id, 1), 0, "the same count");
          const auto info = control.vcpu_info(id, 0);
          c.check_eq(info.result, 0, "getvcpuinfo");
          c.check_eq(info.arg.u.getvcpuinfo.online, 0, "the new vCPU is down");
          c.check_eq(control.vcpu_info(id, 1).result, -XEN_EINVAL, "getvcpuinfo beyond the last vCPU");
          remove_domain(c, control, id);
        },
}};

const Case kPauseNests{{
    .slug = "domctl.pausedomain.nested.counted",
    .rule = "pausedomain nests: n pauses need n unpauses, and one more unpause gives EINVAL.",
    .source = "public/domctl.h, XEN_DOMCTL_pausedomain",
    .method = "A paused guest's hypercall does not return; after the last unpause it does.",
    .requirements = {"DOM-LIFE-001", "DOM-LIFE-002", "DOM-INFO-002"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          c.check_eq(control.pause(id), 0, "first pause");
          c.check_eq(control.pause(id), 0, "second pause");
          c.check((control.domain_info(id).arg.u.getdomaininfo.flags & XEN_DOMINF_paused) != 0, "reported as paused");
          c.vcpu().start_hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          c.check(!c.vcpu().finish_hypercall(kMoment), "a paused guest does not run");
          c.check_eq(control.unpause(id), 0, "first unpause");
          c.check(!c.vcpu().finish_hypercall(kMoment), "one pause is left");
          c.check_eq(control.unpause(id), 0, "second unpause");
          c.check_eq(c.vcpu().finish_hypercall(kSecond), 4096, "the guest runs again");
          c.check_eq(control.unpause(id), -XEN_EINVAL, "an unpause too many");
          c.check((control.domain_info(id).arg.u.getdomaininfo.flags & XEN_DOMINF_paused) == 0, "no longer paused");
        },
}};

const Case kPauseLimit{{
    .slug = "domctl.pausedomain.over_255.eoverflow",
    .rule = "A controller pause count above 255 is refused with EOVERFLOW.",
    .source = "public/domctl.h, XEN_DOMCTL_pausedomain",
    .requirements = {"DOM-LIFE-001"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr int kPausesMax = 255;
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = create(c, control);
          for (int count = 2; count <= kPausesMax; ++count) {
            c.require_eq(control.pause(id), 0, "pause " + std::to_string(count));
          }
          c.check_eq(control.pause(id), -XEN_EOVERFLOW, "pause 256");
          for (int count = kPausesMax; count > 0; --count) {
            c.require_eq(control.unpause(id), 0, "unpause from " + std::to_string(count));
          }
          c.check_eq(control.unpause(id), -XEN_EINVAL, "unpause from 0: the refused pause was not counted");
          remove_domain(c, control, id);
        },
}};

const Case kDestroyFrees{{
    .slug = "domctl.destroydomain.guest.id_gone",
    .rule = "Destruction removes the domain: its id answers ESRCH, and its peers' ports become unbound.",
    .source = "public/domctl.h, XEN_DOMCTL_destroydomain",
    .requirements = {"DOM-LIFE-005", "DOM-LIFE-007", "EVTCHN-CLOSE-007"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          const DomId peer = c.peer().id();
          const auto offered = theirs.alloc_unbound(c.guest().id());
          c.require_eq(offered.result, 0, "the peer offers a port");
          const auto bound = ours.bind_interdomain(peer, offered.port);
          c.require_eq(bound.result, 0, "the guest binds it");
          c.target().destroy_guest(c.peer());
          DomctlOps control(c.dom0().vcpu(0));
          c.check_eq(control.pause(peer), -XEN_ESRCH, "the id is gone");
          const auto status = ours.status(bound.port);
          c.check_eq(status.result, 0, "status of the guest's port");
          c.check_eq(status.arg.status, static_cast<uint32_t>(EVTCHNSTAT_unbound), "state of the guest's port");
          c.check_eq(ours.alloc_unbound(peer).result, 0, "the guest goes on");
        },
}};

const Case kInfoNextHigher{{
    .slug = "domctl.getdomaininfo.gap.next_higher",
    .rule = "getdomaininfo answers for the id given or the next higher one; past the last ESRCH, reserved ids EINVAL.",
    .source = "public/domctl.h, XEN_DOMCTL_getdomaininfo",
    .requirements = {"DOM-INFO-001"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr DomId kHigh{0x7000};
          DomctlOps control(c.dom0().vcpu(0));
          create(c, control, kHigh);
          const auto info = control.domain_info(DomId{0x6fff});
          c.check_eq(info.result, 0, "one below");
          c.check_eq(info.arg.domain, kHigh.raw(), "id that answered");
          c.check_eq(control.domain_info(DomId{0x7001}).result, -XEN_ESRCH, "one above the last");
          c.check_eq(control.domain_info(kDomSelf).result, -XEN_EINVAL, "DOMID_SELF");
          c.check_eq(control.domain_info(kDomXen).result, -XEN_EINVAL, "DOMID_XEN");
          remove_domain(c, control, kHigh);
        },
}};

const Case kInfoMatches{{
    .slug = "domctl.getdomaininfo.running_guest.matches",
    .rule = "getdomaininfo reports pages, limits, vCPUs and handle as they are, and no stale bytes in its padding.",
    .source = "public/domctl.h, struct xen_domctl_getdomaininfo",
    .requirements = {"DOM-INFO-004", "DOM-INFO-012"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto info = control.domain_info(c.guest().id());
          c.require_eq(info.result, 0, "getdomaininfo");
          const auto& now = info.arg.u.getdomaininfo;
          c.check_eq(now.nr_online_vcpus, 1u, "online vCPUs");
          c.check_eq(now.max_vcpu_id, 1u, "highest vCPU id");
          // A PVH guest that maps shared_info gives up the page that was there.
          const uint64_t given_up = c.pv() ? 0 : 1;
          c.check_eq(now.tot_pages, c.guest().space().pages - given_up, "pages");
          c.check(now.max_pages >= now.tot_pages, "the limit is not below the usage");
          c.check_eq((now.flags & XEN_DOMINF_hvm_guest) != 0, !c.pv(), "HVM flag");
          c.check(now.cpu_time > 0, "it has run");
          c.check_eq(now.cpupool, 0u, "pool");
        },
}};

const Case kHandle{{
    .slug = "domctl.setdomainhandle.changed.seen_by_guest",
    .rule = "setdomainhandle changes what getdomaininfo and the guest's own XENVER_guest_handle report.",
    .source = "public/domctl.h, XEN_DOMCTL_setdomainhandle",
    .requirements = {"DOM-LIFE-012", "VER-012"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_setdomainhandle, c.guest().id());
          for (uint8_t i = 0; i < 16; ++i) request.u.setdomainhandle.handle[i] = static_cast<uint8_t>(0xc0 + i);
          c.check_eq(control.call(request).result, 0, "setdomainhandle");
          const auto info = control.domain_info(c.guest().id());
          VersionOps version(c.vcpu());
          const auto own = version.guest_handle();
          c.check_eq(own.result, 0, "guest_handle");
          for (uint8_t i = 0; i < 16; ++i) {
            c.check_eq(info.arg.u.getdomaininfo.handle[i], 0xc0 + i, "byte of the handle in getdomaininfo");
            c.check_eq(own.arg.uuid[i], 0xc0 + i, "byte of the handle in the guest");
          }
        },
}};

const Case kShutdownReported{{
    .slug = "domctl.getdomaininfo.shut_down.code",
    .rule = "A domain that shut down is reported so, with its code in bits 16 to 23.",
    .source = "public/domctl.h, XEN_DOMINF_shutdown",
    .requirements = {"DOM-INFO-002", "SCHED-004"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          SchedOps sched(c.vcpu());
          sched.start_shutdown(SHUTDOWN_reboot);
          c.check(!c.vcpu().finish_hypercall(kMoment), "shutdown does not return");
          const uint32_t flags = control.domain_info(c.guest().id()).arg.u.getdomaininfo.flags;
          c.check((flags & XEN_DOMINF_shutdown) != 0, "reported as shut down");
          c.check_eq((flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask,
                     static_cast<uint32_t>(SHUTDOWN_reboot), "code");
        },
}};

const Case kResume{{
    .slug = "domctl.resumedomain.after_shutdown.runs",
    .rule = "resumedomain clears shutdown state and code; the call that shut the domain down returns 0.",
    .source = "public/domctl.h, XEN_DOMCTL_resumedomain",
    .requirements = {"DOM-LIFE-009", "SCHED-004"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          SchedOps sched(c.vcpu());
          sched.start_shutdown(SHUTDOWN_suspend);
          c.check(!c.vcpu().finish_hypercall(kMoment), "shutdown does not return");
          c.check_eq(control.call(XEN_DOMCTL_resumedomain, c.guest().id()).result, 0, "resumedomain");
          c.check_eq(c.vcpu().finish_hypercall(kSecond), 0, "the interrupted call");
          const uint32_t flags = control.domain_info(c.guest().id()).arg.u.getdomaininfo.flags;
          c.check((flags & XEN_DOMINF_shutdown) == 0, "no longer shut down");
        },
}};

const Case kMaxMemBelowUsage{{
    .slug = "domctl.max_mem.below_usage.accepted",
    .rule = "A limit below the current usage is accepted; further allocations fail.",
    .source = "public/domctl.h, XEN_DOMCTL_max_mem",
    .requirements = {"DOM-LIFE-010", "MEM-RES-007"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          c.check_eq(control.max_mem(c.guest().id(), 16), 0, "max_mem of 16 pages");
          c.check_eq(
              c.vcpu().hypercall(__HYPERVISOR_memory_op,
                                 {XENMEM_maximum_reservation, GuestStruct<domid_t>(c.vcpu(), DOMID_SELF).va().raw()}),
              16, "maximum_reservation");
          Scratch memory(c.vcpu());
          const Gva list = memory.put(uint64_t{c.guest().space().pages + 64}, 256);
          xen_memory_reservation_t reservation{};
          set_handle(reservation.extent_start, list);
          reservation.nr_extents = 1;
          reservation.domid = DOMID_SELF;
          c.check_eq(
              c.vcpu().hypercall(__HYPERVISOR_memory_op, {XENMEM_populate_physmap, memory.put(reservation).raw()}), 0,
              "pages populated above the limit");
        },
}};

const Case kInfoUnprivileged{{
    .slug = "domctl.getdomaininfo.unprivileged.eperm",
    .rule = "An ordinary guest cannot ask how domains are doing, itself included: EPERM, and nothing is written.",
    .source = "public/domctl.h, XEN_DOMCTL_getdomaininfo",
    .requirements = {"DOM-002"},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.vcpu());
          for (const DomId dom : {DomId{0}, c.guest().id()}) {
            const auto info = control.domain_info(dom);
            c.check_eq(info.result, -XEN_EPERM, "getdomaininfo");
            c.check_eq(info.arg.u.getdomaininfo.max_pages, 0u, "what was there");
          }
        },
}};

const Case kInfoPadding{{
    .slug = "domctl.getdomaininfo.padding.zero",
    .rule = "Padding of the reply is zero, whatever the caller had there.",
    .source = "public/domctl.h, xen_domctl_getdomaininfo",
    .requirements = {"DOM-INFO-012"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getdomaininfo, c.guest().id());
          std::memset(request.u.pad, kUntouchedByte, sizeof request.u.pad);
          const auto info = control.call(request);
          c.require_eq(info.result, 0, "getdomaininfo");
          c.check_eq(info.arg.u.getdomaininfo.pad1, 0, "padding behind the id");
          for (const uint8_t byte : info.arg.u.getdomaininfo.pad2)
            c.check_eq(byte, 0, "padding behind the address bits");
        },
}};

const Case kMaxMemHuge{{
    .slug = "domctl.max_mem.over_32_bits_of_pages.most_there_can_be",
    .rule = "A limit beyond what can be counted is the most that can be, not what is left of its bits.",
    .source = "public/domctl.h, XEN_DOMCTL_max_mem",
    .requirements = {"DOM-LIFE-010"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const EmptyDomain domain(c, control);
          constexpr uint64_t kPages = (uint64_t{1} << 32) + 16;
          c.check_eq(control.max_mem(domain.id(), kPages), 0, "max_mem");
          c.check(control.domain_info(domain.id()).arg.u.getdomaininfo.max_pages >= UINT32_MAX - 1, "the limit");
        },
}};

}  // namespace
}  // namespace assay
