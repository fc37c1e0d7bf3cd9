/// credit: the account, and what the toolstack sets and reads.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/credit.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

constexpr uint16_t kCapUnchanged = 0xffff;

}  // namespace

void Credit::charge(CreditVcpu& data, Ns now) {
  if (now <= data.charged_at) return;
  data.credit -= static_cast<int64_t>(now - data.charged_at);
  data.charged_at = now;
}

void Credit::activate(CreditVcpu& data) {
  CreditDomain& domain = domain_of(data);
  data.active = true;
  data.previous = nullptr;
  data.next = domain.first_active;
  if (data.next != nullptr) data.next->previous = &data;
  domain.first_active = &data;
  active_weight_ += domain.weight;
  if (++domain.active == 1) {
    domain.previous = nullptr;
    domain.next = first_active_;
    if (domain.next != nullptr) domain.next->previous = &domain;
    first_active_ = &domain;
  }
}

void Credit::deactivate(CreditVcpu& data) {
  CreditDomain& domain = domain_of(data);
  data.active = false;
  (data.previous == nullptr ? domain.first_active : data.previous->next) = data.next;
  if (data.next != nullptr) data.next->previous = data.previous;
  active_weight_ -= domain.weight;
  if (--domain.active != 0) return;
  (domain.previous == nullptr ? first_active_ : domain.previous->next) = domain.next;
  if (domain.next != nullptr) domain.next->previous = domain.previous;
}

void Credit::arm_account(Ns deadline) {
  uint32_t home = 0;
  while (home < machine_pcpus_ && !pcpus_[home].present) ++home;
  set_timer(account_timer_, home, home == machine_pcpus_ ? kNever : deadline);
}

void Credit::expect_account(Ns now) {
  // With somebody active and no deadline it has just gone off, and sets itself again.
  if (first_active_ != nullptr || queued_ == 0 || account_timer_.timer.deadline != kNever) return;
  arm_account(now + slice_);
}

void Credit::end_boost(PcpuState& state, Ns now) const {
  const bool has_run = state.current != nullptr && now - state.started >= tick();
  if (has_run && state.current->priority == CreditVcpu::kBoost) state.current->priority = CreditVcpu::kUnder;
}

void Credit::set_priority(CreditVcpu& data, CreditVcpu::Priority priority) {
  if (data.priority == priority) return;
  const bool queued = data.waiting && !data.parked;
  if (queued) dequeue(data);
  data.priority = priority;
  if (queued) enqueue(data);
}

void Credit::park_or_unpark(CreditVcpu& data) {
  const auto allowance = static_cast<int64_t>(slice_ * domain_of(data).cap / 100);
  const bool over = domain_of(data).cap != 0 && data.credit < (data.parked ? 0 : -allowance);
  if (over == data.parked) return;
  const bool waits = data.waiting;
  if (over && waits) dequeue(data);
  data.parked = over;
  if (over && data.running) ask(data.vcpu->pcpu);
  if (!over && waits) settle(data);
}

void Credit::account(CreditDomain& domain, int64_t share, Ns now) {
  const auto vcpus = static_cast<int64_t>(domain.active);
  if (domain.cap != 0) share = std::min(share, static_cast<int64_t>(slice_ * domain.cap / 100) / vcpus);
  for (CreditVcpu* data = domain.first_active; data != nullptr;) {
    CreditVcpu& vcpu = *data;
    data = data->next;
    if (vcpu.running) charge(vcpu, now);
    // What it owes is bounded too: nobody pays for ever for the time that a slow pCPU took.
    vcpu.credit = std::clamp(vcpu.credit + share, -3 * static_cast<int64_t>(slice_), static_cast<int64_t>(slice_));
    park_or_unpark(vcpu);
    set_priority(vcpu, vcpu.credit < 0 ? CreditVcpu::kOver : CreditVcpu::kUnder);
    // A slice saved up: it does not use its share, and others get it.
    if (vcpu.credit == static_cast<int64_t>(slice_) && !vcpu.running && !vcpu.waiting) {
      vcpu.credit /= 2;
      deactivate(vcpu);
    }
  }
}

void Credit::timer_fired(PolicyTimer& /*timer*/, Ns now) {
  const auto whole = static_cast<int64_t>(slice_) * pcpu_count_;
  const auto weight = static_cast<int64_t>(active_weight_);
  for (CreditDomain* domain = first_active_; domain != nullptr;) {
    CreditDomain* next = domain->next;
    account(*domain, whole * domain->weight / weight, now);
    domain = next;
  }
  // Whoever runs out of turn now makes room at once.
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    const PcpuState& state = pcpus_[pcpu];
    const CreditVcpu* first = of(state.queue.first());
    if (state.current != nullptr && first != nullptr && first->priority < state.current->priority) ask(pcpu);
  }
  if (first_active_ != nullptr) arm_account(now + slice_);
}

Status Credit::put_domain(PolicyDomain& domain, const xen_domctl_scheduler_op& op) {
  auto& data = static_cast<CreditDomain&>(domain);
  if (op.u.credit.weight != 0) {
    active_weight_ -= uint64_t{data.weight} * data.active;
    data.weight = op.u.credit.weight;
    active_weight_ += uint64_t{data.weight} * data.active;
  }
  if (op.u.credit.cap != kCapUnchanged) data.cap = op.u.credit.cap;
  return kOk;
}

Status Credit::get_domain(const PolicyDomain& domain, xen_domctl_scheduler_op& op) const {
  const auto& data = static_cast<const CreditDomain&>(domain);
  op.u.credit = {data.weight, data.cap};
  return kOk;
}

/// Answers with what is in effect, as getinfo. EINVAL: out of the header's ranges, or a ratelimit above the slice.
Status Credit::put_system(const SystemParameters& parameters) {
  const xen_sysctl_credit_schedule& wanted = parameters.op.u.sched_credit;
  const auto within = [](uint32_t value, uint32_t least, uint32_t most) { return value >= least && value <= most; };
  const bool slice = within(wanted.tslice_ms, XEN_SYSCTL_CSCHED_TSLICE_MIN, XEN_SYSCTL_CSCHED_TSLICE_MAX);
  const bool limit = wanted.ratelimit_us == 0 ||
                     within(wanted.ratelimit_us, XEN_SYSCTL_SCHED_RATELIMIT_MIN, XEN_SYSCTL_SCHED_RATELIMIT_MAX);
  if (!slice || !limit || wanted.vcpu_migr_delay_us > XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US) return fail(XEN_EINVAL);
  if (uint64_t{wanted.ratelimit_us} > uint64_t{wanted.tslice_ms} * 1000) return fail(XEN_EINVAL);
  slice_ = Ns{wanted.tslice_ms} * kMillisecond;
  ratelimit_ = Ns{wanted.ratelimit_us} * 1000;
  migration_delay_ = Ns{wanted.vcpu_migr_delay_us} * 1000;
  return get_system(parameters);
}

Status Credit::get_system(const SystemParameters& parameters) const {
  parameters.op.u.sched_credit = {static_cast<uint32_t>(slice_ / kMillisecond),
                                  static_cast<uint32_t>(ratelimit_ / 1000),
                                  static_cast<uint32_t>(migration_delay_ / 1000)};
  return kOk;
}

void Credit::audit(AuditReport& report) const {
  uint32_t queued = 0;
  uint64_t weight = 0;
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    const PcpuState& state = pcpus_[pcpu];
    queued += state.queue.size();
    report.check(state.queue.consistent(), "a run queue is not in order");
    report.check(state.present || (state.queue.empty() && state.current == nullptr), "a pCPU that has left is in use");
    const Vcpu* current = sched_unit_on(pcpu);
    const bool known = state.current == (current == nullptr ? nullptr : &of(*current));
    report.check(!state.present || known, "a policy is wrong about who runs");
    for (OrderedNode* node = state.queue.first(); node != nullptr; node = OrderedSet::next(*node)) {
      const CreditVcpu& data = *of(node);
      report.check(data.waiting && !data.parked && data.key == data.priority, "a vCPU in a run queue does not wait");
      report.check(data.vcpu->pcpu == pcpu, "a vCPU in another pCPU's run queue");
    }
  }
  for (const CreditDomain* domain = first_active_; domain != nullptr; domain = domain->next) {
    weight += uint64_t{domain->weight} * domain->active;
  }
  report.check(queued == queued_, "a count of queued vCPUs is wrong");
  report.check(weight == active_weight_, "the weight of active vCPUs is wrong");
  const Timer& timer = account_timer_.timer;
  report.check(first_active_ == nullptr || pcpu_count_ == 0 || timer.deadline != kNever, "no account is to come");
  report.check(timer.deadline == kNever || pcpus_[timer.pcpu].present, "a timer on a pCPU that is not the pool's");
}

}  // namespace hv
