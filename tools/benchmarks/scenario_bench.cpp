/// What a scheduling event of a scenario costs, and how much faster than time itself a scenario goes by.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>

#include "sim/base/paths.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/scenario/scenario_run.hpp"

namespace assay::scenario {
namespace {

using Clock = std::chrono::steady_clock;

/// One iteration is one whole run; what is counted are switches of vCPUs, or seconds of virtual time.
enum class Count : uint8_t { kSwitches, kVirtualSeconds };

/// A run and a longer one: what lies between them is neither boot nor building.
void play(benchmark::State& state, const std::string& text, const std::string& shorter, Count count) {
  const Scenario scenario = read_scenario("bench.yaml", text);
  const Scenario start = read_scenario("bench.yaml", shorter);
  constexpr uint64_t kPlainSeed = 0;  // without switches inside the core
  double items = 0;
  for (auto _ : state) {
    const auto timed = [&](const Scenario& what, Outcome& outcome) {
      ScenarioRunner runner(what, artifact("hv.so"), "");
      const Clock::time_point before = Clock::now();
      outcome = runner.run(kPlainSeed);
      return std::chrono::duration<double>(Clock::now() - before).count();
    };
    Outcome little, much;
    const double short_s = timed(start, little);
    const double long_s = timed(scenario, much);
    if (much.kind != Outcome::Kind::kPass || little.kind != Outcome::Kind::kPass)
      state.SkipWithError(much.message.c_str());
    state.SetIterationTime(long_s - short_s);
    items += count == Count::kSwitches ? static_cast<double>(much.switches - little.switches)
                                       : static_cast<double>(much.virtual_ns - little.virtual_ns) / 1e9;
  }
  state.counters["items_per_second"] = benchmark::Counter(items, benchmark::Counter::kIsRate);
}

/// So many CPU-bound vCPUs on 8 pCPUs, for so long.
std::string busy(int64_t vcpus, const std::string& duration) {
  constexpr int64_t kPerDomain = 25;
  const int64_t domains = vcpus < 4 * kPerDomain ? 4 : vcpus / kPerDomain;
  return fmt::format(
      "machine: {{pcpus: 8}}\nduration: {}\nliveness: 100s\n"
      "domains:\n- {{name: d, count: {}, vcpus: {}, workload: cpu-bound}}\n",
      duration, domains, vcpus / domains);
}

/// Switches per second of one processor, all vCPUs busy, watched by the oracles that every run has. In the shorter run
/// each has run: what it finds in memory the first time is not counted.
void ScenarioEvents(benchmark::State& state) {
  play(state, busy(state.range(0), "1000s"), busy(state.range(0), "20s"), Count::kSwitches);
}

std::string sleepers(const std::string& workload, const std::string& duration) {
  return fmt::format(
      "machine: {{pcpus: 8}}\nduration: {}\nliveness: 1s\ndomains:\n- {{name: d, count: 8, workload: {}}}\n", duration,
      workload);
}

/// Seconds of virtual time per second: people who type, on 8 pCPUs.
void ScenarioInteractive(benchmark::State& state) {
  const std::string workload = "{kind: interactive, run: 3ms, sleep: 100ms, variation: 50%}";
  play(state, sleepers(workload, "200s"), sleepers(workload, "1s"), Count::kVirtualSeconds);
}

/// The same of a machine that is mostly idle.
void ScenarioIdle(benchmark::State& state) {
  const std::string workload = "{kind: interactive, run: 1ms, sleep: 1s, variation: 50%}";
  play(state, sleepers(workload, "2000s"), sleepers(workload, "1s"), Count::kVirtualSeconds);
}

BENCHMARK(ScenarioEvents)->Arg(64)->Arg(100)->Arg(10'000)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(ScenarioInteractive)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(ScenarioIdle)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace assay::scenario
