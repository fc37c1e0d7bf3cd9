/// `assay minimize`: a scenario that fails becomes smaller for as long as it fails for the same reason.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"
#include "sim/scenario/interleaving_of.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/scenario_batch.hpp"
#include "tools/cli/scenario_candidates.hpp"
#include "tools/cli/scenario_picture.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTriedMax = 5000;

/// What has to stay the same.
struct Failure {
  Verdict verdict = Verdict::kPass;
  std::string reason;
  std::string message;
  friend bool operator==(const Failure& a, const Failure& b) { return a.verdict == b.verdict && a.reason == b.reason; }
};

/// Of a scenario in the place of the one that the flags name.
scenario::ImageFolders folders_of(const RunFlags& flags) {
  scenario::ImageFolders folders = image_folders(flags);
  folders.insert(folders.begin(), fs::absolute(flags.kernel).parent_path());
  return folders;
}

scenario::Scenario read_text(const RunFlags& flags, const std::string& text) {
  return scenario::read_scenario(flags.kernel, text, folders_of(flags));
}

/// What comes of some texts, with one seed; of those that are no scenarios, nothing.
class Trial {
 public:
  explicit Trial(const RunFlags& flags) : flags_(flags) {}

  /// The first text that fails so; as many as there are when none does.
  size_t first_failing(const std::vector<std::string>& texts, Failure& failure) {
    ScenarioBatch batch;
    std::vector<size_t> places;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (!seen_.insert(texts[i]).second) continue;
      try {
        scenario::Scenario scenario = read_text(flags_, texts[i]);
        scenario.name = fmt::format("candidate{}", i);
        batch.scenarios.push_back(std::move(scenario));
      } catch (const InputError&) {
        continue;
      }
      batch.tasks.push_back({places.size(), flags_.seed});
      places.push_back(i);
    }
    if (places.empty()) return texts.size();
    const auto is_it = [&](const CaseResult& result) {
      return failure.verdict == Verdict::kPass ? result.verdict > Verdict::kInconclusive
                                               : Failure{result.verdict, result.console, {}} == failure;
    };
    RunObserver nobody;
    const RunOutcome outcome = play_all(flags_, batch, nobody, is_it);
    interrupted_ = interrupted_ || outcome.interrupted;
    size_t found = texts.size();
    for (size_t i = 0; i < places.size(); ++i) {
      if (!outcome.results[i]) continue;
      ++tried_;
      const CaseResult& result = *outcome.results[i];
      if (found != texts.size() || !is_it(result)) continue;
      failure = {result.verdict, result.console, result.message};
      found = places[i];
    }
    return found;
  }
  [[nodiscard]] size_t tried() const { return tried_; }
  [[nodiscard]] bool is_interrupted() const { return interrupted_; }

 private:
  const RunFlags& flags_;
  std::set<std::string> seen_;  ///< a text that did not fail so never will
  size_t tried_ = 0;
  bool interrupted_ = false;
};

/// Ever smaller; what there is when nothing smaller fails, time is up or somebody interrupts.
std::string shrink(std::string text, const RunFlags& flags, Trial& trial, Failure& failure) {
  const scenario::ImageFolders folders = folders_of(flags);
  while (trial.tried() < kTriedMax && !trial.is_interrupted()) {
    const std::vector<std::string> candidates = smaller_scenarios(text, flags.seed, folders);
    const size_t found = trial.first_failing(candidates, failure);
    if (found == candidates.size()) break;
    text = candidates[found];
  }
  return text;
}

std::string interleaving_in_words(const scenario::Scenario& scenario, uint64_t seed) {
  const RunChoice choice = scenario.interleaving
                               ? RunChoice{scenario.interleaving->changes, scenario.interleaving->one_in}
                               : choice_of_run(seed);
  if (choice.one_in) return fmt::format("pCPUs interleaved by a walk, elsewhere at one point in {}", *choice.one_in);
  if (!choice.changes) return "no interleaving inside the core: it is no race";
  return fmt::format("pCPUs interleaved by strict priorities, changed {} times", choice.changes->size());
}

/// What of the scenario it takes.
std::string left_in_words(const scenario::Scenario& before, const scenario::Scenario& after, uint64_t seed) {
  const auto vcpus = [](const scenario::Scenario& scenario) {
    size_t sum = 0;
    for (const scenario::DomainSpec& domain : scenario.domains) sum += domain.vcpus.size();
    return sum;
  };
  return fmt::format("what it takes: {} of {} domains, {} of {} vCPUs, {} of {} actions, {} of {} expectations, {}; {}",
                     after.domains.size(), before.domains.size(), vcpus(after), vcpus(before), after.actions.size(),
                     before.actions.size(), after.expectations.size(), before.expectations.size(),
                     after.faults.any() ? "late or slow hardware" : "hardware without faults",
                     interleaving_in_words(after, seed));
}

/// Where what is left goes: a file, or in a folder, where its picture is beside it.
struct Places {
  fs::path file;
  fs::path folder;  ///< empty: no picture
};

Places places_of(const RunFlags& flags) {
  const fs::path small = fs::path(flags.kernel).stem().string() + ".min.yaml";
  if (flags.out.empty()) return {small, {}};
  const bool is_file = flags.out.ends_with(".yaml") || flags.out.ends_with(".yml");
  if (is_file) return {flags.out, {}};
  return {flags.out / small, flags.out};
}

void draw(const RunFlags& flags, const Places& places, const std::string& text, const std::string& again) {
  scenario::Scenario scenario = read_text(flags, text);
  scenario.name = places.file.stem().string();
  const std::string why_not = draw_in_worker(scenario_factory(flags), scenario,
                                             {.out = places.folder,
                                              .seed = flags.seed,
                                              .file = places.file.string(),
                                              .reproduce = again,
                                              .evidence = {},
                                              .report = {}});
  if (why_not.empty()) {
    fmt::print("    {}\n", (places.folder / kPicturePage).string());
  } else {
    fmt::print(stderr, "assay: no picture of {}: {}\n", places.file.string(), why_not);
  }
}

std::string with_what_it_fails(const scenario::Scenario& scenario) {
  const std::string fault = scenario.finds.empty() ? "NAME" : scenario.finds;
  return fmt::format("name the seed with which it does, --seed N, or the planted fault, --fault {}", fault);
}

}  // namespace

ExitCode minimize_scenario(const RunFlags& flags) {
  const scenario::Scenario before = scenario::read_scenario_file(flags.kernel, image_folders(flags));
  static_cast<void>(scenario_core(flags));
  const Places places = places_of(flags);
  expect_free(places.file, flags.force);
  if (!places.folder.empty()) prepare_out(flags.out);
  YAML::Emitter emitter;
  emitter << YAML::LoadFile(flags.kernel);
  std::string text = std::string(emitter.c_str()) + "\n";
  Trial trial(flags);
  Failure failure;
  if (trial.first_failing({text}, failure) != 0) {
    fmt::print(stderr, "assay: {} does not fail with seed {}: there is nothing to make small; {}\n", flags.kernel,
               flags.seed, with_what_it_fails(before));
    return kExitBadInput;
  }
  fmt::print("{} {}\n", to_string(failure.verdict), failure.message);
  text = shrink(std::move(text), flags, trial, failure);
  const std::string fault = flags.fault.empty() ? "" : " --fault " + flags.fault;
  const std::string again = fmt::format("tools/assay run {}{} --seed {}", places.file.string(), fault, flags.seed);
  try {
    write_file(places.file, fmt::format("# {}\n{}", again, text));
  } catch (const WriteError& error) {
    throw InputError(fmt::format("--out: {}; name a file or folder that can be written", error.what()));
  }
  fmt::print("{}\n    why it fails: {}\n    {}\n    {}\n", places.file.string(), failure.message,
             left_in_words(before, read_text(flags, text), flags.seed), again);
  if (!places.folder.empty() && !trial.is_interrupted()) draw(flags, places, text, again);
  fmt::print("{} tried{}\n", trial.tried(),
             trial.is_interrupted() ? "; interrupted: perhaps not the smallest there is" : "");
  return trial.is_interrupted() ? kExitInterrupted : kExitExpected;
}

}  // namespace assay
