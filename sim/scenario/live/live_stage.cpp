#include "sim/scenario/live/live_stage.hpp"

#include <algorithm>

#include "sim/scenario/refusal.hpp"

namespace assay::scenario {
namespace {

constexpr uint32_t kFirstPool = 0;

template <typename Do>
void for_each(const PcpuSet& pcpus, const Do& action) {
  for (uint32_t pcpu = pcpus.at_or_above(0); pcpu != PcpuSet::kNone; pcpu = pcpus.at_or_above(pcpu + 1)) action(pcpu);
}

}  // namespace

LiveStage::LiveStage(const Scenario& scenario, const TargetPcpus& pcpus, Target& target,
                     const toolstack::Privileged& dom0)
    : scenario_(scenario), pcpus_(pcpus), target_(target), scheduler_(dom0) {}

PcpuSet LiveStage::on_target(const PcpuSet& pcpus) const {
  PcpuSet moved;
  for_each(pcpus, [&](uint32_t number) { moved.add(pcpu(number)); });
  return moved;
}

std::optional<PcpuSet> LiveStage::on_target(const std::optional<PcpuSet>& pcpus) const {
  if (!pcpus) return std::nullopt;
  return on_target(*pcpus);
}

void LiveStage::build() {
  build_domains();
  make_pools();
  for (size_t i = 0; i < places_.size(); ++i) {
    const DomainSpec& domain = scenario_.domains[i];
    as_asked(domain.where, "domain " + domain.name, [&] { set_parameters(i); });
  }
}

// One after the other, so that each has a pCPU while its agent begins.
void LiveStage::build_domains() {
  for (const DomainSpec& spec : scenario_.domains) {
    const auto vcpus = static_cast<uint32_t>(spec.vcpus.size());
    places_.push_back({&target_.create_guest({.vcpus = vcpus, .vcpus_online = vcpus}), spec.pool});
    scheduler_.pause(places_.back().guest->id());
  }
}

void LiveStage::make_pools() {
  for (size_t i = 0; i < places_.size(); ++i) let_go(i);
  for (uint32_t number = 0; number < scenario_.pcpus; ++number) {
    scheduler_.remove_pcpu(kFirstPool, pcpu(number));
    taken_.add(pcpu(number));
  }
  for (const Pool& pool : scenario_.pools) as_asked(pool.where, "pool " + pool.name, [&] { make_pool(pool); });
}

void LiveStage::make_pool(const Pool& pool) {
  const bool is_usual = pool.scheduler.kind == SchedulerKind::kAny;
  const uint32_t kind = is_usual ? scheduler_.scheduler_of_pool(kFirstPool) : abi_scheduler(pool.scheduler.kind);
  pools_.push_back({scheduler_.create_pool(kind), kind, {}});
  for_each(pool.pcpus, [&](uint32_t number) {
    scheduler_.add_pcpu(pools_.back().id, pcpu(number));
    pools_.back().pcpus.add(number);
  });
  scheduler_.set_parameters(pools_.back().id, pool.scheduler);
  if (!pool.scheduler.slots.empty()) scheduler_.set_slots(pools_.back().id, pool.scheduler);
}

void LiveStage::set_affinity_of_all(size_t domain, const std::optional<PcpuSet>& hard,
                                    const std::optional<PcpuSet>& soft) {
  for (uint32_t vcpu = 0; vcpu < scenario_.domains[domain].vcpus.size(); ++vcpu) {
    scheduler_.set_affinity(id_of(domain), vcpu, on_target(hard), on_target(soft));
  }
}

/// No affinity any more.
void LiveStage::let_go(size_t domain) {
  PcpuSet everywhere;
  for (uint32_t pcpu = 0; pcpu < pcpus_.first + pcpus_.count; ++pcpu) everywhere.add(pcpu);
  for (uint32_t vcpu = 0; vcpu < scenario_.domains[domain].vcpus.size(); ++vcpu) {
    scheduler_.set_affinity(id_of(domain), vcpu, everywhere, std::nullopt);
  }
}

void LiveStage::set_parameters(size_t domain) {
  const DomainSpec& spec = scenario_.domains[domain];
  const LivePool& pool = pools_[places_[domain].pool];
  const DomId id = id_of(domain);
  if (pool.scheduler == XEN_SCHEDULER_ARINC653) scheduler_.name_domain(id, domain + 1);
  scheduler_.move_domain(id, pool.id);
  if (spec.hard || spec.soft) set_affinity_of_all(domain, spec.hard, spec.soft);
  if (spec.weight || spec.cap) scheduler_.set_share(id, pool.scheduler, spec.weight, spec.cap);
  if (spec.budget_ns) scheduler_.set_budget(id, pool.scheduler, spec);
}

void LiveStage::set_share(size_t domain, std::optional<uint32_t> weight, std::optional<uint32_t> cap) {
  const size_t pool = places_[domain].pool;
  const uint32_t scheduler = pools_[pool].scheduler;
  // The file itself has moved it to a pool whose scheduler has no shares.
  const bool has_none = scenario_.pools[pool].scheduler.kind != SchedulerKind::kAny && !knows_shares(scheduler);
  if (!has_none) scheduler_.set_share(id_of(domain), scheduler, weight, cap);
}

void LiveStage::begin() {
  for (size_t i = 0; i < places_.size(); ++i) unpause(i);
}

void LiveStage::pause(size_t domain) {
  if (places_[domain].pauses == SchedulerControl::kPausesMax) return;
  scheduler_.pause(id_of(domain));
  ++places_[domain].pauses;
}

void LiveStage::unpause(size_t domain) {
  if (places_[domain].pauses == 0) return;
  --places_[domain].pauses;
  scheduler_.unpause(id_of(domain));
}

void LiveStage::move(size_t domain, size_t pool) {
  if (places_[domain].pool == pool || pools_[pool].pcpus.empty()) return;
  scheduler_.move_domain(id_of(domain), pools_[pool].id);
  places_[domain].pool = pool;
  // Nobody asks for an affinity in another pool.
  let_go(domain);
}

void LiveStage::change_pool(const Action& action) {
  LivePool& pool = pools_[action.pool];
  if (action.kind == Action::Kind::kPcpuAdd) {
    if (pool_of(action.value) || offline_.contains(action.value)) return;
    scheduler_.add_pcpu(pool.id, pcpu(action.value));
    pool.pcpus.add(action.value);
  } else if (pool.pcpus.has(action.value) && pool.pcpus.count() > 1) {
    scheduler_.remove_pcpu(pool.id, pcpu(action.value));
    pool.pcpus.remove(action.value);
  }
}

std::optional<size_t> LiveStage::pool_of(uint32_t pcpu) const {
  for (size_t i = 0; i < pools_.size(); ++i) {
    if (pools_[i].pcpus.has(pcpu)) return i;
  }
  return std::nullopt;
}

void LiveStage::take_offline(uint32_t number) {
  const std::optional<size_t> pool = pool_of(number);
  if (offline_.contains(number) || (pool && pools_[*pool].pcpus.count() == 1)) return;
  if (pool) {
    scheduler_.remove_pcpu(pools_[*pool].id, pcpu(number));
    pools_[*pool].pcpus.remove(number);
  }
  scheduler_.take_offline(pcpu(number));
  offline_[number] = pool;
}

void LiveStage::bring_online(uint32_t number) {
  const auto found = offline_.find(number);
  if (found == offline_.end()) return;
  const std::optional<size_t> pool = found->second;
  offline_.erase(found);
  scheduler_.bring_online(pcpu(number));
  scheduler_.remove_pcpu(kFirstPool, pcpu(number));
  if (!pool) return;
  scheduler_.add_pcpu(pools_[*pool].id, pcpu(number));
  pools_[*pool].pcpus.add(number);
}

void LiveStage::perform(const Action& action) {
  as_asked(action.where, action.words, [&] { carry_out(action); });
}

void LiveStage::carry_out(const Action& action) {
  using What = Action::Kind;
  if (action.kind == What::kPcpuAdd || action.kind == What::kPcpuRemove) return change_pool(action);
  if (action.kind == What::kOffline) return take_offline(action.value);
  if (action.kind == What::kOnline) return bring_online(action.value);
  for (const size_t domain : action.domains) {
    if (action.kind == What::kPause) pause(domain);
    if (action.kind == What::kUnpause) unpause(domain);
    if (action.kind == What::kWeight) set_share(domain, action.value, std::nullopt);
    if (action.kind == What::kCap) set_share(domain, std::nullopt, action.value);
    if (action.kind == What::kMove) move(domain, action.pool);
    if (action.kind != What::kAffinity) continue;
    // A mask without a pCPU of the pool is refused, and nothing changes.
    if (action.hard && (*action.hard & pools_[places_[domain].pool].pcpus).empty()) continue;
    if (!action.vcpu) {
      set_affinity_of_all(domain, action.hard, action.soft);
    } else {
      scheduler_.set_affinity(id_of(domain), *action.vcpu, on_target(action.hard), on_target(action.soft));
    }
  }
}

void LiveStage::undo() {
  while (!offline_.empty()) bring_online(offline_.begin()->first);
  for (const Place& place : places_) target_.destroy_guest(*place.guest);
  places_.clear();
  for (const LivePool& pool : pools_) {
    for_each(pool.pcpus, [&](uint32_t number) { scheduler_.remove_pcpu(pool.id, pcpu(number)); });
    scheduler_.destroy_pool(pool.id);
  }
  pools_.clear();
  for_each(taken_, [&](uint32_t pcpu) { scheduler_.add_pcpu(kFirstPool, pcpu); });
  taken_.clear();
}

}  // namespace assay::scenario
