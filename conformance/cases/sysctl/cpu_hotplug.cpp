/// pCPUs go offline and come back: who is told what, and what becomes of those that were there.
#include "conformance/case.hpp"
#include "conformance/guest/pcpus.hpp"
#include "conformance/guest/pools.hpp"
#include "conformance/guest/timer_port.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/sysctl.h, XEN_SYSCTL_cpu_hotplug";

const Case kRefused{{
    .slug = "sysctl.cpu_hotplug.refused.einval_eexist_eopnotsupp",
    .rule =
        "pCPU 0 and one that does not exist cannot go offline, EINVAL; one that is so already gives EEXIST, an unknown "
        "operation EOPNOTSUPP; nothing changes.",
    .source = kSource,
    .requirements = {"SYSC-024"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          Pcpus pcpus(c);
          const uint32_t last = last_pcpu(c);
          c.require(last > 0, "there is another pCPU");
          constexpr uint32_t kNoPcpu = 100'000;
          const uint64_t before = pools.info(0).pcpus;
          c.check_eq(pcpus.offline(0), -XEN_EINVAL, "pCPU 0");
          c.check_eq(pcpus.offline(kNoPcpu), -XEN_EINVAL, "offline: one that does not exist");
          c.check_eq(pcpus.online(kNoPcpu), -XEN_EINVAL, "online: one that does not exist");
          c.check_eq(pcpus.offline(last + 1), -XEN_EINVAL, "offline: the one behind the last");
          c.check_eq(pcpus.online(last), -XEN_EEXIST, "online: one that is online");
          c.check_eq(pcpus.online(0), -XEN_EEXIST, "online: pCPU 0");
          c.check_eq(pcpus.hotplug(99, last), -XEN_EOPNOTSUPP, "an unknown operation");
          c.check_eq(pools.info(0).pcpus, before, "the pCPUs of pool 0");
          const OfflinePcpu offline(c, pcpus, last);
          c.check_eq(pcpus.offline(last), -XEN_EEXIST, "offline: one that is offline");
        },
}};

const Case kSiblings{{
    .slug = "sysctl.cpu_hotplug.smt_without_threads.eopnotsupp",
    .rule = "Where no core has a second thread there is nothing to switch: EOPNOTSUPP.",
    .source = kSource,
    .requirements = {"SYSC-025"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          Pcpus pcpus(c);
          if (pcpus.physinfo().threads_per_core > 1) c.skip("cores of this machine have threads");
          const uint64_t before = pools.info(0).pcpus;
          c.check_eq(pcpus.hotplug(XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE, 0), -XEN_EOPNOTSUPP, "disable");
          c.check_eq(pcpus.hotplug(XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE, 0), -XEN_EOPNOTSUPP, "enable");
          c.check_eq(pools.info(0).pcpus, before, "the pCPUs of pool 0");
        },
}};

const Case kShown{{
    .slug = "sysctl.cpu_hotplug.offline_and_back.shown",
    .rule = "A pCPU that is offline is in no pool and not free, counts in no total, and has neither core nor socket; "
            "back online it is in "
            "pool 0 and where it was.",
    .source = kSource,
    .requirements = {"SYSC-026"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          Pcpus pcpus(c);
          const uint32_t last = last_pcpu(c);
          c.require(last > 0, "there is another pCPU");
          const uint64_t all = pools.info(0).pcpus;
          const auto machine = pcpus.physinfo();
          const auto place = pcpus.place(last);
          {
            const OfflinePcpu offline(c, pcpus, last);
            c.check_eq(pools.info(0).pcpus, all & ~(uint64_t{1} << last), "the pCPUs of pool 0");
            c.check_eq(pools.free_pcpus().pcpus, 0u, "free pCPUs");
            c.check_eq(pools.add(0, last), -XEN_ENODEV, "adding it to a pool");
            c.check_eq(pools.remove(0, last), -XEN_EINVAL, "taking it out of one");
            c.check_eq(pcpus.physinfo().nr_cpus, last, "pCPUs");
            c.check_eq(pcpus.physinfo().max_cpu_id, machine.max_cpu_id, "the highest number of one");
            c.check_eq(pcpus.place(last).core, XEN_INVALID_CORE_ID, "its core");
            c.check_eq(pcpus.place(last).socket, XEN_INVALID_SOCKET_ID, "its socket");
            c.check_eq(pcpus.place(last).node, place.node, "its node, which stays");
            c.check_eq(pcpus.idle_records(last), last + 1, "records of idle time");
          }
          c.check_eq(pools.info(0).pcpus, all, "the pCPUs of pool 0 then");
          c.check_eq(pcpus.physinfo().nr_cpus, machine.nr_cpus, "pCPUs then");
          c.check_eq(pcpus.place(last).core, place.core, "its core then");
          c.check_eq(pcpus.place(last).socket, place.socket, "its socket then");
          c.check_eq(pcpus.place(last).node, place.node, "its node then");
        },
}};

const Case kFree{{
    .slug = "sysctl.cpu_hotplug.of_no_pool.back_in_pool_0",
    .rule = "A pCPU that is in no pool goes offline, too, and is not free then; back online it is in pool 0.",
    .source = kSource,
    .requirements = {"SYSC-027"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          Pcpus pcpus(c);
          const uint32_t last = last_pcpu(c);
          const uint64_t all = pools.info(0).pcpus;
          c.require_eq(pools.remove(0, last), 0, "a free pCPU");
          {
            const OfflinePcpu offline(c, pcpus, last);
            c.check_eq(pools.free_pcpus().pcpus, 0u, "free pCPUs");
            c.check_eq(pools.info(0).pcpus, all & ~(uint64_t{1} << last), "the pCPUs of pool 0");
          }
          c.check_eq(pools.info(0).pcpus, all, "the pCPUs of pool 0 then");
          c.check_eq(pools.free_pcpus().pcpus, 0u, "free pCPUs then");
        },
}};

/// The hard affinity of a domain's vCPU 0.
class HardAffinity {
 public:
  HardAffinity(CaseContext& c, DomId domain)
      : c_(c), control_(c.dom0().vcpu(0)), map_(c.dom0().vcpu(0)), domain_(domain) {}
  void set(uint64_t map) { call(XEN_DOMCTL_setvcpuaffinity, map); }
  [[nodiscard]] uint64_t get() { return call(XEN_DOMCTL_getvcpuaffinity, 0); }

 private:
  uint64_t call(uint32_t command, uint64_t map) {
    xen_domctl_t request = DomctlOps::request(command, domain_);
    request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    request.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    set_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, map_.put(map));
    c_.require_eq(control_.call(request).result, 0, "the affinity");
    return map_.get<uint64_t>();
  }
  CaseContext& c_;
  DomctlOps control_;
  Scratch map_;
  DomId domain_;
};

const Case kPinned{{
    .slug = "sysctl.cpu_hotplug.offline_of_pinned_vcpu.runs_elsewhere",
    .rule =
        "A vCPU that may only run on a pCPU which goes offline may run on any other, and its timers fire; it still may "
        "when the pCPU is back.",
    .source = kSource,
    .requirements = {"SYSC-028"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          Pcpus pcpus(c);
          VcpuOps ops(c.vcpu());
          HardAffinity affinity(c, c.guest().id());
          const uint32_t last = last_pcpu(c);
          c.require(last > 0, "there is another pCPU");
          c.require_eq(ops.stop_periodic_timer(0), 0, "set-up: no ticks");
          TimerVirq timer(c);
          affinity.set(uint64_t{1} << last);
          DomctlOps control(c.dom0().vcpu(0));
          c.require(wait_until(c, [&] { return control.vcpu_info(c.guest().id(), 0).arg.u.getvcpuinfo.cpu == last; }),
                    "the guest is there");
          const uint64_t deadline = c.vcpu().time_ns() + 2 * kDelayNs;
          c.require_eq(ops.set_singleshot_timer(0, deadline), 0, "a timer, set on that pCPU");
          const uint64_t before_ns = c.vcpu().time_ns();
          {
            const OfflinePcpu offline(c, pcpus, last);
            const uint64_t left = pools.info(0).pcpus;
            c.check_eq(affinity.get() & left, left, "of the pCPUs that are left it may run on");
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), kPageSize, "it works");
            c.check_ne(control.vcpu_info(c.guest().id(), 0).arg.u.getvcpuinfo.cpu, last, "where it runs");
            c.check(c.vcpu().time_ns() >= before_ns, "its clock does not go back");
            c.check(timer.fires(), "its timer fires");
            check_passed(c, c.vcpu(), deadline, "not before the deadline");
          }
          const uint64_t all = pools.info(0).pcpus;
          c.check_eq(affinity.get() & all, all, "of all pCPUs it may run on");
          timer.clear();
          affinity.set(uint64_t{1} << last);
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), kPageSize,
                     "it works there again");
          c.require_eq(ops.set_singleshot_timer(0, c.vcpu().time_ns() + kDelayNs), 0, "a timer there");
          c.check(timer.fires(), "which fires");
        },
}};

}  // namespace
}  // namespace assay
