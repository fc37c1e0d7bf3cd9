/// What a toolstack tells the scheduler: parameters of domains, affinity, pools of pCPUs. Each throws ToolstackError
/// that names call and result, or Lacking (refusal.hpp) when the scheduler is not there or knows nothing of the sort.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/engine/pcpu_set.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/toolstack/privileged.hpp"

namespace assay::scenario {

class SchedulerControl {
 public:
  explicit SchedulerControl(const toolstack::Privileged& dom0) : dom0_(dom0) {}

  /// As often as a domain can be paused without being unpaused. Source: Xen 4.17, XEN_DOMCTL_pausedomain is EOVERFLOW
  /// beyond (measured).
  static constexpr uint32_t kPausesMax = 255;

  /// XEN_SCHEDULER_* of a pool.
  [[nodiscard]] uint32_t scheduler_of_pool(uint32_t pool) const;
  /// A pool without pCPUs, with the scheduler XEN_SCHEDULER_*.
  [[nodiscard]] uint32_t create_pool(uint32_t scheduler) const;
  void add_pcpu(uint32_t pool, uint32_t pcpu) const;
  void remove_pcpu(uint32_t pool, uint32_t pcpu) const;
  /// Asks for a pCPU that only goes with others, which cannot go: that must be refused.
  void try_add_pcpu(uint32_t pool, uint32_t pcpu) const;
  /// Once, to be refused: what comes of it shows in who runs.
  void ask_for_pcpu(uint32_t pool, uint32_t pcpu) const;
  /// One that is in no pool, or in pool 0.
  void take_offline(uint32_t pcpu) const;
  /// Asks for it while another pool has the pCPU: that must be refused.
  void try_offline(uint32_t pcpu) const;
  /// Into pool 0.
  void bring_online(uint32_t pcpu) const;
  /// ACPI S3, until something wakes the machine.
  void suspend() const;
  /// One that has neither pCPUs nor domains.
  void destroy_pool(uint32_t pool) const;
  void move_domain(DomId domain, uint32_t pool) const;
  void set_affinity(DomId domain, uint32_t vcpu, const std::optional<PcpuSet>& hard,
                    const std::optional<PcpuSet>& soft) const;
  void pause(DomId domain) const;
  void unpause(DomId domain) const;
  /// For credit and credit2; null leaves a value as it is.
  void set_share(DomId domain, uint32_t scheduler, std::optional<uint32_t> weight, std::optional<uint32_t> cap) const;
  void set_budget(DomId domain, uint32_t scheduler, const DomainSpec& spec) const;
  /// ARINC653 knows domains by their handles: a domain gets that of its place in the scenario, counted from 1.
  void name_domain(DomId domain, size_t index) const;
  void set_slots(uint32_t pool, const Scheduler& parameters) const;
  /// Rate limit and time slice, those that are given.
  void set_parameters(uint32_t pool, const Scheduler& parameters) const;

 private:
  void must_domctl(xen_domctl& op, const char* name) const;
  [[nodiscard]] int64_t hotplug(uint32_t operation, uint32_t pcpu) const;
  void pool_operation(uint32_t operation, uint32_t pool, uint32_t pcpu, DomId domain, const char* name) const;

  const toolstack::Privileged& dom0_;
};

/// XEN_SCHEDULER_* of a kind that is not kAny.
uint32_t abi_scheduler(SchedulerKind kind);
/// Whether XEN_SCHEDULER_* has weights and caps.
bool knows_shares(uint32_t scheduler);

}  // namespace assay::scenario
