#include "fuzz/faults/properties_detector.hpp"

#include <algorithm>
#include <iterator>

#include "fuzz/sequence/property_check.hpp"

namespace assay {
namespace {

constexpr size_t kSequences = 24;  // of each family and type of guest
constexpr size_t kLength = 100;
/// A fault in a race shows only where an interleaving hits it.
constexpr size_t kLengthOfRaces = 500;
/// For making one small. What takes longer is told as it is then.
constexpr std::chrono::seconds kSequenceShrinkLimit{10};

std::vector<fuzz::Task> tasks_for(uint64_t seed) {
  std::vector<const fuzz::Family*> plain, races;
  for (const fuzz::Family* family : fuzz::families()) {
    const bool is_race = std::ranges::count(family->spec.needs, Capability::kSteer) != 0;
    (is_race ? races : plain).push_back(family);
  }
  std::vector<fuzz::Task> tasks =
      fuzz::tasks_of({.families = plain, .seed = seed, .sequences = kSequences, .length = kLength});
  std::ranges::move(
      fuzz::tasks_of({.families = races, .seed = seed, .sequences = kSequences, .length = kLengthOfRaces}),
      std::back_inserter(tasks));
  return tasks;
}

Detection describe(const fuzz::Task& task, const fuzz::TaskResult& failing, const fuzz::ShrinkSettings& settings) {
  const fuzz::Counterexample small = fuzz::make_small(task, failing, settings);
  return {.found = true,
          .verdict = std::string(to_string(failing.verdict)),
          .by = to_text(small.task),
          .message = small.message,
          .steps = small.task.sequence.size()};
}

}  // namespace

PropertiesDetector::PropertiesDetector(uint64_t seed, unsigned jobs)
    : tasks_(tasks_for(seed)), reach_(tasks_.size()), seed_(seed), jobs_(jobs) {}

Detection PropertiesDetector::look(const Suspect& suspect) {
  RunOptions options = detector_options(seed_, jobs_);
  const fuzz::ShrinkSettings settings{.make_target = suspect.make, .options = options, .limit = kSequenceShrinkLimit};
  options.enough = [](size_t, const CaseResult& result) { return result.verdict > Verdict::kInconclusive; };
  const std::vector<fuzz::Task> tasks = pick(tasks_, reach_.tasks(suspect.place));
  RunObserver silent;
  const fuzz::TasksOutcome outcome = fuzz::run_tasks(suspect.make, tasks, fuzz::Keep::kNothing, options, silent);
  must_have_ended(outcome.run);
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (outcome.results[i] && outcome.results[i]->failed()) return describe(tasks[i], *outcome.results[i], settings);
  }
  if (outcome.run.unavailable.empty() && !suspect.place) reach_.learn(outcome.results);
  return said_by_boot(outcome.run);
}

}  // namespace assay
