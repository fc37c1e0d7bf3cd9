#include "sim/scenario/live/subset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "sim/guest/agent/protocol.h"
#include "sim/input/yaml_input.hpp"
#include "sim/scenario/read_scenario.hpp"

namespace assay::scenario {
namespace {

using Names = std::span<const std::string_view>;
constexpr std::array<std::string_view, 3> kTop{"faults", "liveness", "interleaving"};
constexpr std::array<std::string_view, 2> kDomain{"created", "guest"};
constexpr std::array<std::string_view, 3> kActions{"create", "destroy", "suspend"};
constexpr std::array<std::string_view, 2> kExpectations{"share", "busy"};
constexpr std::string_view kCpuBound = "cpu-bound";

/// The reader has read the file before: it has the form of a scenario.
class Subset {
 public:
  Subset(const YamlInput& file, const Scenario& scenario) : file_(file), scenario_(scenario) {}

  void check(const TargetPcpus& pcpus) const {
    const YAML::Node& top = file_.root();
    refuse(top, kTop, "on a running hypervisor");
    if (scenario_.pcpus > pcpus.count) {
      file_.fail(top["machine"], fmt::format("{} pCPUs; the target has {} beside those of its privileged domain",
                                             scenario_.pcpus, pcpus.count));
    }
    if (scenario_.nodes > 1) file_.fail(top["machine"], "nodes; a target has one");
    if (scenario_.threads_per_core > 1) file_.fail(top["machine"], "threads; the cores of a target have none");
    for (const YAML::Node& domain : top["domains"]) check_domain(domain);
    if (scenario_.domains.size() > kDomainsMax) {
      file_.fail(top["domains"],
                 fmt::format("{} domains; on a target, at most {}", scenario_.domains.size(), kDomainsMax));
    }
    for (const YAML::Node& action : top["actions"]) refuse(action, kActions, "as an action on a running hypervisor");
    for (const YAML::Node& expected : top["expect"]) check_expectation(expected);
  }

 private:
  static constexpr size_t kDomainsMax = 16;

  void refuse(const YAML::Node& entry, Names keys, std::string_view where) const {
    for (const std::string_view key : keys) {
      const YAML::Node node = entry[std::string(key)];
      if (node)
        file_.fail(node, fmt::format("'{}' cannot be had {}: leave it out, or play the file on a core", key, where));
    }
  }

  void check_domain(const YAML::Node& domain) const {
    refuse(domain, kDomain, "of a domain on a running hypervisor");
    const YAML::Node workloads = domain["workloads"];
    if (domain["workload"]) check_workload(domain["workload"]);
    for (const YAML::Node& workload : workloads) check_workload(workload);
    const uint64_t vcpus = workloads ? workloads.size() : domain["vcpus"] ? domain["vcpus"].as<uint64_t>() : 1;
    if (vcpus > ASSAY_AGENT_VCPUS_MAX) {
      file_.fail(domain, fmt::format("{} vCPUs; on a target, a domain has at most {}", vcpus, ASSAY_AGENT_VCPUS_MAX));
    }
  }

  void check_workload(const YAML::Node& workload) const {
    const YAML::Node kind = workload.IsScalar() ? workload : workload["kind"];
    if (kind.Scalar() == kCpuBound) return;
    file_.fail(kind, fmt::format("on a running hypervisor vCPUs are cpu-bound, not {}", kind.Scalar()));
  }

  void check_expectation(const YAML::Node& expected) const {
    const std::string what = expected.begin()->first.Scalar();
    if (std::ranges::find(kExpectations, what) != kExpectations.end()) return;
    file_.fail(expected,
               fmt::format("'{}' cannot be seen from outside: on a running hypervisor, expect share or busy", what));
  }

  const YamlInput& file_;
  const Scenario& scenario_;
};

}  // namespace

Scenario read_live_scenario(const std::string& name, std::string_view text, const TargetPcpus& pcpus) {
  Scenario scenario = read_scenario(name, text);
  Subset(YamlInput(name, text), scenario).check(pcpus);
  return scenario;
}

Scenario read_live_scenario_file(const std::filesystem::path& path, const TargetPcpus& pcpus) {
  Scenario scenario = read_scenario_file(path);
  Subset(YamlInput::from_file(path.string()), scenario).check(pcpus);
  return scenario;
}

}  // namespace assay::scenario
