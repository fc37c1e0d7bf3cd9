/// Where vCPUs may run, and what the scheduler is told of domains.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr std::string_view kAffinity = "public/domctl.h, XEN_DOMCTL_setvcpuaffinity and XEN_DOMCTL_getvcpuaffinity";
constexpr std::string_view kScheduler = "public/domctl.h, XEN_DOMCTL_scheduler_op";

/// Affinity calls by dom0 with 64-bit maps.
class Affinity {
 public:
  explicit Affinity(CaseContext& c, DomctlOps& control) : control_(control), maps_(c.dom0().vcpu(0)) {}

  struct Answer {
    int64_t result;
    uint64_t hard;
    uint64_t soft;
  };
  Answer set(DomId dom, uint32_t vcpu, uint32_t flags, uint64_t hard, uint64_t soft = ~uint64_t{0}) {
    return call(XEN_DOMCTL_setvcpuaffinity, dom, vcpu, flags, hard, soft);
  }
  /// Both affinities, with a soft map that cannot be read.
  int64_t set_with_bad_soft(DomId dom, uint64_t hard) {
    xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_setvcpuaffinity, dom);
    request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    request.u.vcpuaffinity.cpumap_hard.nr_bits = request.u.vcpuaffinity.cpumap_soft.nr_bits = 64;
    set_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, maps_.put(hard, 0));
    set_handle(request.u.vcpuaffinity.cpumap_soft.bitmap, bad_pointer(GuestType::kPv64));
    return control_.call(request).result;
  }
  Answer get(DomId dom, uint32_t vcpu, uint32_t flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT) {
    return call(XEN_DOMCTL_getvcpuaffinity, dom, vcpu, flags, kUntouched64, kUntouched64);
  }
  int64_t set_without_maps(DomId dom, uint32_t flags) {
    xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_setvcpuaffinity, dom);
    request.u.vcpuaffinity.flags = flags;
    return control_.call(request).result;
  }

 private:
  Answer call(uint32_t command, DomId dom, uint32_t vcpu, uint32_t flags, uint64_t hard, uint64_t soft) {
    xen_domctl_t request = DomctlOps::request(command, dom);
    request.u.vcpuaffinity.vcpu = vcpu;
    request.u.vcpuaffinity.flags = flags;
    request.u.vcpuaffinity.cpumap_hard.nr_bits = request.u.vcpuaffinity.cpumap_soft.nr_bits = 64;
    set_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, maps_.put(hard, 0));
    set_handle(request.u.vcpuaffinity.cpumap_soft.bitmap, maps_.put(soft, 64));
    const int64_t result = control_.call(request).result;
    return {result, maps_.get<uint64_t>(0), maps_.get<uint64_t>(64)};
  }
  DomctlOps& control_;
  Scratch maps_;
};

uint32_t pcpu_count(CaseContext& c) {
  SysctlOps machine(c.dom0().vcpu(0));
  return machine.call(SysctlOps::request(XEN_SYSCTL_physinfo)).arg.u.physinfo.nr_cpus;
}

/// All pCPUs of the machine, as a map.
uint64_t all_pcpus(CaseContext& c) {
  const uint32_t count = pcpu_count(c);
  return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

const Case kParts{{
    .slug = "domctl.getvcpuaffinity.parts_and_narrow_maps",
    .rule = "Only the affinity that is asked for is written, as many bytes as the map has.",
    .source = kAffinity,
    .requirements = {"DOM-SCHED-008"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          DomctlOps control(dom0);
          Affinity affinity(c, control);
          const DomId guest = c.guest().id();
          const uint64_t all = all_pcpus(c);
          c.require_eq(affinity.set(guest, 0, XEN_VCPUAFFINITY_HARD, all).result, 0, "setting");
          const auto hard = affinity.get(guest, 0, XEN_VCPUAFFINITY_HARD);
          c.check_eq(hard.result, 0, "hard alone");
          c.check_eq(hard.hard, all, "hard");
          c.check_eq(hard.soft, kUntouched64, "soft stays as it was");
          const auto soft = affinity.get(guest, 0, XEN_VCPUAFFINITY_SOFT);
          c.check_eq(soft.result, 0, "soft alone");
          c.check_eq(soft.hard, kUntouched64, "hard stays as it was");
          Scratch map(dom0);
          const auto narrow = [&](uint32_t flags, uint32_t bits, Gva at) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getvcpuaffinity, guest);
            request.u.vcpuaffinity.flags = flags;
            request.u.vcpuaffinity.cpumap_hard.nr_bits = request.u.vcpuaffinity.cpumap_soft.nr_bits = bits;
            set_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, at);
            set_handle(request.u.vcpuaffinity.cpumap_soft.bitmap, at);
            return control.call(request).result;
          };
          map.put(kUntouched64);
          c.check_eq(narrow(XEN_VCPUAFFINITY_HARD, 1, map.va()), 0, "a map of one bit");
          c.check_eq(map.get<uint8_t>(), static_cast<uint8_t>(all), "its byte, as a whole");
          c.check_eq(map.get<uint8_t>(1), kUntouchedByte, "nothing behind it");
          c.check_eq(narrow(XEN_VCPUAFFINITY_HARD, 64, bad_pointer(GuestType::kPv64)), -XEN_EFAULT,
                     "hard, bad pointer");
          c.check_eq(narrow(XEN_VCPUAFFINITY_SOFT, 64, bad_pointer(GuestType::kPv64)), -XEN_EFAULT,
                     "soft, bad pointer");
        },
}};

const Case kNoPcpu{{
    .slug = "domctl.setvcpuaffinity.no_online_pcpu.einval",
    .rule = "A hard affinity without any pCPU of the domain's pool gives EINVAL and changes nothing.",
    .source = kAffinity,
    .requirements = {"DOM-SCHED-001"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Affinity affinity(c, control);
          const DomId id = c.guest().id();
          const uint64_t before = affinity.get(id, 0).hard;
          c.check(before != 0, "there is an affinity");
          c.check_eq(affinity.set(id, 0, XEN_VCPUAFFINITY_HARD, 0).result, -XEN_EINVAL, "no pCPU at all");
          c.check_eq(affinity.set(id, 0, XEN_VCPUAFFINITY_HARD, ~all_pcpus(c)).result, -XEN_EINVAL,
                     "pCPUs that do not exist");
          c.check_eq(affinity.get(id, 0).hard, before, "the affinity afterwards");
        },
}};

const Case kEffective{{
    .slug = "domctl.setvcpuaffinity.wide_mask.effective_written_back",
    .rule = "The effective affinity, what is left of the mask on this pool, is written back.",
    .source = "public/domctl.h, struct xen_domctl_vcpuaffinity, cpumap_hard and cpumap_soft",
    .requirements = {"DOM-SCHED-002"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Affinity affinity(c, control);
          const EmptyDomain domain(c, control);
          add_vcpus(c, control, domain.id());
          const uint64_t all = all_pcpus(c);
          const auto wide = affinity.set(domain.id(), 0, XEN_VCPUAFFINITY_HARD, ~uint64_t{0});
          c.check_eq(wide.result, 0, "all bits");
          c.check_eq(wide.hard, all, "the map afterwards");
          const auto both =
              affinity.set(domain.id(), 0, XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT, 1 | ~all, ~uint64_t{0});
          c.check_eq(both.result, 0, "pCPU 0 and some that do not exist, all as soft affinity");
          c.check_eq(both.hard, 1u, "the hard map afterwards");
          c.check_eq(both.soft, 1u, "the soft map afterwards: no more than the hard one");
          const auto now = affinity.get(domain.id(), 0);
          c.check_eq(now.result, 0, "getvcpuaffinity");
          c.check_eq(now.hard, 1u, "the hard affinity");
        },
}};

const Case kBothOrNone{{
    .slug = "domctl.setvcpuaffinity.soft_fails.hard_restored",
    .rule = "Setting both affinities is all or nothing: when the soft one fails the old hard one is back.",
    .source = kAffinity,
    .requirements = {"DOM-SCHED-003"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kBoth = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
          DomctlOps control(c.dom0().vcpu(0));
          Affinity affinity(c, control);
          const EmptyDomain domain(c, control);
          add_vcpus(c, control, domain.id());
          c.require_eq(affinity.set(domain.id(), 0, kBoth, 3, 1).result, 0, "pCPUs 0 and 1, preferably 0");
          c.check_eq(affinity.set_with_bad_soft(domain.id(), 2), -XEN_EFAULT, "pCPU 1, and a map that is not there");
          const auto now = affinity.get(domain.id(), 0);
          c.check_eq(now.hard, 3u, "the hard affinity");
          c.check_eq(now.soft, 1u, "the soft affinity");
        },
}};

const Case kBadParameters{{
    .slug = "domctl.setvcpuaffinity.bad_parameters.einval_esrch",
    .rule = "No flags, a mask without a map, and vCPUs out of range give EINVAL, a vCPU not yet made ESRCH.",
    .source = kAffinity,
    .requirements = {"DOM-SCHED-004"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Affinity affinity(c, control);
          const EmptyDomain domain(c, control);
          const DomId id = domain.id();
          c.check_eq(affinity.set(id, 0, XEN_VCPUAFFINITY_HARD, 1).result, -XEN_ESRCH, "before the vCPU is made");
          add_vcpus(c, control, id);
          c.check_eq(affinity.set(id, 0, 0, 1).result, -XEN_EINVAL, "no flags");
          c.check_eq(affinity.get(id, 0, 0).result, -XEN_EINVAL, "no flags, get");
          c.check_eq(affinity.set_without_maps(id, XEN_VCPUAFFINITY_HARD), -XEN_EINVAL, "hard, without a map");
          c.check_eq(affinity.set_without_maps(id, XEN_VCPUAFFINITY_SOFT), -XEN_EINVAL, "soft, without a map");
          c.check_eq(affinity.set(id, 1, XEN_VCPUAFFINITY_HARD, 1).result, -XEN_EINVAL, "vCPU 1 of one");
          constexpr uint32_t kUnknown = 1u << 7;
          c.check_eq(affinity.set(id, 0, kUnknown, 2).result, 0, "an unknown flag alone does nothing");
          const uint64_t all = all_pcpus(c);
          c.check_eq(affinity.get(id, 0).hard, all, "the hard affinity");
        },
}};

const Case kRunsThere{{
    .slug = "domctl.setvcpuaffinity.running_vcpu.moves",
    .rule = "A vCPU runs nowhere outside its hard affinity: it has moved by the time that it runs again.",
    .source = kAffinity,
    .requirements = {"DOM-SCHED-005"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Affinity affinity(c, control);
          const DomId id = c.guest().id();
          const uint64_t before = affinity.get(id, 0).hard;
          const uint32_t pcpus = pcpu_count(c);
          const auto where = [&] {
            return control.call(DomctlOps::request(XEN_DOMCTL_getvcpuinfo, id)).arg.u.getvcpuinfo.cpu;
          };
          // dom0 has the first pCPUs to itself.
          for (uint32_t pcpu = pcpus - 1; pcpu >= pcpus / 2 && pcpu > 1; --pcpu) {
            c.require_eq(affinity.set(id, 0, XEN_VCPUAFFINITY_HARD, uint64_t{1} << pcpu).result, 0, "setvcpuaffinity");
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), kPageSize, "the vCPU works");
            c.check_eq(where(), pcpu, "the pCPU it runs on");
          }
          c.check_eq(affinity.set(id, 0, XEN_VCPUAFFINITY_HARD, before).result, 0, "the affinity it had");
        },
}};

xen_domctl_t scheduler_request(DomId dom, uint32_t scheduler, uint32_t command) {
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_scheduler_op, dom);
  request.u.scheduler_op.sched_id = scheduler;
  request.u.scheduler_op.cmd = command;
  return request;
}

uint32_t scheduler_of(CaseContext& c) {
  SysctlOps machine(c.dom0().vcpu(0));
  return machine.call(SysctlOps::request(XEN_SYSCTL_sched_id)).arg.u.sched_id.sched_id;
}

const Case kSchedulerErrors{{
    .slug = "domctl.scheduler_op.wrong_scheduler.einval",
    .rule = "Another scheduler than the domain's, or an unknown command, gives EINVAL.",
    .source = kScheduler,
    .requirements = {"DOM-SCHED-006"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const EmptyDomain domain(c, control);
          const uint32_t scheduler = scheduler_of(c);
          const auto call = [&](uint32_t id, uint32_t command) {
            return control.call(scheduler_request(domain.id(), id, command)).result;
          };
          c.check_eq(call(scheduler, XEN_DOMCTL_SCHEDOP_getinfo), 0, "the domain's own scheduler");
          for (uint32_t other = XEN_SCHEDULER_CREDIT; other <= XEN_SCHEDULER_NULL; ++other) {
            if (other == scheduler) continue;
            c.check_eq(call(other, XEN_DOMCTL_SCHEDOP_getinfo), -XEN_EINVAL, "scheduler " + std::to_string(other));
          }
          c.check_eq(call(0, XEN_DOMCTL_SCHEDOP_getinfo), -XEN_EINVAL, "scheduler 0");
          for (const uint32_t command : {4u, 99u, ~0u}) {
            c.check_eq(call(scheduler, command), -XEN_EINVAL, "command " + std::to_string(command));
          }
        },
}};

const Case kUnchanged{{
    .slug = "domctl.scheduler_op.putinfo_zero_weight.unchanged",
    .rule = "putinfo sets weight and cap; a weight of 0 leaves the weight as it is.",
    .source = kScheduler,
    .method = "Credit and credit2 keep both in the same place; only credit knows a cap that means unchanged.",
    .requirements = {"DOM-SCHED-007"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr uint16_t kCapUnchanged = 0xffff;
          DomctlOps control(c.dom0().vcpu(0));
          const uint32_t scheduler = scheduler_of(c);
          if (scheduler != XEN_SCHEDULER_CREDIT && scheduler != XEN_SCHEDULER_CREDIT2) {
            c.skip("neither credit nor credit2 is the scheduler");
          }
          const EmptyDomain domain(c, control);
          add_vcpus(c, control, domain.id());
          const auto put = [&](uint16_t weight, uint16_t cap) {
            xen_domctl_t request = scheduler_request(domain.id(), scheduler, XEN_DOMCTL_SCHEDOP_putinfo);
            request.u.scheduler_op.u.credit = {weight, cap};
            return control.call(request).result;
          };
          const auto get = [&] {
            return control.call(scheduler_request(domain.id(), scheduler, XEN_DOMCTL_SCHEDOP_getinfo))
                .arg.u.scheduler_op.u.credit;
          };
          c.check_eq(get().weight, 256, "the weight of a new domain");
          c.check_eq(get().cap, 0, "its cap");
          c.check_eq(put(512, 40), 0, "weight 512, cap 40");
          c.check_eq(get().weight, 512, "weight");
          c.check_eq(get().cap, 40, "cap");
          c.check_eq(put(0, 50), 0, "weight 0, cap 50");
          c.check_eq(get().weight, 512, "weight afterwards");
          c.check_eq(get().cap, 50, "cap afterwards");
          // For credit2 it is a cap above what one vCPU can use.
          const bool credit = scheduler == XEN_SCHEDULER_CREDIT;
          c.check_eq(put(100, kCapUnchanged), credit ? 0 : -XEN_EINVAL, "weight 100, cap 0xffff");
          c.check_eq(get().weight, 100, "weight at the end");
          c.check_eq(get().cap, 50, "cap at the end");
        },
}};

const Case kVcpuParameters{{
    .slug = "domctl.scheduler_op.vcpuinfo_of_credit.einval",
    .rule = "credit and credit2 have no parameters of single vCPUs: putvcpuinfo and getvcpuinfo give EINVAL.",
    .source = kScheduler,
    .requirements = {"DOM-SCHED-009"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const uint32_t scheduler = scheduler_of(c);
          if (scheduler != XEN_SCHEDULER_CREDIT && scheduler != XEN_SCHEDULER_CREDIT2) {
            c.skip("neither credit nor credit2 is the scheduler");
          }
          const EmptyDomain domain(c, control);
          for (const uint32_t command : {0u + XEN_DOMCTL_SCHEDOP_putvcpuinfo, 0u + XEN_DOMCTL_SCHEDOP_getvcpuinfo}) {
            const auto called = control.call(scheduler_request(domain.id(), scheduler, command));
            c.check_eq(called.result, -XEN_EINVAL, "command " + std::to_string(command));
          }
        },
}};

const Case kShortMap{{
    .slug = "domctl.setvcpuaffinity.short_map.bits_behind_it_ignored",
    .rule = "Bits of the last byte that lie behind the end of a map are no pCPUs.",
    .source = "public/domctl.h, struct xenctl_bitmap",
    .requirements = {"DOM-SCHED-002"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const EmptyDomain domain(c, control);
          add_vcpus(c, control, domain.id());
          Affinity affinity(c, control);
          const GuestStruct<uint8_t> map(c.dom0().vcpu(0), 0xff);
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_setvcpuaffinity, domain.id());
          request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
          request.u.vcpuaffinity.cpumap_hard.nr_bits = 1;
          set_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, map.va());
          c.require_eq(control.call(request).result, 0, "a map of one bit");
          c.check_eq(affinity.get(domain.id(), 0).hard, 1u, "the affinity then");
        },
}};

const Case kPinnedTwice{{
    .slug = "sched_op.pin_override.pinned_already.ebusy",
    .rule = "A vCPU that is pinned cannot be pinned again: EBUSY, and it goes back to where it could run before.",
    .source = "public/sched.h, SCHEDOP_pin_override",
    .requirements = {"SCHED-020"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          SchedOps sched(c.dom0().vcpu(0));
          Affinity affinity(c, control);
          const uint64_t before = affinity.get(DomId{0}, 0).hard;
          c.require_eq(sched.pin_override(0), 0, "pinning it");
          c.check_eq(affinity.get(DomId{0}, 0).hard, 1u, "the affinity then");
          c.check_eq(sched.pin_override(0), -XEN_EBUSY, "pinning it again");
          c.check_eq(sched.pin_override(-1), 0, "letting it go");
          c.check_eq(affinity.get(DomId{0}, 0).hard, before, "the affinity in the end");
        },
}};

}  // namespace
}  // namespace assay
