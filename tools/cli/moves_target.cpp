#include "tools/cli/moves_target.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>

#include "tools/cli/migrate_page.hpp"

namespace assay {
namespace {

constexpr unsigned kShrinkTries = 200;

template <typename Play>
CaseResult timed(Play play) {
  CaseResult result;
  const auto start = std::chrono::steady_clock::now();
  try {
    play(result);
  } catch (const std::exception& error) {
    result.verdict = Verdict::kError;
    result.message = error.what();
  }
  const auto spent = std::chrono::steady_clock::now() - start;
  result.duration_us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
  return result;
}

void put(std::ostream& out, const MovesSummary& s) {
  for (const uint64_t number :
       {s.moves, s.arrived, s.stayed, s.lost, s.pages, s.bytes, s.rounds, s.downtime_ns, s.downtime_most_ns}) {
    out << number << ' ';
  }
}

}  // namespace

void MovesSummary::add(const MovesSummary& other) {
  moves += other.moves;
  arrived += other.arrived;
  stayed += other.stayed;
  lost += other.lost;
  pages += other.pages;
  bytes += other.bytes;
  rounds += other.rounds;
  downtime_ns += other.downtime_ns;
  downtime_most_ns = std::max(downtime_most_ns, other.downtime_most_ns);
}

MovesSummary summary_of(const hosts::MoveOutcome& outcome) {
  MovesSummary sum;
  for (const hosts::MoveReport& report : outcome.reports) {
    const bool has_arrived = report.end == hosts::MoveEnd::kArrived;
    const uint64_t downtime = has_arrived ? report.resumed_ns - report.suspended_ns : 0;
    sum.add({.moves = 1,
             .arrived = has_arrived ? 1u : 0u,
             .stayed = report.end == hosts::MoveEnd::kStayed ? 1u : 0u,
             .lost = report.end == hosts::MoveEnd::kLost ? 1u : 0u,
             .pages = report.saved.pages,
             .bytes = report.sent_bytes,
             .rounds = report.saved.rounds.size(),
             .downtime_ns = downtime,
             .downtime_most_ns = downtime});
  }
  return sum;
}

MovesTarget::MovesTarget(const std::vector<HostOptions>& hosts)
    : player_(hosts), info_(player_.hosts().host(0).target().info()) {}

CaseResult MovesTarget::play(const hosts::MoveCase& one) {
  return timed([&](CaseResult& result) {
    const hosts::MoveOutcome outcome = player_.play(one);
    result.verdict = outcome.wrong.empty() ? Verdict::kPass : Verdict::kFail;
    result.digest = outcome.digest;
    std::ostringstream numbers;
    put(numbers, summary_of(outcome));
    result.console = numbers.str();
    if (outcome.wrong.empty()) return;
    result.message = outcome.wrong.front();
    result.notes.assign(outcome.wrong.begin() + 1, outcome.wrong.end());
  });
}

CaseResult MovesTarget::draw(hosts::MoveCase one) {
  return timed([&](CaseResult& result) {
    one.fault = {};
    one.moves = 1;
    const hosts::MoveOutcome outcome = player_.play(one);
    result.verdict = Verdict::kPass;
    if (!outcome.reports.empty()) result.notes = notes_of(outcome.reports.front());
  });
}

CaseResult MovesTarget::shrink(const hosts::MoveCase& failing) {
  return timed([&](CaseResult& result) {
    const hosts::MoveCase left = hosts::shrunk(player_, failing, player_.play(failing), kShrinkTries);
    result.verdict = Verdict::kPass;
    result.message = hosts::flags_of(left);
  });
}

MovesSummary numbers_in(const CaseResult& result) {
  std::istringstream in(result.console);
  MovesSummary s;
  in >> s.moves >> s.arrived >> s.stayed >> s.lost >> s.pages >> s.bytes >> s.rounds >> s.downtime_ns >>
      s.downtime_most_ns;
  return s;
}

}  // namespace assay
