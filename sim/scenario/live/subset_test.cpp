#include "sim/scenario/live/subset.hpp"

#include <gmock/gmock.h>

#include "sim/input/input_error.hpp"

namespace assay::scenario {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr TargetPcpus kPcpus{2, 6};

/// The whole file; each test changes one of its lines.
struct Parts {
  std::string top{};
  std::string machine = "{pcpus: 2}";
  std::string domain = "{name: a, workload: cpu-bound}";
  std::string action = "{at: 1ms, pause: a}";
  std::string expected = "share: {of: a, at_most: 50%}";
};

std::string file_of(const Parts& parts) {
  return "duration: 1s\n" + parts.top + "machine: " + parts.machine + "\ndomains:\n  - " + parts.domain +
         "\nactions:\n  - " + parts.action + "\nexpect:\n  - " + parts.expected + "\n";
}

std::string complaint(const Parts& parts) {
  try {
    static_cast<void>(read_live_scenario("f.yaml", file_of(parts), kPcpus));
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

TEST(LiveSubset, WhatATargetCanDo_IsRead) {
  const Scenario scenario = read_live_scenario("f.yaml", file_of({}), kPcpus);
  EXPECT_EQ(scenario.domains.size(), 1u);
  EXPECT_EQ(scenario.actions.size(), 1u);
}

TEST(LiveSubset, Refused_WithItsPlace) {
  EXPECT_THAT(complaint({.machine = "{pcpus: 7}"}), StartsWith("f.yaml:2:10: 7 pCPUs; the target has 6"));
  EXPECT_THAT(complaint({.domain = "{name: a, workload: {kind: interactive, run: 1ms, sleep: 1ms}}"}),
              StartsWith("f.yaml:4:32: on a running hypervisor vCPUs are cpu-bound, not interactive"));
  EXPECT_THAT(complaint({.domain = "{name: a, vcpus: 9, workload: cpu-bound}"}), HasSubstr("at most 8"));
  EXPECT_THAT(complaint({.domain = "{name: a, count: 17, workload: cpu-bound}"}), HasSubstr("at most 16"));
  EXPECT_THAT(complaint({.action = "{at: 1ms, destroy: a}"}), StartsWith("f.yaml:6:24: 'destroy' cannot be had"));
  EXPECT_THAT(complaint({.expected = "no_starvation: {longer_than: 1ms}"}), HasSubstr("expect share or busy"));
  EXPECT_THAT(complaint({.top = "faults: {signal_delay: 1us}\n"}), StartsWith("f.yaml:2:9: 'faults' cannot be had"));
  EXPECT_THAT(complaint({.top = "liveness: 1s\n"}), HasSubstr("'liveness'"));
}

TEST(LiveSubset, WhatIsNoScenario_IsRefusedAsEver) {
  EXPECT_THAT(complaint({.top = "lifeness: 1s\n"}), HasSubstr("liveness"));
}

}  // namespace
}  // namespace assay::scenario
