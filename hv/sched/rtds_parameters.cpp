/// XEN_DOMCTL_SCHEDOP_* for RTDS, and its audit.
#include "hv/sched/rtds.hpp"

namespace hv {

namespace {

RtdsVcpu& member(OrderedNode& node) {
  return static_cast<RtdsVcpu&>(static_cast<RtdsMember&>(node));
}

uint32_t microseconds(Ns time) {
  return static_cast<uint32_t>(time / kMicrosecond);
}

}  // namespace

/// For all vCPUs that the domain has, from their next periods on; extra time stays as it is. EINVAL: a period or a
/// budget of 0; the limits of single vCPUs are not checked, as in the real Xen.
Status Rtds::put_domain(PolicyDomain& domain, const xen_domctl_scheduler_op& op) {
  const xen_domctl_sched_rtds& wanted = op.u.rtds;
  if (wanted.period == 0 || wanted.budget == 0) return fail(XEN_EINVAL);
  const OrderedSet& vcpus = static_cast<RtdsDomain&>(domain).vcpus;
  for (OrderedNode* node = vcpus.first(); node != nullptr; node = OrderedSet::next(*node)) {
    member(*node).period = wanted.period * kMicrosecond;
    member(*node).budget = wanted.budget * kMicrosecond;
  }
  return kOk;
}

/// What a new vCPU has.
Status Rtds::get_domain(const PolicyDomain& /*domain*/, xen_domctl_scheduler_op& op) const {
  op.u.rtds = {microseconds(kRtdsDefaultPeriod), microseconds(kRtdsDefaultBudget), XEN_DOMCTL_SCHEDRT_extra};
  return kOk;
}

/// From its next period on; extra time at once. EINVAL: outside the limits, or a budget that is longer than its period.
Status Rtds::put_vcpu(Vcpu& vcpu, const xen_domctl_schedparam_vcpu_t& parameters) {
  const Ns period = parameters.u.rtds.period * kMicrosecond;
  const Ns budget = parameters.u.rtds.budget * kMicrosecond;
  if (period < kRtdsPeriodMin || budget < kRtdsBudgetMin || budget > period) return fail(XEN_EINVAL);
  RtdsVcpu& data = of(vcpu);
  data.period = period;
  data.budget = budget;
  data.extratime = (parameters.u.rtds.flags & XEN_DOMCTL_SCHEDRT_extra) != 0;
  return kOk;
}

Status Rtds::get_vcpu(const Vcpu& vcpu, xen_domctl_schedparam_vcpu_t& parameters) const {
  const RtdsVcpu& data = of(vcpu);
  parameters.u.rtds = {microseconds(data.period), microseconds(data.budget),
                       data.extratime ? XEN_DOMCTL_SCHEDRT_extra : 0};
  return kOk;
}

void Rtds::audit(AuditReport& report) const {
  for (const OrderedSet* queue : {&reserved_, &extra_}) {
    report.check(queue->consistent(), "a queue of RTDS is out of order");
    for (OrderedNode* node = queue->first(); node != nullptr; node = OrderedSet::next(*node)) {
      const auto& data = static_cast<const RtdsVcpu&>(static_cast<const RtdsReady&>(*node));
      report.check(data.queue == queue && data.waiting, "a vCPU is in a queue of RTDS and does not wait");
      report.check(!data.depleted() && (data.level == 0) == (queue == &reserved_),
                   "a vCPU is in the wrong queue of RTDS");
      report.check(data.replenishing, "a vCPU waits and will get no budget");
    }
  }
  report.check(replenishments_.consistent(), "the replenishment queue is out of order");
  for (OrderedNode* node = replenishments_.first(); node != nullptr; node = OrderedSet::next(*node)) {
    const auto& data = static_cast<const RtdsVcpu&>(static_cast<const RtdsReplenishment&>(*node));
    const bool runs = pcpus_[data.vcpu->pcpu].current == &data;
    report.check(data.waiting != runs, "a vCPU that sleeps is in the replenishment queue");
    report.check(static_cast<Ns>(node->key) == data.deadline, "a budget comes at another time than the deadline");
    report.check(runs || (data.queue == nullptr) == data.depleted(), "a vCPU with budget is in no queue of RTDS");
  }
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    const RtdsVcpu* current = pcpus_[pcpu].current;
    report.check(current == nullptr || current->replenishing, "a vCPU runs and will get no budget");
  }
  const Timer& timer = replenish_timer_.timer;
  const bool late = !replenishments_.empty() && timer.deadline > static_cast<Ns>(replenishments_.first()->key);
  report.check(!late, "the replenishment timer is late");
  report.check(timer.deadline == kNever || pcpus_[timer.pcpu].member, "a timer is on a pCPU of another pool");
}

}  // namespace hv
