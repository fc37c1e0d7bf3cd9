/// credit2: how credit is burned and given.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/credit2.hpp"

namespace hv {

namespace {

constexpr uint64_t kReferenceWeight = 256;  ///< burns one credit a nanosecond
constexpr auto kEpochCredit = static_cast<int64_t>(kCredit2Epoch);
/// What can be carried over into an epoch, so that nobody saves credit up.
constexpr auto kCarriedMax = static_cast<int64_t>(kMillisecond / 2);
constexpr Ns kSliceMin = kMillisecond / 2;
constexpr Ns kSliceMax = 10 * kMillisecond;

}  // namespace

// Epochs add to everybody, and what is carried over is bounded. So the order of credits never changes by an epoch, and
// it is enough to bound them when they are read.
int64_t Credit2::credit(const Credit2Vcpu& data) {
  return std::min(data.level + data.queue->base, kEpochCredit + kCarriedMax);
}

void Credit2::set_credit(Credit2Vcpu& data, int64_t credit) {
  data.level = credit - data.queue->base;
}

void Credit2::charge(Credit2Vcpu& data, Ns now) {
  if (now <= data.charged_at) return;
  const Ns ran = now - data.charged_at;
  data.charged_at = now;
  const uint64_t weighted = ran * kReferenceWeight + data.residue;
  const uint16_t weight = domain_of(data).weight;
  data.residue = weighted % weight;
  set_credit(data, credit(data) - static_cast<int64_t>(weighted / weight));
  if (domain_of(data).cap != 0) data.budget -= static_cast<int64_t>(ran);
}

void Credit2::charge_running(const Credit2Queue& queue, Ns now) {
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    Credit2Vcpu* current = pcpus_[pcpu].current;
    if (pcpus_[pcpu].queue != &queue || current == nullptr) continue;
    if (fault("sched.credit2_epoch_forgives_running")) current->charged_at = now;
    charge(*current, now);
  }
}

// An epoch for all would take from others, who wait for other pCPUs, what they are ahead of each other.
void Credit2::renew_alone(Credit2Vcpu& data) {
  const int64_t has = credit(data);
  if (has <= 0) set_credit(data, has % kEpochCredit + kEpochCredit);
}

void Credit2::end_lone_runs(const Credit2Queue& queue, Ns now) {
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    Credit2Vcpu* current = pcpus_[pcpu].current;
    if (pcpus_[pcpu].queue != &queue || current == nullptr || pcpus_[pcpu].until != kNever) continue;
    charge(*current, now);
    renew_alone(*current);
  }
}

void Credit2::end_epoch(Credit2Queue& queue, const Credit2Vcpu& next, Ns now) {
  charge_running(queue, now);
  queue.base += (-credit(next) / kEpochCredit + 1) * kEpochCredit;
}

Ns Credit2::slice(const Credit2Vcpu& data, const Credit2Vcpu& rival) const {
  const int64_t ahead = std::max<int64_t>(credit(data) - credit(rival), 0);
  const Ns time = static_cast<uint64_t>(ahead) * domain_of(data).weight / kReferenceWeight;
  return std::max(std::clamp(time, kSliceMin, kSliceMax), ratelimit_);
}

}  // namespace hv
