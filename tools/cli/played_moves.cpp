#include "tools/cli/played_moves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace assay {
namespace {

/// The more of it, the more a picture says: a fault that struck, rounds, time.
auto worth_of(const MoveRecord& record) {
  const hosts::MoveTimeline& times = record.drawn.timeline;
  return std::tuple(record.has_struck && record.drawn.end == hosts::MoveEnd::kStayed, times.rounds.size(),
                    times.resumed_ns - std::min(times.resumed_ns, times.suspended_ns));
}

}  // namespace

PlayedMoves::PlayedMoves(const MigrateFlags& with, std::vector<hosts::MoveCase> all, RunOutcome came)
    : flags(with), cases(std::move(all)), outcome(std::move(came)), records(cases.size()) {
  for (size_t i = 0; i < cases.size(); ++i) {
    if (outcome.results[i]) records[i] = decode_move_record(outcome.results[i]->console);
  }
}

bool PlayedMoves::is_wrong(size_t index) const {
  return outcome.results[index] && outcome.results[index]->verdict > Verdict::kInconclusive;
}

size_t PlayedMoves::played() const {
  return static_cast<size_t>(std::ranges::count_if(outcome.results, [](const auto& one) { return one.has_value(); }));
}

size_t PlayedMoves::wrong_count() const {
  size_t count = 0;
  for (size_t i = 0; i < cases.size(); ++i) count += is_wrong(i) ? 1u : 0u;
  return count;
}

size_t PlayedMoves::unmet_count() const {
  return static_cast<size_t>(std::ranges::count_if(
      outcome.results, [](const auto& result) { return result && result->verdict == Verdict::kInconclusive; }));
}

std::optional<size_t> PlayedMoves::drawn() const {
  std::optional<size_t> best;
  for (size_t i = 0; i < cases.size(); ++i) {
    if (records[i].drawn.number == 0) continue;
    if (is_wrong(i)) return i;
    if (!best || worth_of(records[i]) > worth_of(records[*best])) best = i;
  }
  return best;
}

std::string reproduction(const MigrateFlags& flags, const std::string& case_flags) {
  const std::string target = flags.target == "hv" ? "" : " --target " + flags.target;
  const std::string onto = flags.onto.empty() ? "" : " --onto " + flags.onto;
  const std::string fault = flags.fault.empty() ? "" : " --fault " + flags.fault;
  const std::string onto_fault = flags.onto_fault.empty() ? "" : " --onto-fault " + flags.onto_fault;
  const std::string unicorn = flags.is_unicorn ? " --unicorn" : "";
  return "tools/assay migrate" + target + onto + fault + onto_fault + unicorn + case_flags;
}

std::string way_of(const hosts::MoveCase& one) {
  return fmt::format("{} {}", to_string(one.type), one.is_live ? "live" : "suspended");
}

}  // namespace assay
