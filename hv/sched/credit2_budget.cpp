/// credit2: caps. A capped domain has a budget for each period, of which its vCPUs take parts to run on.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/credit2.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

constexpr auto kPartMin = static_cast<int64_t>(kMillisecond / 2);

int64_t whole_budget(const Credit2Domain& domain) {
  return static_cast<int64_t>(kCredit2Period * domain.cap / 100);
}

int64_t part_of_budget(const Credit2Domain& domain) {
  return std::max(whole_budget(domain) / std::max<int64_t>(domain.vcpus, 1), kPartMin);
}

}  // namespace

// A period's budget is not saved for the next one; what was overrun is owed.
void Credit2::refill(Credit2Domain& domain, Ns now) {
  if (now < domain.refill_at) return;
  const auto periods = static_cast<int64_t>((now - domain.refill_at) / kCredit2Period) + 1;
  domain.refill_at += static_cast<Ns>(periods) * kCredit2Period;
  domain.budget = std::min(domain.budget + periods * whole_budget(domain), whole_budget(domain));
}

bool Credit2::has_budget(const Credit2Vcpu& data, Ns now) {
  Credit2Domain& domain = domain_of(data);
  if (domain.cap == 0) return true;
  refill(domain, now);
  return data.budget > 0 || domain.budget + data.budget > 0;
}

void Credit2::take_budget(Credit2Vcpu& data) {
  Credit2Domain& domain = domain_of(data);
  if (domain.cap == 0 || data.budget > 0) return;
  domain.budget += data.budget;  // what it has overrun
  data.budget = std::min(part_of_budget(domain), domain.budget);
  domain.budget -= data.budget;
}

void Credit2::return_budget(Credit2Vcpu& data, Ns now) {
  Credit2Domain& domain = domain_of(data);
  if (domain.cap == 0) return;
  domain.budget += data.budget;
  data.budget = 0;
  unpark_some(domain, now);
}

void Credit2::park(Credit2Vcpu& data) {
  Credit2Domain& domain = domain_of(data);
  data.parked = true;
  data.key = 0;
  domain.parked.insert(data);
  if (domain.parked.size() != 1) return;
  domain.key = static_cast<int64_t>(domain.refill_at);
  refills_.insert(domain);
}

void Credit2::unpark(Credit2Vcpu& data) {
  Credit2Domain& domain = domain_of(data);
  data.parked = false;
  domain.parked.remove(data);
  if (domain.parked.empty()) refills_.remove(domain);
}

void Credit2::unpark_some(Credit2Domain& domain, Ns now) {
  if (domain.parked.empty()) return;
  refill(domain, now);
  for (int64_t left = domain.budget; !domain.parked.empty() && (left > 0 || domain.cap == 0);) {
    Credit2Vcpu& data = *of(domain.parked.first());
    left -= part_of_budget(domain);
    unpark(data);
    settle(data, now);
  }
  if (domain.parked.empty() || domain.key == static_cast<int64_t>(domain.refill_at)) return;
  refills_.remove(domain);
  domain.key = static_cast<int64_t>(domain.refill_at);
  refills_.insert(domain);
}

void Credit2::arm_refill() {
  uint32_t home = 0;
  while (home < machine_pcpus_ && pcpus_[home].queue == nullptr) ++home;
  const OrderedNode* first = refills_.first();
  const Ns deadline = first == nullptr || home == machine_pcpus_ ? kNever : static_cast<Ns>(first->key);
  if (refill_timer_.timer.deadline == deadline && refill_timer_.timer.pcpu == home) return;
  set_timer(refill_timer_, home, deadline);
}

void Credit2::timer_fired(PolicyTimer& /*timer*/, Ns now) {
  OrderedNode* first = refills_.first();
  while (first != nullptr && static_cast<Ns>(first->key) <= now) {
    unpark_some(*static_cast<Credit2Domain*>(first), now);
    first = refills_.first();
  }
  arm_refill();
}

void Credit2::set_cap(Credit2Domain& domain, uint16_t cap, Ns now) {
  if (domain.cap == cap) return;
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    Credit2Vcpu* current = pcpus_[pcpu].current;
    if (current == nullptr || current->domain != &domain) continue;
    current->budget = 0;  // it has to take some of the new one
    ask(pcpu);
  }
  domain.cap = cap;
  domain.budget = whole_budget(domain);
  domain.refill_at = now + kCredit2Period;
  unpark_some(domain, now);
  arm_refill();
}

}  // namespace hv
