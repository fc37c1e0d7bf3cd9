/// The pools and domains of a scenario on a running hypervisor, made by its privileged domain. Guests are the agent,
/// whose vCPUs spin for as long as nobody asks them anything: so much for cpu-bound.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "sim/scenario/live/subset.hpp"
#include "sim/scenario/scheduler_control.hpp"

namespace assay::scenario {

class LiveStage {
 public:
  /// All outlive it. Makes nothing yet.
  LiveStage(const Scenario& scenario, const TargetPcpus& pcpus, Target& target, const toolstack::Privileged& dom0);

  /// Builds the domains, which do not run yet, and the pools, and puts these into those. Throws ToolstackError and
  /// Lacking as refusal.hpp has it; `perform` does so, too.
  void build();
  /// They all begin to run.
  void begin();
  void perform(const Action& action);
  /// Destroys what has been made so far: all pCPUs are where they were.
  void undo();

  [[nodiscard]] DomId id_of(size_t domain) const { return places_[domain].guest->id(); }
  /// The target's numbers of pCPUs of the scenario.
  [[nodiscard]] PcpuSet on_target(const PcpuSet& pcpus) const;

 private:
  struct Place {  ///< of a domain
    Domain* guest = nullptr;
    size_t pool = 0;
    uint32_t pauses = 1;
  };
  struct LivePool {
    uint32_t id = 0;
    uint32_t scheduler = 0;
    PcpuSet pcpus;
  };

  [[nodiscard]] uint32_t pcpu(uint32_t number) const { return pcpus_.first + number; }
  [[nodiscard]] std::optional<PcpuSet> on_target(const std::optional<PcpuSet>& pcpus) const;
  void set_affinity_of_all(size_t domain, const std::optional<PcpuSet>& hard, const std::optional<PcpuSet>& soft);
  void let_go(size_t domain);
  void build_domains();
  void make_pools();
  void make_pool(const Pool& pool);
  void set_parameters(size_t domain);
  void set_share(size_t domain, std::optional<uint32_t> weight, std::optional<uint32_t> cap);
  void carry_out(const Action& action);
  void pause(size_t domain);
  void unpause(size_t domain);
  void move(size_t domain, size_t pool);
  void change_pool(const Action& action);
  void take_offline(uint32_t number);
  void bring_online(uint32_t number);
  [[nodiscard]] std::optional<size_t> pool_of(uint32_t pcpu) const;

  const Scenario& scenario_;
  TargetPcpus pcpus_;
  Target& target_;
  SchedulerControl scheduler_;
  std::vector<LivePool> pools_;
  std::map<uint32_t, std::optional<size_t>> offline_;  ///< pCPUs, and the pool that each is to come back to
  PcpuSet taken_;                                      ///< from the pool that was there before
  std::vector<Place> places_;
};

}  // namespace assay::scenario
