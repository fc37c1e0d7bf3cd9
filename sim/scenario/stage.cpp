#include "sim/scenario/stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/scenario/interleaving_of.hpp"
#include "sim/scenario/refusal.hpp"

namespace assay::scenario {
namespace {

using Kind = ScheduleEvent::Kind;
constexpr DomId kDom0{0};
constexpr uint32_t kFirstPool = 0;

/// Domains with as many vCPUs and pages are of the same size.
uint64_t size_of(const DomainSpec& spec) {
  const uint64_t pages = spec.kernel ? uint64_t{spec.kernel->memory_mib} << 20 : spec.written_pages();
  return pages * (kVcpusPerDomainMax + 1) + spec.vcpus.size();
}

/// While the file leaves little memory: that may be.
class NoMemory : public ToolstackError {
 public:
  using ToolstackError::ToolstackError;
};

PcpuSet either(const PcpuSet& a, const PcpuSet& b) {
  PcpuSet both;
  for (uint32_t pcpu = 0; pcpu < ASSAY_PCPUS_MAX; ++pcpu) {
    if (a.has(pcpu) || b.has(pcpu)) both.add(pcpu);
  }
  return both;
}

}  // namespace

Stage::Stage(const Scenario& scenario, host::Session& session, uint64_t seed, Companion* companion,
             const Onlookers& onlookers)
    : scenario_(scenario),
      session_(session),
      onlookers_(onlookers),
      rng_(Rng(seed).fork("scenario")),
      dom0_(session.dom0()),
      scheduler_(dom0_),
      builder_(session.machine(), dom0_),
      memory_limit_(dom0_),
      nodes_(dom0_),
      watch_(scenario.pcpus, onlookers),
      slowness_([this](uint32_t pcpu, uint64_t now_ns) {
        return faults_ == nullptr ? kWholePcpu : faults_->slowness(pcpu, now_ns);
      }),
      seed_(seed),
      companion_(companion) {
  if (scenario.nodes > 1) nodes_.check(scenario.nodes, scenario.pcpus);
  as_asked(scenario.pools.front().where, "machine", [&] { free_pcpus(); });
  for (const Pool& pool : scenario.pools) as_asked(pool.where, "pool " + pool.name, [&] { make_pool(pool); });
  for (const DomainSpec& domain : scenario_.domains) {
    auto place = std::make_unique<Place>();
    place->pool = domain.pool;
    place->hard.assign(domain.vcpus.size(), domain.hard);
    place->pages_written.assign(domain.vcpus.size(), 0);
    for (uint32_t vcpu = 0; vcpu < domain.vcpus.size(); ++vcpu) {
      const VcpuIndex index = watch_.schedule().add_vcpu(mask_of(*place, vcpu));
      if (vcpu == 0) place->first = index;
    }
    places_.push_back(std::move(place));
  }
  machine().set_watcher(&watch_);
}

Stage::~Stage() {
  machine().set_watcher(nullptr);
  machine().set_hardware(nullptr);
  for (const auto& place : places_) {
    for (const auto& vcpu : place->vcpus) machine().detach(*vcpu);
    if (place->kernel) place->kernel->detach();
  }
}

void Stage::free_pcpus() {
  PcpuSet own;
  own.add(scenario_.pcpus);
  scheduler_.set_affinity(kDom0, 0, own, std::nullopt);
  for (uint32_t pcpu = 0; pcpu < scenario_.pcpus; pcpu += scenario_.pcpus_together) {
    scheduler_.remove_pcpu(kFirstPool, pcpu);
  }
}

void Stage::make_pool(const Pool& pool) {
  const bool is_usual = pool.scheduler.kind == SchedulerKind::kAny;
  LivePool live{0, is_usual ? scheduler_.scheduler_of_pool(kFirstPool) : abi_scheduler(pool.scheduler.kind),
                pool.pcpus};
  live.id = scheduler_.create_pool(live.scheduler);
  for (uint32_t pcpu = 0; pcpu < scenario_.pcpus; pcpu += scenario_.pcpus_together) {
    if (pool.pcpus.has(pcpu)) scheduler_.add_pcpu(live.id, pcpu);
  }
  scheduler_.set_parameters(live.id, pool.scheduler);
  if (!pool.scheduler.slots.empty()) scheduler_.set_slots(live.id, pool.scheduler);
  pools_.push_back(live);
}

void Stage::begin() {
  if (companion_ != nullptr) company_ = companion_->oracles(*this);
  for (Oracle* const oracle : company_) watch_.open(*oracle, now_ns());
  for (size_t i = 0; i < places_.size(); ++i) {
    const DomainSpec& domain = scenario_.domains[i];
    if (domain.exists_from_the_start) as_asked(domain.where, "domain " + domain.name, [&] { create(i); });
  }
  if (scenario_.faults.free_frames) memory_limit_.leave(*scenario_.faults.free_frames);
  start_ns_ = machine().now_ns();
  if (onlookers_.scenario != nullptr) onlookers_.scenario->on_begin(start_ns_);
  if (scenario_.faults.touches_hardware()) {
    faults_ = std::make_unique<FaultInjection>(scenario_.faults, rng_.fork("faults"), start_ns_, onlookers_.scenario);
    machine().set_hardware(faults_.get());
  }
  machine().set_policy(interleaving_of(scenario_, seed_));
  for (size_t i = 0; i < places_.size(); ++i) {
    const DomainSpec& domain = scenario_.domains[i];
    if (places_[i]->exists) as_asked(domain.where, "unpause " + domain.name, [&] { let_run(i); });
  }
}

void Stage::dismiss() {
  for (Oracle* const oracle : company_) watch_.close(*oracle, now_ns());
}

void Stage::calm_down() {
  if (onlookers_.scenario != nullptr) onlookers_.scenario->on_action(machine().now_ns(), "faults and actions end");
  machine().set_hardware(nullptr);
  machine().set_policy(std::make_unique<NeverSwitch>());
  memory_limit_.lift();
}

PcpuSet Stage::mask_of(const Place& place, uint32_t vcpu) const {
  const PcpuSet& pool = pools_[place.pool].pcpus;
  if (!place.hard[vcpu]) return pool;
  const PcpuSet mask = *place.hard[vcpu] & pool;
  // Affinity that leaves nothing of the pool is none, as long as that is so.
  return mask.empty() ? pool : mask;
}

void Stage::create(size_t domain) {
  Place& place = *places_[domain];
  const DomainSpec& spec = scenario_.domains[domain];
  place.together = {};
  place.pool = spec.pool;
  place.hard.assign(spec.vcpus.size(), spec.hard);
  place.created_from_ns = machine().now_ns();
  build(domain);
  place.created_until_ns = machine().now_ns();
  people(domain);
  place.exists = true;
  set_parameters(domain);
  tell_masks(domain, {});
}

void Stage::people(size_t domain) {
  Place& place = *places_[domain];
  const DomainSpec& spec = scenario_.domains[domain];
  const Rng rng = rng_.fork(fmt::format("{}#{}", spec.name, place.lives++));
  std::vector<TimeKeeper*> keepers;
  for (uint32_t vcpu = 0; vcpu < spec.vcpus.size(); ++vcpu) {
    if (place.kernel) {
      keepers.push_back(place.kernel.get());
      continue;
    }
    place.vcpus.push_back(std::make_unique<GuestVcpu>(
        place.memory, vcpu, workload_of(domain, vcpu, rng.fork(std::to_string(vcpu))), watch_, slowness_));
    if (spec.vcpus[vcpu].pages != 0) place.vcpus.back()->give_pages(writer_of(domain, vcpu));
    keepers.push_back(place.vcpus.back().get());
    machine().attach(place.id.raw(), vcpu, *place.vcpus.back());
  }
  watch_.adopt(place.id.raw(), place.first, keepers);
}

void Stage::build(size_t domain) {
  Place& place = *places_[domain];
  const DomainSpec& spec = scenario_.domains[domain];
  const uint64_t before = counts_frames() ? memory_limit_.free_frames() : 0;
  try {
    if (spec.kernel) {
      place.kernel = std::make_unique<KernelDomain>(session_, spec);
      place.id = place.kernel->id();
    } else {
      GuestBuilder::Built built =
          builder_.build(static_cast<uint32_t>(spec.vcpus.size()), spec.written_pages(), spec.grows_grant_table());
      place.id = built.id;
      place.memory = std::move(built.memory);
      place.memory.first = place.first;
    }
  } catch (const ToolstackError& error) {
    if (!memory_limit_.is_on()) throw;
    ++place.refusals;
    if (counts_frames())
      memory_returned_.refused(spec.name, size_of(spec), now_ns(), before, memory_limit_.free_frames());
    throw NoMemory(error.what());
  }
  if (counts_frames()) {
    memory_returned_.created(spec.name, size_of(spec), before, memory_limit_.free_frames());
  }
}

bool Stage::counts_frames() const {
  return memory_limit_.is_on() && std::ranges::none_of(scenario_.domains, &DomainSpec::grows_grant_table);
}

bool Stage::try_create(size_t domain) {
  try {
    create(domain);
    return true;
  } catch (const NoMemory&) {
    return false;
  }
}

/// Of a working set, the pages of the vCPUs before come first.
std::unique_ptr<PageWriter> Stage::writer_of(size_t domain, uint32_t vcpu) const {
  const std::vector<WorkloadSpec>& vcpus = scenario_.domains[domain].vcpus;
  uint64_t first = area_pages(static_cast<uint32_t>(vcpus.size()));
  for (uint32_t before = 0; before < vcpu; ++before) first += vcpus[before].pages;
  return std::make_unique<PageWriter>(session_.machine(), kDataVa + first * kPageBytes, vcpus[vcpu].pages);
}

std::unique_ptr<Workload> Stage::workload_of(size_t domain, uint32_t vcpu, const Rng& rng) {
  const DomainSpec& spec = scenario_.domains[domain];
  auto own = companion_ == nullptr ? nullptr : companion_->workload(*this, spec, vcpu, rng);
  return own != nullptr ? std::move(own) : make_workload(spec, vcpu, rng, places_[domain]->together);
}

void Stage::set_parameters(size_t domain) {
  const Place& place = *places_[domain];
  const DomainSpec& spec = scenario_.domains[domain];
  const LivePool& pool = pools_[place.pool];
  // First: a table finds a domain by its name when it comes to the pool.
  if (pool.scheduler == XEN_SCHEDULER_ARINC653) scheduler_.name_domain(place.id, domain + 1);
  scheduler_.move_domain(place.id, pool.id);
  if (spec.nodes) nodes_.set_affinity(place.id, *spec.nodes);
  for (uint32_t vcpu = 0; vcpu < spec.vcpus.size(); ++vcpu) {
    if (spec.hard || spec.soft) scheduler_.set_affinity(place.id, vcpu, spec.hard, spec.soft);
  }
  if (spec.weight || spec.cap) scheduler_.set_share(place.id, pool.scheduler, spec.weight, spec.cap);
  if (spec.budget_ns) scheduler_.set_budget(place.id, pool.scheduler, spec);
}

void Stage::set_share(size_t domain, std::optional<uint32_t> weight, std::optional<uint32_t> cap) {
  const Place& place = *places_[domain];
  const uint32_t scheduler = pools_[place.pool].scheduler;
  // The file itself has moved it to a pool whose scheduler has no shares.
  const bool has_none = scenario_.pools[place.pool].scheduler.kind != SchedulerKind::kAny && !knows_shares(scheduler);
  if (place.exists && !has_none) scheduler_.set_share(place.id, scheduler, weight, cap);
}

void Stage::tell(size_t domain, Kind kind) {
  const Place& place = *places_[domain];
  for (uint32_t vcpu = 0; vcpu < place.hard.size(); ++vcpu) {
    watch_.apply({.now_ns = machine().now_ns(), .kind = kind, .vcpu = place.first + vcpu});
  }
}

void Stage::tell_masks(size_t domain, const PcpuSet& also) {
  const Place& place = *places_[domain];
  for (uint32_t vcpu = 0; vcpu < place.hard.size(); ++vcpu) {
    const PcpuSet mask = either(mask_of(place, vcpu), also);
    watch_.apply({.now_ns = machine().now_ns(), .kind = Kind::kMayRunOn, .vcpu = place.first + vcpu, .mask = mask});
  }
}

void Stage::let_run(size_t domain) {
  tell(domain, Kind::kOnline);
  // From now on it wants to run: it has to set itself up.
  if (!places_[domain]->kernel) tell(domain, Kind::kWake);
  scheduler_.unpause(places_[domain]->id);
}

void Stage::destroy(size_t domain) {
  Place& place = *places_[domain];
  if (!place.exists) return;
  const uint64_t before = counts_frames() ? memory_limit_.free_frames() : 0;
  if (!builder_.control().destroy(place.id)) throw ToolstackError("destroydomain: it is gone already (ESRCH)");
  tell(domain, Kind::kPause);  // not before: until it has returned, its vCPUs may begin to run
  wait_until_gone(place.id);
  if (counts_frames()) {
    memory_returned_.destroyed(scenario_.domains[domain].name, now_ns(), before, memory_limit_.free_frames());
  }
  tell(domain, Kind::kOffline);
  for (const auto& vcpu : place.vcpus) machine().detach(*vcpu);
  for (uint32_t vcpu = 0; vcpu < place.vcpus.size(); ++vcpu) {
    place.refusals += place.vcpus[vcpu]->refusals();
    place.pages_written[vcpu] += place.vcpus[vcpu]->pages_written();
    watch_.arms(place.first + vcpu, ASSAY_NEVER);
  }
  if (place.kernel) place.kernel->detach();
  watch_.forget(place.id.raw());
  place.kernel.reset();
  place.vcpus.clear();
  place.exists = false;
  place.pauses = 0;
}

void Stage::wait_until_gone(DomId domain) {
  constexpr int kPollsMax = 1000;
  for (int polls = 0; builder_.control().info(domain); ++polls) {
    if (polls == kPollsMax) throw ToolstackError("a destroyed domain does not go");
    machine().pass_time(kNsPerUs);
  }
}

void Stage::pause(size_t domain) {
  Place& place = *places_[domain];
  if (!place.exists || place.pauses == SchedulerControl::kPausesMax) return;
  scheduler_.pause(place.id);
  if (place.pauses++ == 0) tell(domain, Kind::kPause);
}

void Stage::unpause(size_t domain) {
  Place& place = *places_[domain];
  if (!place.exists || place.pauses == 0) return;
  if (--place.pauses == 0) tell(domain, Kind::kUnpause);
  scheduler_.unpause(place.id);
}

void Stage::set_affinity(size_t domain, const Action& action) {
  Place& place = *places_[domain];
  if (!place.exists) return;
  // A mask without a pCPU of the pool is refused, and nothing changes.
  if (action.hard && (*action.hard & pools_[place.pool].pcpus).empty()) return;
  const PcpuSet all = pools_[place.pool].pcpus;
  if (action.hard) tell_masks(domain, all);
  for (uint32_t vcpu = 0; vcpu < place.hard.size(); ++vcpu) {
    if (action.vcpu && *action.vcpu != vcpu) continue;
    scheduler_.set_affinity(place.id, vcpu, action.hard, action.soft);
    if (action.hard) place.hard[vcpu] = action.hard;
  }
  if (action.hard) tell_masks(domain, {});
}

void Stage::move(size_t domain, size_t pool) {
  Place& place = *places_[domain];
  if (!place.exists || place.pool == pool || pools_[pool].pcpus.empty()) return;
  tell_masks(domain, either(pools_[place.pool].pcpus, pools_[pool].pcpus));
  scheduler_.move_domain(place.id, pools_[pool].id);
  place.pool = pool;
  // Who comes to another pool may run on all of it.
  for (auto& hard : place.hard) hard.reset();
  tell_masks(domain, {});
}

std::optional<size_t> Stage::pool_of(uint32_t pcpu) const {
  for (size_t i = 0; i < pools_.size(); ++i) {
    if (pools_[i].pcpus.has(pcpu)) return i;
  }
  return std::nullopt;
}

void Stage::tell_pool_masks(size_t pool, const PcpuSet& also) {
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i]->pool == pool) tell_masks(i, also);
  }
}

PcpuSet Stage::together_with(uint32_t pcpu) const {
  PcpuSet all;
  const uint32_t first = pcpu / scenario_.pcpus_together * scenario_.pcpus_together;
  for (uint32_t i = 0; i < scenario_.pcpus_together; ++i) all.add(first + i);
  return all;
}

bool Stage::is_partly_offline(uint32_t pcpu) const {
  const PcpuSet all = together_with(pcpu);
  return std::ranges::any_of(offline_, [&all](const auto& offline) { return all.has(offline.first); });
}

void Stage::give_pcpu(size_t pool, uint32_t pcpu) {
  const PcpuSet more = either(pools_[pool].pcpus, together_with(pcpu));
  tell_pool_masks(pool, more);
  scheduler_.add_pcpu(pools_[pool].id, pcpu);
  pools_[pool].pcpus = more;
  tell_pool_masks(pool, {});
}

void Stage::take_pcpu(size_t pool, uint32_t pcpu) {
  PcpuSet& pcpus = pools_[pool].pcpus;
  tell_pool_masks(pool, pcpus);
  scheduler_.remove_pcpu(pools_[pool].id, pcpu);
  const PcpuSet gone = together_with(pcpu);
  for (uint32_t i = 0; i < scenario_.pcpus; ++i) {
    if (gone.has(i)) pcpus.remove(i);
  }
  for (const auto& place : places_) {
    // Affinity that is left without a pCPU is broken for good.
    for (auto& hard : place->hard) {
      if (place->pool == pool && hard && (*hard & pcpus).empty()) hard.reset();
    }
  }
  tell_pool_masks(pool, {});
}

void Stage::change_pool(const Action& action) {
  const auto& [pool, pcpu] = std::pair(action.pool, action.value);
  if (action.kind == Action::Kind::kPcpuAdd) {
    if (!pool_of(pcpu) && !is_partly_offline(pcpu)) give_pcpu(pool, pcpu);
  } else if (pools_[pool].pcpus.has(pcpu)) {
    if (pools_[pool].pcpus.count() == scenario_.pcpus_together) return ask_for_last_pcpu(action);
    take_pcpu(pool, pcpu);
  }
}

void Stage::take_offline(uint32_t pcpu) {
  if (offline_.contains(pcpu)) return;
  const std::optional<size_t> pool = pool_of(pcpu);
  if (pool) {
    // What is refused changes nothing, and the oracles see to that.
    scheduler_.try_offline(pcpu);
    if (pools_[*pool].pcpus.count() == scenario_.pcpus_together) return;
    take_pcpu(*pool, pcpu);
  }
  scheduler_.take_offline(pcpu);
  offline_[pcpu] = pool;
  ask_for_partial_core(pool.value_or(0), pcpu);
}

/// What is left of it when one of its pCPUs has gone offline: refused, as all or none belong to a pool.
void Stage::ask_for_partial_core(size_t pool, uint32_t gone) const {
  const PcpuSet all = together_with(gone);
  for (uint32_t pcpu = 0; pcpu < scenario_.pcpus; ++pcpu) {
    if (all.has(pcpu) && !offline_.contains(pcpu)) scheduler_.try_add_pcpu(pools_[pool].id, pcpu);
  }
}

void Stage::bring_online(uint32_t pcpu) {
  const auto found = offline_.find(pcpu);
  if (found == offline_.end()) return;
  const std::optional<size_t> pool = found->second;
  offline_.erase(found);
  scheduler_.bring_online(pcpu);
  if (is_partly_offline(pcpu)) {
    // In no pool until all are back, of which one remembers where they belong.
    const PcpuSet all = together_with(pcpu);
    for (auto& [other, home] : offline_) {
      if (all.has(other) && !home) home = pool;
    }
    return;
  }
  scheduler_.remove_pcpu(kFirstPool, pcpu);
  if (pool) give_pcpu(*pool, pcpu);
}

/// Refused where domains are, which go on; a core that gives it away starves them.
void Stage::ask_for_last_pcpu(const Action& action) {
  const auto is_there = [&](const auto& place) { return place->exists && place->pool == action.pool; };
  if (std::ranges::any_of(places_, is_there)) scheduler_.ask_for_pcpu(pools_[action.pool].id, action.value);
}

void Stage::run_until(uint64_t until_ns) {
  constexpr uint64_t kLookNs = 100 * kNsPerUs;
  const bool never = false;
  const bool has_kernels =
      std::ranges::any_of(scenario_.domains, [](const DomainSpec& domain) { return domain.kernel.has_value(); });
  while (now_ns() < until_ns) {
    machine().run_until(never, has_kernels ? std::min(until_ns, now_ns() + kLookNs) : until_ns);
    for (const auto& place : places_) {
      if (place->kernel) place->kernel->look_after();
    }
  }
}

std::string Stage::guest_consoles() const {
  std::string text;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (!places_[i]->kernel) continue;
    text += fmt::format("console of {}, after {} instructions:\n{}\n", scenario_.domains[i].name,
                        places_[i]->kernel->instructions(), places_[i]->kernel->console());
  }
  return text;
}

void Stage::perform(const Action& action) {
  if (onlookers_.scenario != nullptr) onlookers_.scenario->on_action(machine().now_ns(), action.words);
  as_asked(action.where, action.words, [&] { carry_out(action); });
}

void Stage::carry_out(const Action& action) {
  using What = Action::Kind;
  if (action.kind == What::kPcpuAdd || action.kind == What::kPcpuRemove) return change_pool(action);
  if (action.kind == What::kOffline) return take_offline(action.value);
  if (action.kind == What::kOnline) return bring_online(action.value);
  if (action.kind == What::kSuspend) {
    machine().set_sleep(action.for_ns);
    return scheduler_.suspend();
  }
  for (const size_t domain : action.domains) {
    Place& place = *places_[domain];
    switch (action.kind) {
      case What::kPause:
        pause(domain);
        break;
      case What::kUnpause:
        unpause(domain);
        break;
      case What::kAffinity:
        set_affinity(domain, action);
        break;
      case What::kWeight:
        set_share(domain, action.value, std::nullopt);
        break;
      case What::kCap:
        set_share(domain, std::nullopt, action.value);
        break;
      case What::kMove:
        move(domain, action.pool);
        break;
      case What::kCreate:
        if (!place.exists && try_create(domain)) let_run(domain);
        break;
      case What::kDestroy:
        destroy(domain);
        break;
      case What::kPcpuAdd:
      case What::kPcpuRemove:
      case What::kOffline:
      case What::kOnline:
      case What::kSuspend:
        break;
    }
  }
}

std::string Stage::name_of(VcpuIndex vcpu) const {
  for (size_t i = 0; i < places_.size(); ++i) {
    const VcpuIndex first = places_[i]->first;
    if (vcpu >= first && vcpu < first + places_[i]->hard.size()) {
      return fmt::format("vCPU {} of {}", vcpu - first, scenario_.domains[i].name);
    }
  }
  return "no vCPU";
}

std::vector<VcpuIndex> Stage::indices(const std::vector<size_t>& domains, std::optional<uint32_t> vcpu) const {
  std::vector<VcpuIndex> all;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (!domains.empty() && std::ranges::find(domains, i) == domains.end()) continue;
    for (uint32_t id = 0; id < places_[i]->hard.size(); ++id) {
      if (!vcpu || *vcpu == id) all.push_back(places_[i]->first + id);
    }
  }
  return all;
}

JobCount Stage::jobs(VcpuIndex vcpu, uint64_t now_ns) const {
  for (const auto& place : places_) {
    if (vcpu < place->first || vcpu >= place->first + place->hard.size() || !place->exists) continue;
    if (place->kernel) return {};
    return place->vcpus[vcpu - place->first]->workload().jobs(now_ns);
  }
  return {};
}

uint64_t Stage::pages_written(const std::vector<VcpuIndex>& vcpus) const {
  uint64_t sum = 0;
  for (const auto& place : places_) {
    for (uint32_t vcpu = 0; vcpu < place->pages_written.size(); ++vcpu) {
      if (std::ranges::find(vcpus, place->first + vcpu) == vcpus.end()) continue;
      sum += place->pages_written[vcpu] + (vcpu < place->vcpus.size() ? place->vcpus[vcpu]->pages_written() : 0);
    }
  }
  return sum;
}

uint64_t Stage::refusals(const std::vector<size_t>& domains) const {
  uint64_t sum = 0;
  for (const size_t domain : domains) {
    sum += places_[domain]->refusals;
    for (const auto& vcpu : places_[domain]->vcpus) sum += vcpu->refusals();
  }
  return sum;
}

TimeAccounting::Areas Stage::areas() const {
  TimeAccounting::Areas all;
  for (const auto& place : places_) {
    // What was seen of a domain that was created anew is not of this life alone.
    const bool is_told = place->exists && place->lives == 1 && !place->kernel;
    for (uint32_t vcpu = 0; vcpu < place->hard.size(); ++vcpu) {
      all.push_back({is_told ? &place->memory.areas[vcpu]->runstate : nullptr, place->created_from_ns,
                     place->created_until_ns, watch_.kept_ns(place->first + vcpu)});
    }
  }
  return all;
}

WorkConservation::Units Stage::units() const {
  WorkConservation::Units units{.pcpus_together = scenario_.pcpus_together};
  if (units.pcpus_together == 1) return units;
  for (const auto& place : places_) {
    for (uint32_t vcpu = 0; vcpu < place->hard.size(); ++vcpu) {
      units.first.push_back(place->first + vcpu - vcpu % units.pcpus_together);
    }
  }
  return units;
}

std::vector<bool> Stage::held_back() const {
  std::vector<bool> all;
  const auto caps = [&](size_t domain) {
    return std::ranges::any_of(scenario_.actions, [&](const Action& action) {
      return action.kind == Action::Kind::kCap && std::ranges::find(action.domains, domain) != action.domains.end();
    });
  };
  for (size_t i = 0; i < places_.size(); ++i) {
    const DomainSpec& spec = scenario_.domains[i];
    const bool is_held = spec.cap.value_or(0) != 0 || spec.budget_ns.has_value() || caps(i);
    all.insert(all.end(), spec.vcpus.size(), is_held);
  }
  return all;
}

std::string Stage::trouble() const {
  for (const auto& place : places_) {
    for (uint32_t vcpu = 0; vcpu < place->vcpus.size(); ++vcpu) {
      const std::string& said = place->vcpus[vcpu]->trouble();
      if (!said.empty()) return fmt::format("{}: {}", name_of(place->first + vcpu), said);
    }
  }
  return "";
}

}  // namespace assay::scenario
