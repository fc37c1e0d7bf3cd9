/// `assay minimize`: a scenario that fails becomes smaller for as long as it fails for the same reason.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdio>

#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/scenario/units.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/scenario_batch.hpp"

namespace assay {
namespace {

constexpr size_t kTriedMax = 5000;

/// What has to stay the same.
struct Failure {
  Verdict verdict = Verdict::kPass;
  std::string reason;
  std::string message;
  friend bool operator==(const Failure& a, const Failure& b) { return a.verdict == b.verdict && a.reason == b.reason; }
};

std::string text_of(const YAML::Node& document) {
  YAML::Emitter emitter;
  emitter << document;
  return std::string(emitter.c_str()) + "\n";
}

/// Smaller scenarios, those that are much smaller first.
class Candidates {
 public:
  explicit Candidates(const std::string& text) : text_(text) {
    const YAML::Node document = YAML::Load(text);
    for (const char* list : {"actions", "domains", "expect", "pools"}) {
      if (document[list]) without_parts(list, document[list].size());
    }
    for (const char* key : {"actions", "expect", "faults", "about", "liveness"}) without_key(key);
    for (size_t i = 0; i < document["domains"].size(); ++i) smaller_domain(i, document["domains"][i]);
    for (const char* fault : {"signal_delay", "timer_lateness", "slow_pcpus"}) without_fault(fault);
    shorter(document);
  }
  [[nodiscard]] const std::vector<std::string>& all() const { return all_; }

 private:
  template <typename Change>
  void add(const Change& change) {
    YAML::Node document = YAML::Load(text_);
    change(document);
    all_.push_back(text_of(document));
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
    if (!YAML::Load(text_)[key]) return;
    add([&](YAML::Node& document) { document.remove(key); });
  }

  void without_fault(const char* key) {
    if (!YAML::Load(text_)["faults"] || !YAML::Load(text_)["faults"][key]) return;
    add([&](YAML::Node& document) {
      document["faults"].remove(key);
      if (std::string_view(key) == "slow_pcpus") document["faults"].remove("slow_factor");
    });
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
  }

  void shorter(const YAML::Node& document) {
    const auto now = scenario::parse_duration(document["duration"].Scalar()).value_or(0);
    for (const uint64_t part : {now / 10, now / 4, now / 2, now / 4 * 3, now / 10 * 9}) {
      if (part == 0) continue;
      const std::string time = scenario::show_duration(part / 1000 * 1000);
      add([&](YAML::Node& smaller) { smaller["duration"] = time; });
    }
  }

  std::string text_;
  std::vector<std::string> all_;
};

/// What comes of some texts, with one seed; of those that are no scenarios, nothing.
class Trial {
 public:
  explicit Trial(const RunFlags& flags) : flags_(flags) {}

  /// The first text that fails so; as many as there are when none does. Throws InputError on Ctrl-C.
  size_t first_failing(const std::vector<std::string>& texts, Failure& failure) {
    ScenarioBatch batch;
    std::vector<size_t> places;
    for (size_t i = 0; i < texts.size(); ++i) {
      try {
        scenario::Scenario scenario = scenario::read_scenario(flags_.kernel, texts[i]);
        scenario.name = fmt::format("candidate{}", i);
        batch.scenarios.push_back(std::move(scenario));
      } catch (const InputError&) {
        continue;
      }
      batch.tasks.push_back({places.size(), flags_.seed});
      places.push_back(i);
    }
    if (places.empty()) return texts.size();
    RunObserver nobody;
    const RunOutcome outcome = play_all(flags_, batch, nobody);
    tried_ += places.size();
    interrupted_ = interrupted_ || outcome.interrupted;
    for (size_t i = 0; i < places.size(); ++i) {
      if (!outcome.results[i]) continue;
      const CaseResult& result = *outcome.results[i];
      const Failure found{result.verdict, result.console, result.message};
      const bool is_it = failure.verdict == Verdict::kPass ? found.verdict > Verdict::kInconclusive : found == failure;
      if (!is_it) continue;
      failure = found;
      return places[i];
    }
    return texts.size();
  }
  [[nodiscard]] size_t tried() const { return tried_; }
  [[nodiscard]] bool is_interrupted() const { return interrupted_; }

 private:
  const RunFlags& flags_;
  size_t tried_ = 0;
  bool interrupted_ = false;
};

/// Ever smaller; what there is when nothing smaller fails, time is up or somebody interrupts.
std::string shrink(std::string text, Trial& trial, Failure& failure) {
  while (trial.tried() < kTriedMax && !trial.is_interrupted()) {
    const Candidates candidates(text);
    const size_t found = trial.first_failing(candidates.all(), failure);
    if (found == candidates.all().size()) break;
    text = candidates.all()[found];
  }
  return text;
}

}  // namespace

ExitCode minimize_scenario(const RunFlags& flags) {
  static_cast<void>(scenario::read_scenario_file(flags.kernel));
  static_cast<void>(scenario_core(flags));
  const std::string out =
      flags.out.empty() ? std::filesystem::path(flags.kernel).stem().string() + ".min.yaml" : flags.out;
  std::string text = text_of(YAML::LoadFile(flags.kernel));
  Trial trial(flags);
  Failure failure;
  if (trial.first_failing({text}, failure) != 0) {
    fmt::print(stderr, "assay: {} does not fail with seed {}: there is nothing to make small\n", flags.kernel,
               flags.seed);
    return kExitInconclusive;
  }
  fmt::print("{} {}\n", to_string(failure.verdict), failure.message);
  text = shrink(std::move(text), trial, failure);
  const std::string fault = flags.fault.empty() ? "" : " --fault " + flags.fault;
  const std::string again = fmt::format("tools/assay run {}{} --seed {}", out, fault, flags.seed);
  try {
    write_file(out, fmt::format("# {}\n{}", again, text));
  } catch (const WriteError& error) {
    throw InputError(fmt::format("--out: {}; name a file that can be written", error.what()));
  }
  fmt::print("{}\n    {}\n    {}\n{} tried{}\n", out, failure.message, again, trial.tried(),
             trial.is_interrupted() ? "; interrupted: perhaps not the smallest there is" : "");
  return trial.is_interrupted() ? kExitInterrupted : kExitExpected;
}

}  // namespace assay
