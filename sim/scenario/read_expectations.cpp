/// What a scenario promises, and that it can be told.
#include <fmt/format.h>

#include <algorithm>

#include "sim/scenario/keys.hpp"
#include "sim/scenario/reader.hpp"
#include "sim/scenario/units.hpp"

namespace assay::scenario {
namespace {

using Kind = Expectation::Kind;

}  // namespace

void Reader::read_expectations(const Entry& top) {
  for (const YAML::Node& node : list_of(top, "expect")) scenario_.expectations.push_back(expectation_of(node));
}

Expectation Reader::expectation_of(const YAML::Node& node) {
  const Entry outer(file_, node, keys::kExpectations);
  if (node.size() != 1) outer.fail("one expectation in each entry");
  Expectation expectation;
  const std::string what = node.begin()->first.Scalar();
  expectation.kind = static_cast<Kind>(std::ranges::find(keys::kExpectations, what) - keys::kExpectations.begin());
  const Entry entry(file_, node.begin()->second, keys::kExpectation.at(static_cast<size_t>(expectation.kind)));
  const bool is_of_somebody = expectation.kind == Kind::kShare || expectation.kind == Kind::kSupply ||
                              expectation.kind == Kind::kFrames || expectation.kind >= Kind::kRefusals;
  if (is_of_somebody) entry.require("of");
  expectation.words = what;
  if (entry.has("of")) {
    expectation.domains = domains_named(entry, "of");
    if (entry["of"].IsScalar()) expectation.words += " of " + entry["of"].Scalar();
  }
  expectation.vcpu = entry.count("vcpu", 0, kVcpusPerDomainMax);
  if (expectation.vcpu) expectation.words += fmt::format(" vCPU {}", *expectation.vcpu);
  if (expectation.vcpu) check_vcpu(entry, expectation.domains, *expectation.vcpu);
  expectation.from_ns = entry.duration("from", 0);
  expectation.until_ns = entry.duration("until", scenario_.duration_ns);
  read_bounds(entry, expectation);
  check_can_be_told(entry, expectation);
  return expectation;
}

void Reader::read_bounds(const Entry& entry, Expectation& expectation) const {
  switch (expectation.kind) {
    case Kind::kBusy:
      entry.require("pcpus");
      expectation.pcpus = *entry.pcpus("pcpus", scenario_.pcpus);
      [[fallthrough]];
    case Kind::kShare:
      if (!entry.has("at_least") && !entry.has("at_most"))
        entry.fail("neither 'at_least' nor 'at_most': nothing could miss it");
      expectation.at_least = entry.percent("at_least").value_or(0);
      expectation.at_most = entry.percent("at_most").value_or(UINT64_MAX);
      if (expectation.at_least > expectation.at_most)
        entry.fail("at_most", "is less than 'at_least': nothing could meet it");
      break;
    case Kind::kLatency:
      expectation.percentile = entry.percent("percentile").value_or(kWholePcpu);
      if (expectation.percentile == 0 || expectation.percentile > kWholePcpu)
        entry.fail("percentile", "from 0% to 100%");
      expectation.bound_ns = entry.required_duration("within");
      break;
    case Kind::kDeadlineMisses:
      expectation.count = entry.count("at_most", 0, UINT32_MAX).value_or(0);
      break;
    case Kind::kWorkConserving:
      expectation.bound_ns = entry.required_duration("within");
      break;
    case Kind::kNoStarvation:
      expectation.bound_ns = entry.required_duration("longer_than");
      break;
    case Kind::kSupply:
      expectation.budget_ns = entry.required_duration("budget");
      expectation.period_ns = entry.required_duration("period");
      if (expectation.budget_ns > expectation.period_ns) entry.fail("budget", "is longer than the period");
      expectation.is_exact = entry.flag("exact", false);
      for (const size_t domain : expectation.domains) {
        const DomainSpec& spec = scenario_.domains[domain];
        if (expectation.is_exact && spec.extratime)
          entry.fail("exact", fmt::format("domain {} has extra time: it may have more", spec.name));
      }
      break;
    case Kind::kFrames:
      expectation.period_ns = entry.required_duration("frame");
      expectation.bound_ns = entry.required_duration("within");
      if (expectation.bound_ns >= expectation.period_ns / 2)
        entry.fail("within", "is half of the frame or more: nothing could miss it");
      break;
    case Kind::kRefusals:
    case Kind::kPagesWritten:
      read_counts(entry, expectation);
      break;
    case Kind::kConsole:
      expectation.text = entry.text("contains");
      break;
    case Kind::kShutdown:
      expectation.shutdown_reason = static_cast<uint32_t>(entry.choice("reason", keys::kReasons));
      break;
  }
}

void Reader::read_counts(const Entry& entry, Expectation& expectation) {
  if (!entry.has("at_least") && !entry.has("at_most"))
    entry.fail("neither 'at_least' nor 'at_most': nothing could miss it");
  if (const auto least = entry.count("at_least", 1, UINT32_MAX)) expectation.at_least = *least;
  if (const auto most = entry.count("at_most", 0, UINT32_MAX)) expectation.at_most = *most;
  if (expectation.at_least > expectation.at_most)
    entry.fail("at_most", "is less than 'at_least': nothing could meet it");
}

/// Somebody has to do what is counted.
void Reader::check_is_done(const Entry& entry, const Expectation& expectation) const {
  const auto writes = [&](size_t domain) {
    const std::vector<WorkloadSpec>& vcpus = scenario_.domains[domain].vcpus;
    if (expectation.vcpu) return vcpus[*expectation.vcpu].rate != 0;
    return std::ranges::any_of(vcpus, [](const WorkloadSpec& vcpu) { return vcpu.rate != 0; });
  };
  const auto may_be_refused = [&](size_t domain) {
    if (scenario_.domains[domain].grows_grant_table()) return true;
    return std::ranges::any_of(scenario_.actions, [&](const Action& action) {
      return action.kind == Action::Kind::kCreate && std::ranges::find(action.domains, domain) != action.domains.end();
    });
  };
  if (expectation.kind == Kind::kPagesWritten && std::ranges::none_of(expectation.domains, writes)) {
    entry.fail("can never be told: none of these vCPUs has a memory-writer for a workload");
  }
  const bool is_of_kernel = expectation.kind == Kind::kConsole || expectation.kind == Kind::kShutdown;
  for (const size_t domain : expectation.domains) {
    const DomainSpec& spec = scenario_.domains[domain];
    if (is_of_kernel && !spec.kernel) {
      entry.fail("of", fmt::format("domain {} runs no 'guest': it has no console and ends by nothing", spec.name));
    }
  }
  if (expectation.kind != Kind::kRefusals) return;
  if (!scenario_.faults.free_frames) entry.fail("can never be told: 'faults' has no 'free_frames'");
  if (std::ranges::none_of(expectation.domains, may_be_refused)) {
    entry.fail("can never be told: no action creates these domains, and none has a grant-table for a workload");
  }
}

void Reader::check_can_be_told(const Entry& entry, const Expectation& expectation) const {
  if (expectation.from_ns >= expectation.until_ns) entry.fail("'until' must lie after 'from'");
  if (expectation.until_ns > scenario_.duration_ns) {
    entry.fail("until",
               fmt::format("can never be told: the scenario is over at {}", show_duration(scenario_.duration_ns)));
  }
  const uint64_t window = expectation.until_ns - expectation.from_ns;
  const bool has_bound = expectation.kind == Kind::kWorkConserving || expectation.kind == Kind::kNoStarvation;
  if (has_bound && expectation.bound_ns >= window) entry.fail("can never be told: the bound is longer than the window");
  if (expectation.period_ns * 2 > window) {
    entry.fail("can never be told: the window must hold at least two periods");
  }
  check_is_done(entry, expectation);
  const bool needs_periodic = expectation.kind == Kind::kDeadlineMisses;
  if (!needs_periodic) return;
  const auto is_periodic = [](const DomainSpec& domain) {
    return std::ranges::any_of(domain.vcpus,
                               [](const WorkloadSpec& vcpu) { return vcpu.kind == WorkloadSpec::Kind::kPeriodic; });
  };
  bool any = false;
  for (size_t i = 0; i < scenario_.domains.size(); ++i) {
    const bool is_meant =
        expectation.domains.empty() || std::ranges::find(expectation.domains, i) != expectation.domains.end();
    any = any || (is_meant && is_periodic(scenario_.domains[i]));
  }
  if (!any) entry.fail("can never be told: none of these vCPUs has a periodic workload");
}

}  // namespace assay::scenario
