/// What happens to domains and pools while they run, and when.
#include <fmt/format.h>

#include <algorithm>

#include "sim/scenario/keys.hpp"
#include "sim/scenario/reader.hpp"
#include "sim/scenario/units.hpp"

namespace assay::scenario {
namespace {

constexpr uint64_t kTimesMax = 100'000;
constexpr uint64_t kEveryMinNs = 10 * kNsPerUs;
constexpr uint64_t kSleepMaxNs = kNsPerS;

std::vector<std::string_view> keys_of_action() {
  std::vector<std::string_view> all(keys::kWhen.begin(), keys::kWhen.end());
  all.insert(all.end(), keys::kActions.begin(), keys::kActions.end());
  return all;
}

}  // namespace

void Reader::read_actions(const Entry& top) {
  for (const YAML::Node& node : list_of(top, "actions")) scenario_.actions.push_back(action_of(node));
}

Action Reader::action_of(const YAML::Node& node) {
  const Entry entry(file_, node, keys_of_action());
  Action action;
  action.where = file_.place(node);
  const char* what = nullptr;
  for (size_t i = 0; i < keys::kActions.size(); ++i) {
    if (!entry.has(keys::kActions.at(i).data())) continue;
    if (what != nullptr) entry.fail(fmt::format("one thing at a time: {} or {}", what, keys::kActions.at(i)));
    what = keys::kActions.at(i).data();
    action.kind = static_cast<Action::Kind>(i);
  }
  if (what == nullptr) entry.fail("this action does nothing: say pause, unpause, affinity, weight, cap, move, ...");
  read_when(entry, action);
  if (action.kind == Action::Kind::kOffline || action.kind == Action::Kind::kOnline) {
    read_hotplug(action, entry, what);
  } else {
    read_what(action, entry[what], what);
  }
  return action;
}

void Reader::read_when(const Entry& entry, Action& action) const {
  const int ways = int{entry.has("at")} + int{entry.has("every")} + int{entry.has("within")};
  if (ways != 1) entry.fail("when? Exactly one of 'at: 10ms', 'every: 10ms' and 'within: 10ms, until: 20ms'");
  if (entry.has("at")) {
    for (const char* key : {"from", "until"}) {
      if (entry.has(key)) entry.fail(key, "goes with 'every' and 'within' only");
    }
    action.from_ns = *entry.duration("at");
    action.until_ns = action.from_ns + 1;
  } else if (entry.has("every")) {
    action.every_ns = entry.required_duration("every");
    if (action.every_ns < kEveryMinNs) entry.fail("every", "at least 10us");
    if (scenario_.duration_ns / action.every_ns > kTimesMax)
      entry.fail("every", "more than 100000 times in 'duration'");
    action.from_ns = entry.duration("from", action.every_ns);
    action.until_ns = entry.duration("until", scenario_.duration_ns);
  } else {
    if (entry.has("from")) entry.fail("from", "goes with 'every' only: 'within' is the beginning");
    action.from_ns = *entry.duration("within");
    action.until_ns = entry.duration("until", scenario_.duration_ns);
    action.is_random = true;
  }
  if (action.from_ns >= action.until_ns) entry.fail("'until' must lie after the beginning");
  if (action.from_ns >= scenario_.duration_ns) {
    entry.fail(fmt::format("never happens: the scenario is over at {}", show_duration(scenario_.duration_ns)));
  }
  action.until_ns = std::min(action.until_ns, scenario_.duration_ns);
}

void Reader::read_hotplug(Action& action, const Entry& entry, const char* key) const {
  action.value = entry.required_count(key, 0, scenario_.pcpus - 1);
  if (action.value == 0) entry.fail(key, "pCPU 0 is always online: name another one");
  action.words = fmt::format("{} {}", key, action.value);
}

void Reader::read_suspend(Action& action, const YAML::Node& what) const {
  const Entry entry(file_, what, keys::kSuspend);
  action.for_ns = entry.required_duration("for");
  if (action.for_ns > kSleepMaxNs) entry.fail("for", "at most 1s");
  action.words = fmt::format("suspend for {}", show_duration(action.for_ns));
}

void Reader::read_what(Action& action, const YAML::Node& what, const char* key) {
  using Kind = Action::Kind;
  const bool is_plain = action.kind == Kind::kPause || action.kind == Kind::kUnpause || action.kind == Kind::kCreate ||
                        action.kind == Kind::kDestroy;
  if (is_plain) {
    action.domains = domains_called(what);
    action.words = fmt::format("{} {}", key, what.Scalar());
    return;
  }
  if (action.kind == Kind::kSuspend) return read_suspend(action, what);
  const Entry entry(file_, what, keys::kAction);
  action.words = key;
  if (action.kind == Kind::kPcpuAdd || action.kind == Kind::kPcpuRemove) {
    action.pool = pool_named(entry, "pool");
    action.value = entry.required_count("pcpu", 0, scenario_.pcpus - 1);
    return;
  }
  action.domains = domains_named(entry, "domain");
  if (entry["domain"].IsScalar()) action.words = fmt::format("{} {}", key, entry["domain"].Scalar());
  if (action.kind == Kind::kMove) action.pool = pool_named(entry, "pool");
  if (action.kind == Kind::kWeight) action.value = entry.required_count("to", 1, kWeightMax);
  if (action.kind == Kind::kCap) {
    action.value = entry.required_count("to", 0, 100 * kVcpusPerDomainMax);
    for (const size_t domain : action.domains) check_cap(entry, "to", scenario_.domains[domain], action.value);
  }
  const bool is_share = action.kind == Kind::kWeight || action.kind == Kind::kCap;
  const auto has_shares = [](const Pool& pool) { return may_have_shares(pool.scheduler.kind); };
  if (is_share && std::ranges::none_of(scenario_.pools, has_shares)) {
    entry.fail(fmt::format("no pool has a scheduler that knows a {}: only credit and credit2 do", key));
  }
  if (action.kind != Kind::kAffinity) return;
  action.vcpu = entry.count("vcpu", 0, kVcpusPerDomainMax);
  if (action.vcpu) check_vcpu(entry, action.domains, *action.vcpu);
  if (action.vcpu && scenario_.pcpus_together > 1) {
    entry.fail("vcpu", "vCPUs that are scheduled together ('granularity') have one affinity: leave it out");
  }
  action.hard = pcpus_of(entry, "hard");
  action.soft = pcpus_of(entry, "soft");
  if (!action.hard && !action.soft) entry.fail("neither 'hard' nor 'soft' is given");
}

}  // namespace assay::scenario
