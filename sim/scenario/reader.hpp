/// The parts of reading a scenario, in the order in which they depend on each other.
#pragma once

#include <string>
#include <vector>

#include "sim/scenario/entry.hpp"
#include "sim/scenario/image_folders.hpp"
#include "sim/scenario/scenario.hpp"

namespace assay::scenario {

/// Of credit and credit2: the ABI has 16 bits.
constexpr uint32_t kWeightMax = 65'535;

class Reader {
 public:
  Reader(const YamlInput& file, const ImageFolders& folders, Scenario& scenario)
      : file_(file), folders_(folders), scenario_(scenario) {}
  void read();

 private:
  // reader.cpp
  void read_machine(const Entry& top);
  void read_granularity(const Entry& machine);
  void read_nodes(const Entry& machine);
  [[nodiscard]] std::optional<PcpuSet> nodes_of(const Entry& entry) const;
  [[nodiscard]] PcpuSet pcpus_of(const PcpuSet& nodes) const;
  void read_pools(const Entry& top);
  /// A set of pCPUs; with a granularity above cpu, whole cores or sockets.
  [[nodiscard]] std::optional<PcpuSet> pcpus_of(const Entry& entry, const char* key) const;
  Scheduler scheduler_of(const YAML::Node& node);
  static void check_times(const Entry& entry, const Scheduler& scheduler);
  void read_faults(const Entry& top);
  void read_interleaving(const Entry& top);
  [[nodiscard]] size_t pool_named(const Entry& entry, const char* key) const;
  // read_domains.cpp
  void read_domains(const Entry& top);
  void read_domain(const YAML::Node& node);
  void read_guest(const Entry& entry, DomainSpec& domain);
  [[nodiscard]] std::filesystem::path image_of(const Entry& entry, const char* key) const;
  void read_workloads(const Entry& entry, DomainSpec& domain);
  WorkloadSpec workload_of(const YAML::Node& node);
  static void read_writing(const Entry& entry, WorkloadSpec& spec);
  void read_slots();
  void check_parameters(const Entry& entry, const DomainSpec& domain) const;
  void check_cap(const Entry& entry, const char* key, const DomainSpec& domain, uint32_t cap) const;
  [[nodiscard]] static bool may_have_shares(SchedulerKind kind) {
    return kind == SchedulerKind::kAny || kind == SchedulerKind::kCredit || kind == SchedulerKind::kCredit2;
  }
  void check_affinity(const Entry& entry, const DomainSpec& domain) const;
  [[nodiscard]] std::vector<size_t> domains_named(const Entry& entry, const char* key) const;
  [[nodiscard]] std::vector<size_t> domains_called(const YAML::Node& node) const;
  void check_vcpu(const Entry& entry, const std::vector<size_t>& domains, uint32_t vcpu) const;
  // read_actions.cpp
  void read_actions(const Entry& top);
  Action action_of(const YAML::Node& node);
  void read_when(const Entry& entry, Action& action) const;
  void read_hotplug(Action& action, const Entry& entry, const char* key) const;
  void read_suspend(Action& action, const YAML::Node& what) const;
  void read_what(Action& action, const YAML::Node& what, const char* key);
  // read_expectations.cpp
  void read_expectations(const Entry& top);
  Expectation expectation_of(const YAML::Node& node);
  void read_bounds(const Entry& entry, Expectation& expectation) const;
  static void read_counts(const Entry& entry, Expectation& expectation);
  void check_is_done(const Entry& entry, const Expectation& expectation) const;
  void check_can_be_told(const Entry& entry, const Expectation& expectation) const;

  [[nodiscard]] std::vector<YAML::Node> list_of(const Entry& top, const char* key) const;

  struct SlotsOfPool {
    size_t pool;
    YAML::Node node;
  };

  const YamlInput& file_;
  const ImageFolders& folders_;
  Scenario& scenario_;
  std::vector<SlotsOfPool> slots_;  ///< of ARINC653: they name domains, which come later
};

}  // namespace assay::scenario
