#include "tools/cli/move_record.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace assay::hosts {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MoveRound, ended_ns, dirty, sent, sent_bytes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MoveEvent, ns, host, what, is_trouble)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MoveTimeline, source, target, began_ns, suspended_ns, sent_ns, restoring_ns,
                                   restored_ns, resumed_ns, rounds, events)

}  // namespace assay::hosts

namespace assay {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MoveNumbers, end, pages, bytes, rounds, downtime_ns)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DrawnMove, number, end, error, wrong, timeline)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MoveRecord, moves, met, has_struck, parts, source_calls, target_calls, drawn)

namespace {

using hosts::MoveEnd;
using hosts::MoveReport;

MoveNumbers numbers_of(const MoveReport& report) {
  const hosts::MoveTimeline& times = report.timeline;
  MoveNumbers numbers{report.end, report.saved.pages, report.sent_bytes, times.rounds.size(), 0};
  if (report.end == MoveEnd::kArrived) numbers.downtime_ns = times.resumed_ns - times.suspended_ns;
  return numbers;
}

/// Index of a report; nothing when the move that failed has none, as it ended in the middle.
std::optional<size_t> to_draw(const hosts::MoveCase& one, const hosts::MoveOutcome& outcome,
                              const std::vector<MoveNumbers>& moves) {
  if (!outcome.wrong.empty()) {
    const std::string& said = outcome.wrong.front();
    return said.starts_with("death:") || said.starts_with("refused:") ? std::nullopt : std::optional(moves.size() - 1);
  }
  if (one.fault.where != hosts::FaultPoint::Where::kNone) return 0;
  return static_cast<size_t>(std::ranges::max_element(moves, {}, &MoveNumbers::downtime_ns) - moves.begin());
}

}  // namespace

MoveRecord record_of(const hosts::MoveCase& one, const hosts::MoveOutcome& outcome) {
  MoveRecord record;
  if (outcome.reports.empty()) return record;
  for (const MoveReport& report : outcome.reports) record.moves.push_back(numbers_of(report));
  const MoveReport& first = outcome.reports.front();
  record.met = first.met;
  record.has_struck = first.has_struck;
  record.parts = first.parts;
  record.source_calls = first.source_calls;
  record.target_calls = first.target_calls;
  if (const auto index = to_draw(one, outcome, record.moves)) {
    const MoveReport& chosen = outcome.reports[*index];
    record.drawn = {*index + 1, chosen.end, chosen.error, outcome.wrong, chosen.timeline};
  }
  return record;
}

std::string encode(const MoveRecord& record) {
  return nlohmann::json(record).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

MoveRecord decode_move_record(const std::string& text) {
  const auto value = nlohmann::json::parse(text, nullptr, false);
  return value.is_object() ? value.get<MoveRecord>() : MoveRecord{};
}

void MovesSummary::add(const MoveNumbers& move) {
  ++moves;
  arrived += move.end == MoveEnd::kArrived ? 1u : 0u;
  stayed += move.end == MoveEnd::kStayed ? 1u : 0u;
  lost += move.end == MoveEnd::kLost ? 1u : 0u;
  pages += move.pages;
  bytes += move.bytes;
  rounds += move.rounds;
  downtime_ns += move.downtime_ns;
  downtime_most_ns = std::max(downtime_most_ns, move.downtime_ns);
}

void MovesSummary::add(const MoveRecord& record) {
  for (const MoveNumbers& move : record.moves) add(move);
}

}  // namespace assay
