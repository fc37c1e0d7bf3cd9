#include "fuzz/faults/fuzz_detector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "fuzz/faults/batch_player.hpp"
#include "fuzz/sequence/shorten.hpp"

namespace assay {
namespace {

using Clock = std::chrono::steady_clock;
using Operations = std::vector<std::string>;

constexpr size_t kShrinkBatch = 8;
/// Of processor time, for a batch: it takes milliseconds, and what breaks is made small in it.
constexpr std::chrono::seconds kBatchLimit{10};

bool broke(const CaseResult& result) {
  return result.verdict > Verdict::kInconclusive;
}

std::vector<Variant> numbered(size_t count) {
  std::vector<Variant> variants(count);
  for (size_t i = 0; i < count; ++i) variants[i].id = std::to_string(i);
  return variants;
}

/// Plays batches in worker processes, each in the end as small as it was made on the spot.
class Batches {
 public:
  Batches(const TargetFactory& make_target, uint64_t seed, unsigned jobs)
      : make_target_(make_target), options_(detector_options(seed, jobs)), single_limit_(options_.case_limit) {
    options_.enough = [](size_t, const CaseResult& result) { return broke(result); };
  }

  RunOutcome play(const std::vector<InputBatch>& batches, OnTheSpot on_the_spot) {
    options_.case_limit = on_the_spot == OnTheSpot::kMakeSmall ? kBatchLimit : single_limit_;
    options_.grade = [&batches, player = std::make_shared<BatchPlayer>(on_the_spot)](Target& target,
                                                                                     const Variant& variant) {
      return player->play(dynamic_cast<HostTarget&>(target), batches[std::stoul(variant.id)]);
    };
    RunObserver silent;
    RunOutcome outcome = run_variants(make_target_, numbered(batches.size()), options_, silent);
    must_have_ended(outcome);
    return outcome;
  }

 private:
  const TargetFactory& make_target_;
  RunOptions options_;
  std::chrono::milliseconds single_limit_;
};

/// The first of `results` that broke something; as many as there are when none did.
size_t first_broken(const std::vector<std::optional<CaseResult>>& results) {
  const auto found = std::ranges::find_if(results, [](const auto& result) { return result && broke(*result); });
  return static_cast<size_t>(found - results.begin());
}

std::vector<InputBatch> one_by_one(const fuzz::GuestTarget& target, const std::vector<std::string>& inputs) {
  std::vector<InputBatch> batches;
  for (const std::string& input : inputs) batches.push_back({&target, {input}});
  return batches;
}

Detection describe(const fuzz::GuestTarget& target, std::string_view input, const CaseResult& result) {
  return {.found = true,
          .verdict = std::string(to_string(result.verdict)),
          .by = target.show(input),
          .message = result.message,
          .steps = operations_of(target, input).size()};
}

/// Where no input does it alone.
Detection describe_all(const InputBatch& batch, const CaseResult& result) {
  Detection detection = describe(*batch.target, "", result);
  detection.by = fmt::format("{}: {} inputs together", batch.target->name, batch.inputs.size());
  for (const std::string& input : batch.inputs) detection.steps += operations_of(*batch.target, input).size();
  return detection;
}

/// One of the batch ends the process or takes for ever: which, and what of it is enough for that.
Detection found_from_outside(Batches& workers, const InputBatch& batch, const CaseResult& of_batch) {
  const fuzz::GuestTarget& target = *batch.target;
  const RunOutcome single = workers.play(one_by_one(target, batch.inputs), OnTheSpot::kLeave);
  const size_t at = first_broken(single.results);
  if (at == batch.inputs.size()) return describe_all(batch, of_batch);
  const std::string& input = batch.inputs[at];
  const auto until = Clock::now() + kShrinkLimit;
  const std::function<size_t(const std::vector<Operations>&)> first_failing = [&](const auto& tried) {
    std::vector<std::string> inputs;
    for (const Operations& left : tried) inputs.push_back(input_of(target, input, left));
    return first_broken(workers.play(one_by_one(target, inputs), OnTheSpot::kLeave).results);
  };
  const std::function<bool()> goes_on = [&] { return Clock::now() < until; };
  fuzz::Shortening<std::string> shortening(operations_of(target, input), kShrinkBatch, first_failing, goes_on);
  while (shortening.take_out()) {
  }
  return describe(target, input_of(target, input, shortening.shortest()), *single.results[at]);
}

}  // namespace

void FuzzDetector::learn(const std::vector<std::optional<CaseResult>>& results) {
  std::map<const fuzz::GuestTarget*, std::set<uint32_t>> places_of;
  for (size_t i = 0; i < batches_.size(); ++i) {
    places_of[batches_[i].target].insert(results[i]->places_met.begin(), results[i]->places_met.end());
  }
  for (size_t i = 0; i < batches_.size(); ++i) {
    const std::set<uint32_t>& places = places_of[batches_[i].target];
    reach_.note(i, {places.begin(), places.end()});
  }
}

Detection FuzzDetector::look(const Suspect& suspect) {
  const std::vector<InputBatch> batches = pick(batches_, reach_.tasks(suspect.place));
  Batches workers(suspect.make, seed_, jobs_);
  const RunOutcome outcome = workers.play(batches, OnTheSpot::kMakeSmall);
  const size_t at = first_broken(outcome.results);
  if (at == batches.size()) {
    if (outcome.unavailable.empty() && !suspect.place) learn(outcome.results);
    return said_by_boot(outcome);
  }
  const CaseResult& result = *outcome.results[at];
  if (result.console.empty()) return found_from_outside(workers, batches[at], result);
  return describe(*batches[at].target, result.console, result);
}

}  // namespace assay
