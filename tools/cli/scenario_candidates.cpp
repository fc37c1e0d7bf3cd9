#include "tools/cli/scenario_candidates.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "sim/engine/interleaving.hpp"
#include "sim/scenario/action_times.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/scenario/units.hpp"

namespace assay {
namespace {

using scenario::show_duration;

/// Paces of walks that switch less and less often.
constexpr uint64_t kSlower = 8, kOneInMax = 1 << 20;

/// At most the value, and so many digits that are not 0.
uint64_t with_digits(uint64_t value, int digits) {
  uint64_t unit = 1;
  for (uint64_t left = value; left != 0; left /= 10) {
    if (digits-- <= 0) unit *= 10;
  }
  return value / unit * unit;
}

/// Earlier or shorter, and rounder; the least first.
std::set<uint64_t> less_than(uint64_t value) {
  std::set<uint64_t> less{0};
  for (const uint64_t part : {value / 10, value / 2, value}) {
    for (const int digits : {1, 2}) less.insert(with_digits(part, digits));
  }
  less.erase(value);
  return less;
}

class Candidates {
 public:
  Candidates(const std::string& text, uint64_t seed, const scenario::ImageFolders& folders)
      : text_(text), document_(YAML::Load(text)), scenario_(scenario::read_scenario("", text, folders)), seed_(seed) {
    fixed_times();
    less_interleaved();
    for (const char* list : {"actions", "domains", "expect", "pools"}) {
      if (document_[list]) without_parts(list, document_[list].size());
    }
    for (const char* key : {"actions", "expect", "faults", "about", "finds", "liveness"}) without_key(key);
    for (size_t i = 0; i < document_["domains"].size(); ++i) smaller_domain(i, document_["domains"][i]);
    smaller_faults();
    shorter();
    for (size_t i = 0; document_["actions"] && i < document_["actions"].size(); ++i) earlier(i);
  }
  [[nodiscard]] std::vector<std::string> take() { return std::move(all_); }

 private:
  template <typename Change>
  void add(const Change& change) {
    YAML::Node document = YAML::Load(text_);
    change(document);
    YAML::Emitter emitter;
    emitter << document;
    all_.push_back(std::string(emitter.c_str()) + "\n");
  }

  /// The moments that the seed chose for random actions: whatever else goes, they stay.
  void fixed_times() {
    if (std::ranges::none_of(scenario_.actions, &scenario::Action::is_random)) return;
    const scenario::ActionTimes times = scenario::action_times(scenario_, Rng(seed_).fork("actions"));
    add([&](YAML::Node& document) {
      for (const auto& [at_ns, action] : times) {
        if (!action->is_random) continue;
        YAML::Node entry = document["actions"][static_cast<size_t>(action - scenario_.actions.data())];
        entry.remove("within");
        entry.remove("until");
        entry["at"] = show_duration(at_ns);
      }
    });
  }

  void interleaved(const YAML::Node& how) {
    add([&](YAML::Node& document) { document["interleaving"] = how; });
  }
  void changing_at(const std::vector<uint64_t>& points) {
    YAML::Node how;
    how["changes"] = YAML::Node(YAML::NodeType::Sequence);
    for (const uint64_t point : points) how["changes"].push_back(point);
    how.SetStyle(YAML::EmitterStyle::Flow);
    interleaved(how);
  }

  /// Not at all; strict priorities without a change; fewer changes, sooner; a walk that switches less often.
  void less_interleaved() {
    const bool by_seed = !scenario_.interleaving;
    RunChoice now =
        by_seed ? choice_of_run(seed_) : RunChoice{scenario_.interleaving->changes, scenario_.interleaving->one_in};
    if (!now.changes && !now.one_in) {
      if (by_seed) interleaved(YAML::Node("none"));
      return;
    }
    interleaved(YAML::Node("none"));
    if (now.one_in || !now.changes->empty() || by_seed) changing_at({});
    if (now.one_in) return slower_walk(*now.one_in);
    const std::vector<uint64_t>& points = *now.changes;
    if (by_seed && !points.empty()) changing_at(points);
    for (size_t i = 0; i < points.size() && points.size() > 1; ++i) {
      std::vector<uint64_t> fewer = points;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      changing_at(fewer);
    }
    for (size_t i = 0; i < points.size(); ++i) {
      for (const uint64_t sooner : less_than(points[i])) {
        std::vector<uint64_t> moved = points;
        moved[i] = sooner;
        changing_at(moved);
      }
    }
  }

  /// Pct with one change may do where a walk did, if it comes at the right time: a few are tried.
  void slower_walk(uint64_t one_in) {
    for (uint64_t point = 1; point < kOneInMax; point *= kSlower) changing_at({point});
    for (uint64_t slower = kOneInMax; slower > one_in; slower /= kSlower) {
      YAML::Node how;
      how["one_in"] = slower;
      how.SetStyle(YAML::EmitterStyle::Flow);
      interleaved(how);
    }
  }

  void without_parts(const char* list, size_t size) {
    for (size_t length = (size + 1) / 2; length != 0; length = length == 1 ? 0 : (length + 1) / 2) {
      for (size_t from = 0; from < size && size > 1; from += length) {
        add([&](YAML::Node& document) {
          YAML::Node kept;
          for (size_t i = 0; i < size; ++i) {
            if (i < from || i >= from + length) kept.push_back(document[list][i]);
          }
          document[list] = kept;
        });
      }
    }
  }

  void without_key(const char* key) {
    if (document_[key]) add([&](YAML::Node& document) { document.remove(key); });
  }

  void smaller_domain(size_t index, const YAML::Node& domain) {
    for (const char* key : {"count", "vcpus"}) {
      if (!domain[key]) continue;
      const auto now = scenario::parse_count(domain[key].Scalar()).value_or(1);
      for (const uint64_t less : {uint64_t{1}, now / 2, now - 1}) {
        if (less != 0 && less < now) add([&](YAML::Node& document) { document["domains"][index][key] = less; });
      }
    }
    for (const char* key : {"weight", "cap", "affinity", "soft_affinity"}) {
      if (domain[key]) add([&](YAML::Node& document) { document["domains"][index].remove(key); });
    }
    if (domain["workload"] && domain["workload"].IsMap() && domain["workload"]["variation"]) {
      add([&](YAML::Node& document) { document["domains"][index]["workload"].remove("variation"); });
    }
    for (size_t i = 0; domain["workloads"] && i < domain["workloads"].size(); ++i) {
      if (!domain["workloads"][i].IsMap() || !domain["workloads"][i]["variation"]) continue;
      add([&](YAML::Node& document) { document["domains"][index]["workloads"][i].remove("variation"); });
    }
  }

  void smaller_faults() {
    const YAML::Node faults = document_["faults"];
    if (!faults) return;
    for (const char* key : {"signal_delay", "timer_lateness", "clock_jitter", "slow_pcpus"}) {
      if (!faults[key]) continue;
      add([&](YAML::Node& document) {
        document["faults"].remove(key);
        if (std::string_view(key) == "slow_pcpus") document["faults"].remove("slow_factor");
      });
    }
    for (const char* key : {"signal_delay", "timer_lateness", "clock_jitter", "until"}) {
      if (faults[key]) less_time("faults", key);
    }
    if (!faults["slow_factor"]) return;
    const uint64_t factor = scenario_.faults.slow_factor;
    for (const uint64_t less : less_than(factor - std::min(factor, scenario::kWholePcpu))) {
      add([&](YAML::Node& document) {
        document["faults"]["slow_factor"] = scenario::show_percent(scenario::kWholePcpu + less);
      });
    }
  }

  void less_time(const char* map, const char* key) {
    for (const uint64_t less : less_than(scenario::parse_duration(document_[map][key].Scalar()).value_or(0))) {
      add([&](YAML::Node& document) { document[map][key] = show_duration(less); });
    }
  }

  void shorter() {
    const auto now = scenario::parse_duration(document_["duration"].Scalar()).value_or(0);
    for (const uint64_t part : {now / 10, now / 4, now / 2, now / 4 * 3, now / 10 * 9}) {
      if (part != 0) add([&](YAML::Node& smaller) { smaller["duration"] = show_duration(with_digits(part, 2)); });
    }
  }

  /// Once instead of again and again, sooner, for a shorter time.
  void earlier(size_t index) {
    const YAML::Node action = document_["actions"][index];
    const scenario::Action& read = scenario_.actions.at(index);
    if (action["every"]) {
      add([&](YAML::Node& document) {
        YAML::Node entry = document["actions"][index];
        for (const char* key : {"every", "from", "until"}) entry.remove(key);
        entry["at"] = show_duration(read.from_ns);
      });
    }
    for (const char* key : {"at", "from", "until"}) {
      if (!action[key]) continue;
      for (const uint64_t less : less_than(scenario::parse_duration(action[key].Scalar()).value_or(0))) {
        add([&](YAML::Node& document) { document["actions"][index][key] = show_duration(less); });
      }
    }
  }

  std::string text_;
  YAML::Node document_;
  scenario::Scenario scenario_;
  uint64_t seed_;
  std::vector<std::string> all_;
};

}  // namespace

std::vector<std::string> smaller_scenarios(const std::string& text, uint64_t seed,
                                           const scenario::ImageFolders& folders) {
  return Candidates(text, seed, folders).take();
}

}  // namespace assay
