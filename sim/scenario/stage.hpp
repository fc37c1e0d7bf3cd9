/// The machine of a scenario: pools made, domains built and watched, and what can be done to them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "sim/scenario/companion.hpp"
#include "sim/scenario/fault_injection.hpp"
#include "sim/scenario/guest_builder.hpp"
#include "sim/scenario/kernel_domain.hpp"
#include "sim/scenario/memory_limit.hpp"
#include "sim/scenario/node_control.hpp"
#include "sim/scenario/oracles/memory_returned.hpp"
#include "sim/scenario/oracles/time_accounting.hpp"
#include "sim/scenario/oracles/work_conservation.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/scenario/schedule_watch.hpp"
#include "sim/scenario/scheduler_control.hpp"
#include "sim/target/host/session.hpp"

namespace assay::scenario {

class Stage {
 public:
  /// Makes the pools. The privileged domain keeps the last pCPU for itself. Throws ToolstackError and Lacking as
  /// refusal.hpp has it (`begin` and `perform` do so, too), and TargetDied. All of these outlive it; nobody has to be
  /// its companion.
  Stage(const Scenario& scenario, host::Session& session, uint64_t seed, Companion* companion = nullptr,
        const Onlookers& onlookers = {});
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage();

  /// Builds what exists from the start, and then lets it run: the scenario begins.
  void begin();
  /// The companion's oracles look no more.
  void dismiss();
  /// Those oracles.
  [[nodiscard]] const std::vector<Oracle*>& company() const { return company_; }
  void perform(const Action& action);
  /// Faults stop, and pCPUs change places at exits only.
  void calm_down();

  [[nodiscard]] const Scenario& scenario() const { return scenario_; }
  [[nodiscard]] uint64_t start_ns() const { return start_ns_; }
  [[nodiscard]] uint64_t now_ns() const { return session_.machine().now_ns(); }
  [[nodiscard]] Machine& machine() { return session_.machine(); }
  [[nodiscard]] ScheduleWatch& watch() { return watch_; }
  [[nodiscard]] const ScheduleWatch& watch() const { return watch_; }
  [[nodiscard]] std::string name_of(VcpuIndex vcpu) const;
  /// Ascending indices of these domains' vCPUs; of all domains when none is named.
  [[nodiscard]] std::vector<VcpuIndex> indices(const std::vector<size_t>& domains, std::optional<uint32_t> vcpu) const;
  [[nodiscard]] JobCount jobs(VcpuIndex vcpu, uint64_t now_ns) const;
  [[nodiscard]] TimeAccounting::Areas areas() const;
  /// vCPUs that a cap or a budget may hold back.
  [[nodiscard]] std::vector<bool> held_back() const;
  [[nodiscard]] WorkConservation::Units units() const;
  /// Until this time of the machine; guests with devices are looked after meanwhile.
  void run_until(uint64_t until_ns);
  /// Of a domain that runs one; null while it does not exist.
  [[nodiscard]] const KernelDomain* kernel(size_t domain) const { return places_[domain]->kernel.get(); }
  /// What guests wrote to their consoles, for a report of failure.
  [[nodiscard]] std::string guest_consoles() const;
  /// Since the beginning, of lives that are over as well.
  [[nodiscard]] uint64_t pages_written(const std::vector<VcpuIndex>& vcpus) const;
  /// Creations of these domains, and larger grant tables for them, that found too little memory.
  [[nodiscard]] uint64_t refusals(const std::vector<size_t>& domains) const;
  [[nodiscard]] const MemoryReturned& memory_returned() const { return memory_returned_; }
  /// A hypercall of a guest that should not have failed; empty when none has.
  [[nodiscard]] std::string trouble() const;

 private:
  struct Place {  ///< of a domain of the scenario, whether it exists or not
    VcpuIndex first = 0;
    bool exists = false;
    uint32_t lives = 0;
    uint64_t refusals = 0;                ///< for want of memory, but for those of `vcpus`
    std::vector<uint64_t> pages_written;  ///< by vCPU, in lives that are over
    uint32_t pauses = 0;
    DomId id{};
    size_t pool = 0;
    DomainMemory memory;
    Together together;
    std::vector<std::unique_ptr<GuestVcpu>> vcpus;
    std::unique_ptr<KernelDomain> kernel;  ///< in the place of these
    std::vector<std::optional<PcpuSet>> hard;
    uint64_t created_from_ns = 0, created_until_ns = 0;
  };

  /// All but the privileged domain's leave the first pool.
  void free_pcpus();
  void make_pool(const Pool& pool);
  void create(size_t domain);
  /// What its vCPUs do is seen from now on.
  void people(size_t domain);
  void build(size_t domain);
  /// Frames that are free tell what a domain took: none takes others meanwhile.
  [[nodiscard]] bool counts_frames() const;
  /// False: as little memory as the file leaves is not enough.
  bool try_create(size_t domain);
  void wait_until_gone(DomId domain);
  std::unique_ptr<PageWriter> writer_of(size_t domain, uint32_t vcpu) const;
  std::unique_ptr<Workload> workload_of(size_t domain, uint32_t vcpu, const Rng& rng);
  void set_parameters(size_t domain);
  void set_share(size_t domain, std::optional<uint32_t> weight, std::optional<uint32_t> cap);
  void let_run(size_t domain);
  void carry_out(const Action& action);
  void destroy(size_t domain);
  void pause(size_t domain);
  void unpause(size_t domain);
  void set_affinity(size_t domain, const Action& action);
  void move(size_t domain, size_t pool);
  void change_pool(const Action& action);
  void ask_for_last_pcpu(const Action& action);
  void take_offline(uint32_t pcpu);
  void bring_online(uint32_t pcpu);
  void ask_for_partial_core(size_t pool, uint32_t gone) const;
  /// The pCPUs that are scheduled with that one, and it.
  [[nodiscard]] PcpuSet together_with(uint32_t pcpu) const;
  [[nodiscard]] bool is_partly_offline(uint32_t pcpu) const;
  void give_pcpu(size_t pool, uint32_t pcpu);
  void take_pcpu(size_t pool, uint32_t pcpu);
  /// Tells the schedule of all that the pool has; `also`, as well as the pool's pCPUs.
  void tell_pool_masks(size_t pool, const PcpuSet& also);
  [[nodiscard]] std::optional<size_t> pool_of(uint32_t pcpu) const;
  /// Tells the schedule where the domain's vCPUs may run; `also`, as well as what is so now.
  void tell_masks(size_t domain, const PcpuSet& also);
  [[nodiscard]] PcpuSet mask_of(const Place& place, uint32_t vcpu) const;
  void tell(size_t domain, ScheduleEvent::Kind kind);

  const Scenario& scenario_;
  host::Session& session_;
  Onlookers onlookers_;
  Rng rng_;
  toolstack::Privileged dom0_;
  SchedulerControl scheduler_;
  GuestBuilder builder_;
  MemoryLimit memory_limit_;
  MemoryReturned memory_returned_;
  NodeControl nodes_;
  ScheduleWatch watch_;
  std::unique_ptr<FaultInjection> faults_;
  Slowness slowness_;
  struct LivePool {
    uint32_t id = 0;
    uint32_t scheduler = 0;
    PcpuSet pcpus;
  };
  std::vector<LivePool> pools_;
  std::map<uint32_t, std::optional<size_t>> offline_;  ///< pCPUs, and the pool that each is to come back to
  std::vector<std::unique_ptr<Place>> places_;
  uint64_t start_ns_ = 0;
  uint64_t seed_;
  Companion* companion_;
  std::vector<Oracle*> company_;  ///< the companion's
};

}  // namespace assay::scenario
