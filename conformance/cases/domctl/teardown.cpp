/// The end of a domain whose frames others still hold.
#include "conformance/case.hpp"
#include "conformance/cases/memory_op/spare_page.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/wait.hpp"
#include "conformance/guest/waiting_upcall.hpp"

namespace assay {
namespace {

/// A domain of one page that dom0 maps, destroyed. The mapping keeps it in the list.
struct Zombie {
  DomId id;
  Gva mapping;         ///< in dom0's heap
  uint64_t own_entry;  ///< what dom0 had mapped there
};

Zombie make_zombie(CaseContext& c, DomctlOps& control) {
  Vcpu& dom0 = c.dom0().vcpu(0);
  MemoryOps memory(dom0);
  Zombie made{};
  made.id = create_domain(c, control, empty_domain());
  allow_memory(c, control, made.id, 8);
  const auto page = memory.populate_physmap({.extents = {0}, .dom = made.id});
  c.require_eq(page.done, 1, "a page for the domain");
  made.mapping = c.dom0().alloc_pages(1);
  made.own_entry = c.dom0().gfn_of(made.mapping).raw() << kPageShift | kMapped;
  c.require_eq(dom0.hypercall(__HYPERVISOR_update_va_mapping_otherdomain,
                              {made.mapping.raw(), page.extents[0] << kPageShift | kMapped, UVMF_INVLPG | UVMF_LOCAL,
                               made.id.raw()}),
               0, "dom0 maps it");
  c.require_eq(control.call(XEN_DOMCTL_destroydomain, made.id).result, 0, "destroydomain");
  return made;
}

bool described(DomctlOps& control, DomId id) {
  const auto info = control.domain_info(id);
  return info.result == 0 && info.arg.u.getdomaininfo.domain == id.raw();
}

/// Ends the mapping and waits until the domain is gone.
void lay_to_rest(CaseContext& c, DomctlOps& control, const Zombie& zombie) {
  c.require_eq(update_mapping(c.dom0().vcpu(0), zombie.mapping, zombie.own_entry), 0, "dom0 ends the mapping");
  c.check(wait_until(c, [&] { return !described(control, zombie.id); }), "the domain is gone");
  c.check_eq(control.pause(zombie.id), -XEN_ESRCH, "its id answers no more");
}

const Case kZombie{{
    .slug = "domctl.destroydomain.page_mapped_elsewhere.dying_until_unmapped",
    .rule = "A destroyed domain whose page another domain maps stays, dying, until the mapping is gone.",
    .source = "public/domctl.h, XEN_DOMCTL_destroydomain and XEN_DOMINF_dying",
    .requirements = {"DOM-LIFE-006", "DOM-LIFE-005"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const Zombie zombie = make_zombie(c, control);
          const auto info = control.domain_info(zombie.id);
          c.require_eq(info.result, 0, "getdomaininfo");
          c.check_eq(info.arg.u.getdomaininfo.domain, zombie.id.raw(), "the destroyed domain is still there");
          c.check((info.arg.u.getdomaininfo.flags & XEN_DOMINF_dying) != 0, "it is dying");
          c.check_eq(info.arg.u.getdomaininfo.tot_pages, 1u, "it has the page that is mapped");
          c.dom0().vcpu(0).write(zombie.mapping, uint64_t{42});
          c.check_eq(c.dom0().vcpu(0).read<uint64_t>(zombie.mapping), 42u, "the mapping works");
          c.check_eq(control.call(XEN_DOMCTL_destroydomain, zombie.id).result, 0, "destroying it again");
          lay_to_rest(c, control, zombie);
        },
}};

const Case kNothingNew{{
    .slug = "domctl.destroydomain.dying.takes_nothing_new",
    .rule = "A dying domain gets neither event channels nor memory.",
    .source = "public/domctl.h, XEN_DOMINF_dying",
    .requirements = {"DOM-LIFE-008"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.dom0().vcpu(0));
          EventChannels channels(c.dom0().vcpu(0));
          const Zombie zombie = make_zombie(c, control);
          c.check_eq(channels.alloc_unbound(DomId{0}, zombie.id).result, -XEN_EINVAL, "a port");
          c.check_eq(memory.populate_physmap({.extents = {1}, .dom = zombie.id}).done, 0, "populate_physmap");
          c.check_eq(memory.increase_reservation({.extents = {0}, .dom = zombie.id}).done, 0, "increase_reservation");
          c.check_eq(control.domain_info(zombie.id).arg.u.getdomaininfo.tot_pages, 1u, "pages");
          lay_to_rest(c, control, zombie);
        },
}};

const Case kPauseStops{{
    .slug = "domctl.pausedomain.running_vcpus.stopped_on_return",
    .rule = "When pausedomain returns every vCPU has stopped, and none gets time until it is unpaused.",
    .source = "public/domctl.h, XEN_DOMCTL_pausedomain",
    .requirements = {"DOM-LIFE-003", "DOM-INFO-005"},
    .needs = {Capability::kDom0},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          c.require(c.vcpu(0).time_ns() > 0 && c.vcpu(1).time_ns() > 0, "both vCPUs work");
          const auto vcpu_info = [&](uint32_t vcpu) { return control.vcpu_info(id, vcpu).arg.u.getvcpuinfo; };
          c.require_eq(control.pause(id), 0, "pausedomain");
          const uint64_t total = control.domain_info(id).arg.u.getdomaininfo.cpu_time;
          uint64_t sum = 0;
          for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) {
            const auto info = vcpu_info(vcpu);
            c.check_eq(info.running, 0, "vCPU " + std::to_string(vcpu) + " runs");
            sum += info.cpu_time;
          }
          c.check_eq(total, sum, "the domain's time against the sum of its vCPUs' times");
          c.check(sum > 0, "they have run");
          c.target().pass_time(kWatchNs);
          const auto info = control.domain_info(id).arg.u.getdomaininfo;
          c.check_eq(info.cpu_time, total, "the domain's time a while later");
          c.check((info.flags & XEN_DOMINF_running) == 0, "it is not reported as running");
          c.check_eq(control.unpause(id), 0, "unpausedomain");
          c.check(c.vcpu(0).time_ns() > 0 && c.vcpu(1).time_ns() > 0, "both vCPUs work again");
        },
}};

const Case kDestroyLetsThrough{{
    .slug = "domctl.destroydomain.upcall_waits.let_through_then_resumed",
    .rule = "Destroying a domain with memory does not keep its caller from its events: it is preempted when one is "
            "pending, "
            "and goes on until the domain is gone.",
    .source = "xen/common/domctl.c, XEN_DOMCTL_destroydomain",
    .method = "An upcall waits when dom0 begins; the call that it finds in its registers is made afterwards.",
    .requirements = {"HCALL-010", "DOM-LIFE-005"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          DomctlOps control(dom0);
          const DomId id = c.guest().id();
          const GuestStruct<xen_domctl_t> argument(dom0, DomctlOps::request(XEN_DOMCTL_destroydomain, id));
          WaitingUpcall upcall(c, dom0);
          const Interrupted at = upcall.call(__HYPERVISOR_domctl, argument.va().raw());
          c.require(at.was_preempted, "destroydomain lets the upcall through");
          c.check_eq(dom0.hypercall(at.next_number, {at.next_argument}), 0, "destroydomain, continued");
          c.check(wait_until(c, [&] { return !described(control, id); }), "the domain is gone");
        },
}};

}  // namespace
}  // namespace assay
