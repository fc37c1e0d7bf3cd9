/// XEN_DOMCTL_scheduler_op: parameters of single vCPUs, which RTDS has.
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/pools.hpp"
#include "conformance/guest/scratch.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/domctl.h, XEN_DOMCTL_scheduler_op and xen_domctl_sched_rtds";
constexpr uint32_t kPeriod = 10'000;  ///< microseconds, of a new vCPU
constexpr uint32_t kBudget = 4'000;
constexpr uint32_t kExtra = XEN_DOMCTL_SCHEDRT_extra;

/// A domain of two vCPUs that never run, in a pool of RTDS.
class Scheduled {
 public:
  explicit Scheduled(CaseContext& c)
      : pools_(c),
        pool_(c, pools_, XEN_SCHEDULER_RTDS),
        control_(c.dom0().vcpu(0)),
        domain_(c, control_, request(pool_.id())),
        list_(c.dom0().vcpu(0)) {
    add_vcpus(c, control_, domain_.id(), kVcpus);
  }

  struct Answer {
    int64_t result;
    xen_domctl_sched_rtds rtds;
  };
  Answer put_domain(xen_domctl_sched_rtds rtds) { return of_domain(XEN_DOMCTL_SCHEDOP_putinfo, rtds); }
  Answer get_domain() { return of_domain(XEN_DOMCTL_SCHEDOP_getinfo, {}); }
  Answer put_vcpu(uint32_t vcpu, xen_domctl_sched_rtds rtds) {
    return of_vcpu(XEN_DOMCTL_SCHEDOP_putvcpuinfo, vcpu, rtds);
  }
  Answer get_vcpu(uint32_t vcpu) { return of_vcpu(XEN_DOMCTL_SCHEDOP_getvcpuinfo, vcpu, {}); }

  /// Several elements, as they are in `list` and as the call leaves them there. How many were done is the second.
  std::pair<int64_t, uint32_t> vcpus(uint32_t command, std::vector<xen_domctl_schedparam_vcpu_t>& list) {
    for (size_t i = 0; i < list.size(); ++i) list_.put(list[i], i * sizeof list[i]);
    const auto called = raw(command, list_.va(), static_cast<uint32_t>(list.size()));
    for (size_t i = 0; i < list.size(); ++i) list[i] = list_.get<xen_domctl_schedparam_vcpu_t>(i * sizeof list[i]);
    return {called.result, called.arg.u.scheduler_op.u.v.nr_vcpus};
  }
  Called<xen_domctl_t> raw(uint32_t command, Gva list, uint32_t count) {
    xen_domctl_t call = command_of(command);
    set_handle(call.u.scheduler_op.u.v.vcpus, list);
    call.u.scheduler_op.u.v.nr_vcpus = count;
    return control_.call(call);
  }

  static constexpr uint32_t kVcpus = 2;

 private:
  static xen_domctl_t request(uint32_t pool) {
    xen_domctl_t out = empty_domain();
    out.u.createdomain.cpupool_id = pool;
    out.u.createdomain.max_vcpus = kVcpus;
    return out;
  }
  xen_domctl_t command_of(uint32_t command) {
    xen_domctl_t call = DomctlOps::request(XEN_DOMCTL_scheduler_op, domain_.id());
    call.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
    call.u.scheduler_op.cmd = command;
    return call;
  }
  Answer of_domain(uint32_t command, xen_domctl_sched_rtds rtds) {
    xen_domctl_t call = command_of(command);
    call.u.scheduler_op.u.rtds = rtds;
    const auto called = control_.call(call);
    return {called.result, called.arg.u.scheduler_op.u.rtds};
  }
  Answer of_vcpu(uint32_t command, uint32_t vcpu, xen_domctl_sched_rtds rtds) {
    std::vector<xen_domctl_schedparam_vcpu_t> list(1);
    list[0].vcpuid = vcpu;
    list[0].u.rtds = rtds;
    const int64_t result = vcpus(command, list).first;
    return {result, list[0].u.rtds};
  }

  Pools pools_;
  PoolOfOne pool_;
  DomctlOps control_;
  EmptyDomain domain_;
  Scratch list_;
};

void check_rtds(CaseContext& c, const Scheduled::Answer& answer, uint32_t period, uint32_t budget, uint32_t flags,
                std::string_view what) {
  c.check_eq(answer.result, 0, what);
  c.check_eq(answer.rtds.period, period, std::string(what) + ": period");
  c.check_eq(answer.rtds.budget, budget, std::string(what) + ": budget");
  c.check_eq(answer.rtds.flags, flags, std::string(what) + ": flags");
}

const Case kEach{{
    .slug = "domctl.scheduler_op.rtds.vcpus_have_their_own",
    .rule = "RTDS gives a new vCPU 4 ms of 10 ms and extra time; each one can be given its own.",
    .source = kSource,
    .requirements = {"DOM-SCHED-010"},
    .guests = GuestTypes::kDom0,
    .needs = {Capability::kRtds},
    .body =
        [](CaseContext& c) {
          Scheduled domain(c);
          check_rtds(c, domain.get_vcpu(0), kPeriod, kBudget, kExtra, "a new vCPU");
          c.check_eq(domain.put_vcpu(1, {20'000, 7'000, 0}).result, 0, "parameters of vCPU 1");
          check_rtds(c, domain.get_vcpu(0), kPeriod, kBudget, kExtra, "vCPU 0 then");
          check_rtds(c, domain.get_vcpu(1), 20'000, 7'000, 0, "vCPU 1 then");
        },
}};

const Case kSeveral{{
    .slug = "domctl.scheduler_op.rtds.several_in_one_call",
    .rule = "One call takes several vCPUs in the order of the array, and says how many it has done.",
    .source = kSource,
    .requirements = {"DOM-SCHED-010"},
    .guests = GuestTypes::kDom0,
    .needs = {Capability::kRtds},
    .body =
        [](CaseContext& c) {
          Scheduled domain(c);
          std::vector<xen_domctl_schedparam_vcpu_t> list(2);
          list[0].vcpuid = 1;
          list[0].u.rtds = {30'000, 3'000, kExtra};
          list[1].vcpuid = 0;
          list[1].u.rtds = {50'000, 5'000, 0};
          const auto [put, put_count] = domain.vcpus(XEN_DOMCTL_SCHEDOP_putvcpuinfo, list);
          c.check_eq(put, 0, "putvcpuinfo");
          c.check_eq(put_count, 2u, "elements done");
          list[0].u.rtds = list[1].u.rtds = {};
          const auto [got, got_count] = domain.vcpus(XEN_DOMCTL_SCHEDOP_getvcpuinfo, list);
          c.check_eq(got_count, 2u, "elements read");
          check_rtds(c, {got, list[0].u.rtds}, 30'000, 3'000, kExtra, "vCPU 1");
          check_rtds(c, {got, list[1].u.rtds}, 50'000, 5'000, 0, "vCPU 0");
        },
}};

const Case kLimits{{
    .slug = "domctl.scheduler_op.rtds.vcpu_limits.einval",
    .rule = "Period and budget are at least 10 microseconds, and a budget is no longer than its period.",
    .source = kSource,
    .requirements = {"DOM-SCHED-011"},
    .guests = GuestTypes::kDom0,
    .needs = {Capability::kRtds},
    .body =
        [](CaseContext& c) {
          Scheduled domain(c);
          c.check_eq(domain.put_vcpu(0, {9, 9, 0}).result, -XEN_EINVAL, "a period of 9");
          c.check_eq(domain.put_vcpu(0, {100, 9, 0}).result, -XEN_EINVAL, "a budget of 9");
          c.check_eq(domain.put_vcpu(0, {100, 101, 0}).result, -XEN_EINVAL, "a budget above the period");
          c.check_eq(domain.put_vcpu(0, {0, 0, 0}).result, -XEN_EINVAL, "nothing");
          check_rtds(c, domain.get_vcpu(0), kPeriod, kBudget, kExtra, "nothing has changed");
          c.check_eq(domain.put_vcpu(0, {10, 10, 0}).result, 0, "the least of both");
          c.check_eq(domain.put_vcpu(0, {~0u, ~0u, 0}).result, 0, "the most");
          check_rtds(c, domain.get_vcpu(0), ~0u, ~0u, 0, "the most, read");
        },
}};

const Case kWrongVcpu{{
    .slug = "domctl.scheduler_op.rtds.absent_vcpu_or_bad_list.einval_efault",
    .rule = "A vCPU that is not there gives EINVAL, a list that cannot be read EFAULT; those before it are done.",
    .source = kSource,
    .requirements = {"DOM-SCHED-012"},
    .guests = GuestTypes::kDom0,
    .needs = {Capability::kRtds},
    .body =
        [](CaseContext& c) {
          Scheduled domain(c);
          c.check_eq(domain.get_vcpu(Scheduled::kVcpus).result, -XEN_EINVAL, "getvcpuinfo of one behind the last");
          c.check_eq(domain.put_vcpu(~0u, {100, 50, 0}).result, -XEN_EINVAL, "putvcpuinfo of the last number");
          std::vector<xen_domctl_schedparam_vcpu_t> list(2);
          list[0].u.rtds = {100, 50, 0};
          list[1].vcpuid = Scheduled::kVcpus;
          list[1].u.rtds = {100, 50, 0};
          c.check_eq(domain.vcpus(XEN_DOMCTL_SCHEDOP_putvcpuinfo, list).first, -XEN_EINVAL, "one that is not there");
          check_rtds(c, domain.get_vcpu(0), 100, 50, 0, "the one before it");
          const Gva nowhere = bad_pointer(GuestType::kPv64);
          c.check_eq(domain.raw(XEN_DOMCTL_SCHEDOP_getvcpuinfo, nowhere, 1).result, -XEN_EFAULT, "getvcpuinfo, EFAULT");
          c.check_eq(domain.raw(XEN_DOMCTL_SCHEDOP_putvcpuinfo, nowhere, 1).result, -XEN_EFAULT, "putvcpuinfo, EFAULT");
          c.check_eq(domain.raw(XEN_DOMCTL_SCHEDOP_putvcpuinfo, nowhere, 0).result, 0, "an empty list");
        },
}};

const Case kDomain{{
    .slug = "domctl.scheduler_op.rtds.putinfo_for_all_vcpus",
    .rule = "putinfo sets period and budget of all vCPUs, getinfo answers with the defaults; 0 is refused.",
    .source = kSource,
    .requirements = {"DOM-SCHED-013"},
    .guests = GuestTypes::kDom0,
    .needs = {Capability::kRtds},
    .body =
        [](CaseContext& c) {
          Scheduled domain(c);
          c.check_eq(domain.put_vcpu(1, {20'000, 7'000, 0}).result, 0, "parameters of vCPU 1");
          c.check_eq(domain.put_domain({40'000, 8'000, 0}).result, 0, "parameters of the domain");
          check_rtds(c, domain.get_vcpu(0), 40'000, 8'000, kExtra, "vCPU 0");
          check_rtds(c, domain.get_vcpu(1), 40'000, 8'000, 0, "vCPU 1");
          c.check_eq(domain.put_domain({0, 8'000, 0}).result, -XEN_EINVAL, "a period of 0");
          c.check_eq(domain.put_domain({40'000, 0, 0}).result, -XEN_EINVAL, "a budget of 0");
          check_rtds(c, domain.get_vcpu(0), 40'000, 8'000, kExtra, "vCPU 0 afterwards");
          const auto defaults = domain.get_domain();
          c.check_eq(defaults.result, 0, "getinfo");
          c.check_eq(defaults.rtds.period, kPeriod, "the default period");
          c.check_eq(defaults.rtds.budget, kBudget, "the default budget");
        },
}};

}  // namespace
}  // namespace assay
