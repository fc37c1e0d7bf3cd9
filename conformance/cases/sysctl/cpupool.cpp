/// CPU pools: who may be where, and what cannot be taken away.
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/pools.hpp"
#include "conformance/guest/scratch.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/sysctl.h, XEN_SYSCTL_cpupool_op and its error values";
constexpr uint32_t kAbsentPool = 4000;

const Case kNumbers{{
    .slug = "sysctl.cpupool.create.id_behind_the_last",
    .rule = "A pool without a wanted id gets the one behind the last; pools may have any id.",
    .source = kSource,
    .requirements = {"SYSC-017"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          const uint32_t scheduler = pools.info(0).scheduler;
          std::vector<uint32_t> made;
          const auto create = [&](uint32_t wanted, uint32_t expected) {
            const auto created = pools.create(wanted, scheduler);
            if (!c.check_eq(created.result, 0, "creating pool " + show(expected))) return;
            made.push_back(created.arg.u.cpupool_op.cpupool_id);
            c.check_eq(made.back(), expected, "its id");
          };
          create(XEN_SYSCTL_CPUPOOL_PAR_ANY, 1);
          create(7, 7);
          create(3, 3);
          create(XEN_SYSCTL_CPUPOOL_PAR_ANY, 8);
          c.check_eq(pools.info(4).id, 7u, "the next one from 4 on");
          for (const uint32_t pool : made) c.check_eq(pools.destroy(pool), 0, "destroying " + show(pool));
          c.check_eq(pools.info(1).result, -XEN_ENOENT, "they are gone");
        },
}};

const Case kPcpus{{
    .slug = "sysctl.cpupool.pcpus.any_and_errors",
    .rule =
        "A pool takes and gives up any pCPU when none is named; one that does not exist, or is not there, is refused.",
    .source = kSource,
    .requirements = {"SYSC-018"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          constexpr uint32_t kNoPcpu = 100'000;
          c.check_eq(pools.add(0, XEN_SYSCTL_CPUPOOL_PAR_ANY), -XEN_ENODEV, "none is free");
          c.check_eq(pools.add(0, kNoPcpu), -XEN_EINVAL, "adding one that does not exist");
          c.check_eq(pools.remove(0, kNoPcpu), -XEN_EINVAL, "removing one that does not exist");
          c.check_eq(pools.add(kAbsentPool, 0), -XEN_ENOENT, "adding to a pool that does not exist");
          c.check_eq(pools.remove(kAbsentPool, 0), -XEN_ENOENT, "removing from one");
          const PoolOfOne pool(c, pools);
          c.check_eq(pools.remove(0, pool.pcpu()), -XEN_EADDRNOTAVAIL, "one of another pool");
          c.check_eq(pools.remove(pool.id(), XEN_SYSCTL_CPUPOOL_PAR_ANY), 0, "any of the pool");
          c.check_eq(pools.free_pcpus().pcpus, uint64_t{1} << pool.pcpu(), "it is free");
          c.check_eq(pools.add(pool.id(), XEN_SYSCTL_CPUPOOL_PAR_ANY), 0, "any that is free");
          c.check_eq(pools.info(pool.id()).pcpus, uint64_t{1} << pool.pcpu(), "it is the pool's");
        },
}};

const Case kSchedulers{{
    .slug = "sysctl.cpupool.create.each_scheduler_or_enoent",
    .rule = "A pool has the scheduler that was asked for; one that the hypervisor does not have gives ENOENT.",
    .source = kSource,
    .requirements = {"SYSC-021"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          uint32_t made = 0;
          for (uint32_t scheduler = XEN_SCHEDULER_CREDIT; scheduler <= XEN_SCHEDULER_NULL; ++scheduler) {
            const auto created = pools.create(XEN_SYSCTL_CPUPOOL_PAR_ANY, scheduler);
            if (created.result == -XEN_ENOENT) continue;
            if (!c.check_eq(created.result, 0, "a pool of scheduler " + show(scheduler))) continue;
            ++made;
            const uint32_t pool = created.arg.u.cpupool_op.cpupool_id;
            c.check_eq(pools.info(pool).scheduler, scheduler, "its scheduler");
            c.check_eq(pools.destroy(pool), 0, "destroying it");
          }
          c.check(made > 0, "there is a scheduler");
        },
}};

const Case kCreate{{
    .slug = "sysctl.cpupool.create_refused.eexist_enoent",
    .rule = "A pool id in use gives EEXIST, a scheduler that is not there ENOENT; nothing is created.",
    .source = kSource,
    .requirements = {"SYSC-007"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          const uint32_t scheduler = pools.info(0).scheduler;
          c.check_eq(pools.create(0, scheduler).result, -XEN_EEXIST, "pool 0 again");
          c.check_eq(pools.create(kAbsentPool, 99).result, -XEN_ENOENT, "scheduler 99");
          c.check_eq(pools.info(1).result, -XEN_ENOENT, "there is no pool but pool 0");
          const auto created = pools.create(kAbsentPool, scheduler);
          c.check_eq(created.result, 0, "a free id");
          c.check_eq(created.arg.u.cpupool_op.cpupool_id, kAbsentPool, "the id that was asked for");
          const auto info = pools.info(kAbsentPool);
          c.check_eq(info.result, 0, "info");
          c.check_eq(info.domains, 0u, "domains of the new pool");
          c.check_eq(info.pcpus, 0u, "its pCPUs");
          c.check_eq(info.scheduler, scheduler, "its scheduler");
          c.check_eq(pools.destroy(kAbsentPool), 0, "destroying it");
          c.check_eq(pools.info(kAbsentPool).result, -XEN_ENOENT, "it is gone");
        },
}};

const Case kDestroy{{
    .slug = "sysctl.cpupool.destroy_in_use.ebusy",
    .rule = "A pool that has domains or pCPUs cannot be destroyed: EBUSY; one that does not exist gives ENOENT.",
    .source = kSource,
    .requirements = {"SYSC-008"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          c.check_eq(pools.destroy(0), -XEN_EBUSY, "pool 0");
          c.check_eq(pools.destroy(kAbsentPool), -XEN_ENOENT, "an absent pool");
          const PoolOfOne pool(c, pools);
          c.check_eq(pools.destroy(pool.id()), -XEN_EBUSY, "a pool with a pCPU");
          c.check_eq(pools.info(pool.id()).pcpus, uint64_t{1} << pool.pcpu(), "its pCPUs");
        },
}};

const Case kAdd{{
    .slug = "sysctl.cpupool.addcpu_refused.enodev_einval_enoent",
    .rule = "Adding a pCPU that is not free gives ENODEV, one out of range EINVAL, to an unknown pool ENOENT.",
    .source = kSource,
    .requirements = {"SYSC-009"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          const PoolOfOne pool(c, pools);
          c.check_eq(pools.add(pool.id(), 0), -XEN_ENODEV, "a pCPU of pool 0");
          c.check_eq(pools.add(pool.id(), pool.pcpu()), -XEN_ENODEV, "its own pCPU");
          c.check_eq(pools.add(pool.id(), 5000), -XEN_EINVAL, "a pCPU that cannot be");
          c.check_eq(pools.add(kAbsentPool, XEN_SYSCTL_CPUPOOL_PAR_ANY), -XEN_ENOENT,
                     "any free one, to an absent pool");
          c.check_eq(pools.add(pool.id(), XEN_SYSCTL_CPUPOOL_PAR_ANY), -XEN_ENODEV, "any free one, when none is free");
          c.check_eq(pools.remove(0, pool.pcpu()), -XEN_EADDRNOTAVAIL, "removing another pool's pCPU");
          c.check_eq(pools.remove(kAbsentPool, 0), -XEN_ENOENT, "removing from an absent pool");
          c.check_eq(pools.add(kAbsentPool, pool.pcpu()), -XEN_ENOENT, "adding to an absent pool");
          c.check_eq(pools.free_pcpus().pcpus, 0u, "free pCPUs");
        },
}};

const Case kLast{{
    .slug = "sysctl.cpupool.rmcpu_last_with_domain.ebusy",
    .rule = "The last pCPU of a pool that has domains cannot be removed: EBUSY.",
    .source = kSource,
    .requirements = {"SYSC-010"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          const DomId guest = c.guest().id();
          const PoolOfOne pool(c, pools);
          c.require_eq(pools.move(pool.id(), guest), 0, "moving the guest");
          c.check_eq(pools.info(pool.id()).domains, 1u, "domains of the pool");
          c.check_eq(pools.remove(pool.id(), pool.pcpu()), -XEN_EBUSY, "removing its last pCPU");
          c.check_eq(pools.destroy(pool.id()), -XEN_EBUSY, "destroying it");
          c.check_eq(pools.info(pool.id()).pcpus, uint64_t{1} << pool.pcpu(), "its pCPUs");
          c.check_eq(pools.move(0, guest), 0, "moving the guest back");
        },
}};

const Case kMove{{
    .slug = "sysctl.cpupool.movedomain.runs_in_new_pool",
    .rule = "Moving to a pool that is not there or has no pCPU gives ENOENT; moved, a domain runs in its pool alone.",
    .source = kSource,
    .requirements = {"SYSC-011"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          DomctlOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          const auto info = [&] { return control.domain_info(guest).arg.u.getdomaininfo; };
          c.check_eq(pools.move(kAbsentPool, guest), -XEN_ENOENT, "to an absent pool");
          const auto empty = pools.create(XEN_SYSCTL_CPUPOOL_PAR_ANY, pools.info(0).scheduler);
          c.require_eq(empty.result, 0, "a pool without pCPUs");
          c.check_eq(pools.move(empty.arg.u.cpupool_op.cpupool_id, guest), -XEN_ENOENT, "to a pool without pCPUs");
          c.check_eq(pools.destroy(empty.arg.u.cpupool_op.cpupool_id), 0, "destroying that pool");
          c.check_eq(info().cpupool, 0u, "the guest's pool");
          c.check_eq(pools.move(0, kDomAbsent), -XEN_ESRCH, "an absent domain");
          const PoolOfOne pool(c, pools);
          c.require_eq(pools.move(pool.id(), guest), 0, "moving the guest");
          c.check_eq(info().cpupool, pool.id(), "the guest's pool then");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), kPageSize, "the guest works");
          const auto vcpu = control.call(DomctlOps::request(XEN_DOMCTL_getvcpuinfo, guest));
          c.check_eq(vcpu.arg.u.getvcpuinfo.cpu, pool.pcpu(), "the pCPU it runs on");
          c.check_eq(pools.move(0, guest), 0, "moving the guest back");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), kPageSize, "it still works");
        },
}};

const Case kInfo{{
    .slug = "sysctl.cpupool.info.next_higher_or_enoent",
    .rule = "info answers for the pool asked for or the next higher one, with ENOENT behind the last.",
    .source = kSource,
    .requirements = {"SYSC-012"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          const uint32_t pcpus = last_pcpu(c) + 1;
          const auto zero = pools.info(0);
          c.require_eq(zero.result, 0, "pool 0");
          c.check_eq(zero.id, 0u, "its id");
          c.check_eq(zero.pcpus, pcpus >= 64 ? ~uint64_t{0} : (uint64_t{1} << pcpus) - 1, "its pCPUs");
          c.check(zero.domains >= 1, "it has dom0");
          c.check_eq(pools.info(1).result, -XEN_ENOENT, "behind the only one");
          c.require_eq(pools.create(kAbsentPool, zero.scheduler).result, 0, "another pool");
          c.check_eq(pools.info(1).id, kAbsentPool, "the next higher one");
          c.check_eq(pools.info(kAbsentPool + 1).result, -XEN_ENOENT, "behind the last");
          c.check_eq(pools.destroy(kAbsentPool), 0, "destroying it");
          c.check_eq(pools.free_pcpus().pcpus, 0u, "free pCPUs");
          c.check_eq(pools.raw(99), -XEN_ENOSYS, "an unknown operation");
        },
}};

const Case kScheduler{{
    .slug = "sysctl.scheduler_op.wrong_pool_or_scheduler.esrch_einval",
    .rule = "Parameters of an unknown pool give ESRCH, of another scheduler than the pool's EINVAL.",
    .source = "public/sysctl.h, XEN_SYSCTL_scheduler_op",
    .requirements = {"SYSC-013"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          SysctlOps control(c.dom0().vcpu(0));
          Pools pools(c);
          const uint32_t scheduler = pools.info(0).scheduler;
          const auto call = [&](uint32_t pool, uint32_t id, uint32_t command) {
            xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_scheduler_op);
            request.u.scheduler_op.cpupool_id = pool;
            request.u.scheduler_op.sched_id = id;
            request.u.scheduler_op.cmd = command;
            return control.call(request);
          };
          c.check_eq(call(kAbsentPool, scheduler, XEN_SYSCTL_SCHEDOP_getinfo).result, -XEN_ESRCH, "an absent pool");
          c.check_eq(call(0, 99, XEN_SYSCTL_SCHEDOP_getinfo).result, -XEN_EINVAL, "scheduler 99");
          const auto info = call(0, scheduler, XEN_SYSCTL_SCHEDOP_getinfo);
          c.check_eq(info.result, 0, "the pool's scheduler");
          c.check_eq(call(0, scheduler, 7).result, -XEN_EINVAL, "an unknown command");
        },
}};

const Case kOwnDomain{{
    .slug = "sysctl.cpupool.movedomain.own_domain.eperm",
    .rule = "A domain cannot move itself to a pool, not even to the one that it is in: EPERM.",
    .source = kSource,
    .requirements = {"SYSC-019"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          const PoolOfOne other(c, pools);
          c.check_eq(pools.move(other.id(), c.dom0().id()), -XEN_EPERM, "to another pool");
          c.check_eq(pools.move(0, c.dom0().id()), -XEN_EPERM, "to its own");
        },
}};

const Case kCreditRanges{{
    .slug = "sysctl.scheduler_op.credit.ranges.einval",
    .rule =
        "credit and credit2 take a ratelimit of 0 or in the header's range, credit a slice and a delay in theirs, and "
        "no ratelimit above the slice; putinfo answers with what is in effect, and EINVAL changes nothing.",
    .source = "public/sysctl.h, xen_sysctl_credit_schedule and XEN_SYSCTL_SCHED_RATELIMIT_MAX",
    .method = "Pools of both schedulers are made and not used.",
    .requirements = {"SYSC-020"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          SysctlOps control(c.dom0().vcpu(0));
          Pools pools(c);
          const auto op = [&](uint32_t pool, uint32_t id, uint32_t command, xen_sysctl_credit_schedule wanted) {
            xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_scheduler_op);
            request.u.scheduler_op.cpupool_id = pool;
            request.u.scheduler_op.sched_id = id;
            request.u.scheduler_op.cmd = command;
            if (id == XEN_SCHEDULER_CREDIT) {
              request.u.scheduler_op.u.sched_credit = wanted;
            } else {
              request.u.scheduler_op.u.sched_credit2.ratelimit_us = wanted.ratelimit_us;
            }
            return control.call(request);
          };
          for (const uint32_t id : {0u + XEN_SCHEDULER_CREDIT, 0u + XEN_SCHEDULER_CREDIT2}) {
            const auto made = pools.create(XEN_SYSCTL_CPUPOOL_PAR_ANY, id);
            c.require_eq(made.result, 0, "creating a pool");
            const uint32_t pool = made.arg.u.cpupool_op.cpupool_id;
            const auto put = [&](xen_sysctl_credit_schedule wanted) {
              return op(pool, id, XEN_SYSCTL_SCHEDOP_putinfo, wanted);
            };
            const auto limit = [&](const Called<xen_sysctl_t>& called) {
              const auto& u = called.arg.u.scheduler_op.u;
              return id == XEN_SCHEDULER_CREDIT ? u.sched_credit.ratelimit_us : u.sched_credit2.ratelimit_us;
            };
            const auto set = put({30, 2000, 0});
            c.check_eq(set.result, 0, "a ratelimit of 2000 us");
            c.check_eq(limit(set), 2000u, "what putinfo answers");
            c.check_eq(put({30, XEN_SYSCTL_SCHED_RATELIMIT_MIN - 1, 0}).result, -XEN_EINVAL, "a ratelimit too small");
            c.check_eq(put({1000, XEN_SYSCTL_SCHED_RATELIMIT_MAX + 1, 0}).result, -XEN_EINVAL, "one too great");
            if (id == XEN_SCHEDULER_CREDIT) {
              c.check_eq(put({0, 0, 0}).result, -XEN_EINVAL, "no slice");
              c.check_eq(put({XEN_SYSCTL_CSCHED_TSLICE_MAX + 1, 0, 0}).result, -XEN_EINVAL, "a slice too long");
              c.check_eq(put({1, 1001, 0}).result, -XEN_EINVAL, "a ratelimit above the slice");
              c.check_eq(put({30, 0, XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US + 1}).result, -XEN_EINVAL, "a delay too long");
            }
            c.check_eq(limit(op(pool, id, XEN_SYSCTL_SCHEDOP_getinfo, {})), 2000u, "the ratelimit then");
            c.check_eq(put({30, 0, 0}).result, 0, "no ratelimit");
            c.check_eq(pools.destroy(pool), 0, "destroying the pool");
          }
        },
}};

const Case kCpuInfo{{
    .slug = "sysctl.getcpuinfo.cut_to_room",
    .rule = "getcpuinfo fills as many records of idle time as there are pCPUs and as fit.",
    .source = "public/sysctl.h, XEN_SYSCTL_getcpuinfo",
    .requirements = {"SYSC-005"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          SysctlOps control(c.dom0().vcpu(0));
          Scratch list(c.dom0().vcpu(0));
          const uint32_t pcpus = last_pcpu(c) + 1;
          const auto ask = [&](uint32_t room) {
            for (uint32_t i = 0; i <= pcpus; ++i) list.put(kUntouched64, i * sizeof(uint64_t));
            xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_getcpuinfo);
            request.u.getcpuinfo.max_cpus = room;
            set_handle(request.u.getcpuinfo.info, list.va());
            return control.call(request);
          };
          const auto slot = [&](uint32_t i) { return list.get<uint64_t>(i * sizeof(uint64_t)); };
          const auto all = ask(pcpus + 1);
          c.check_eq(all.result, 0, "getcpuinfo with more room than pCPUs");
          c.check_eq(all.arg.u.getcpuinfo.nr_cpus, pcpus, "records");
          for (uint32_t i = 0; i < pcpus; ++i) c.check_ne(slot(i), kUntouched64, "record " + std::to_string(i));
          c.check_eq(slot(pcpus), kUntouched64, "behind the last");
          const auto one = ask(1);
          c.check_eq(one.result, 0, "getcpuinfo with room for one");
          c.check_eq(one.arg.u.getcpuinfo.nr_cpus, 1u, "records then");
          c.check_ne(slot(0), kUntouched64, "the record");
          c.check_eq(slot(1), kUntouched64, "behind it");
        },
}};

const Case kAffinityBroken{{
    .slug = "sysctl.cpupool.rmcpu_of_pinned_vcpu.runs_elsewhere",
    .rule = "A vCPU that may only run on a pCPU which leaves its pool may run on any of those that are left.",
    .source = kSource,
    .requirements = {"SYSC-007"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Pools pools(c);
          DomctlOps control(c.dom0().vcpu(0));
          Scratch maps(c.dom0().vcpu(0));
          const EmptyDomain domain(c, control);
          add_vcpus(c, control, domain.id());
          const uint32_t last = last_pcpu(c);
          c.require(last > 0, "there is another pCPU");
          const auto affinity = [&](uint32_t command, uint64_t map) {
            xen_domctl_t request = DomctlOps::request(command, domain.id());
            request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
            request.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
            set_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, maps.put(map));
            c.require_eq(control.call(request).result, 0, "the affinity");
            return maps.get<uint64_t>();
          };
          affinity(XEN_DOMCTL_setvcpuaffinity, uint64_t{1} << last);
          c.require_eq(pools.remove(0, last), 0, "taking the pCPU out of the pool");
          const uint64_t left = pools.info(0).pcpus;
          c.check_eq(affinity(XEN_DOMCTL_getvcpuaffinity, 0) & left, left, "of the pCPUs that are left it may run on");
          c.check_eq(pools.add(0, last), 0, "giving it back");
        },
}};

}  // namespace
}  // namespace assay
