#include "sim/hosts/move_case.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "sim/engine/machine_digest.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

namespace {

/// Between two moves the domain works for so long.
constexpr uint64_t kRestNs = 500'000;

LoadOptions load_of(const MoveCase& one) {
  LoadOptions load;
  load.guest.type = one.type;
  load.guest.pages = one.pages;
  load.writes_per_ms = one.writes_per_ms;
  load.has_traffic = one.has_traffic;
  return load;
}

MoveOptions options_of(const MoveCase& one, bool is_first) {
  MoveOptions options;
  options.is_live = one.is_live;
  options.rounds.rounds_max = one.rounds_max;
  if (is_first) options.fault = one.fault;
  return options;
}

/// What complains, without what it says; of what is no oracle's, the words without their numbers.
std::string oracle_of(const std::string& said) {
  const std::string name = said.substr(0, said.find(':'));
  if (name != "refused" && name != "death" && name != "arrival") return name;
  std::string words = said;
  std::erase_if(words, [](char c) { return c >= '0' && c <= '9'; });
  return words;
}

}  // namespace

std::string flags_of(const MoveCase& one) {
  const MoveCase usual;
  std::string text = " --guest " + std::string(to_string(one.type)) + (one.is_live ? " --live" : " --suspended");
  const auto add = [&](const char* flag, uint64_t value, uint64_t is_usual) {
    if (value != is_usual) text += std::string(" ") + flag + " " + std::to_string(value);
  };
  if (one.fault != usual.fault) text += " --point " + to_string(one.fault);
  text += " --moves " + std::to_string(one.moves);
  add("--pages", one.pages, usual.pages);
  add("--dirty-rate", one.writes_per_ms, usual.writes_per_ms);
  add("--rounds", one.rounds_max, usual.rounds_max);
  if (!one.has_traffic) text += " --no-traffic";
  return text + " --seed " + std::to_string(one.seed);
}

std::string id_of(const MoveCase& one) {
  return std::string(to_string(one.type)) + (one.is_live ? ".live." : ".suspended.") + to_string(one.fault) + ".seed" +
         std::to_string(one.seed);
}

MoveOutcome MovePlayer::play(const MoveCase& one) {
  MoveOutcome outcome;
  try {
    play_moves(one, outcome);
  } catch (const TargetDied& died) {
    outcome.wrong.push_back(std::string("death: ") + died.what());
  } catch (const ToolstackError& error) {
    outcome.wrong.push_back(std::string("refused: ") + error.what());
  }
  MachineDigest digest;
  for (size_t i = 0; i < hosts_.count(); ++i) digest.fold(hosts_.host(i).target().digest());
  outcome.digest = digest.value();
  return outcome;
}

void MovePlayer::play_moves(const MoveCase& one, MoveOutcome& outcome) {
  hosts_.begin(one.seed);
  BusyDomain busy(hosts_, load_of(one));
  size_t at = 0;
  const bool is_retried = one.fault.where != FaultPoint::Where::kNone;
  for (uint64_t made = 0; made < one.moves + (is_retried ? 1 : 0); ++made) {
    const size_t to = (at + 1) % hosts_.count();
    outcome.reports.push_back(move(hosts_, busy, to, options_of(one, made == 0)));
    const MoveReport& report = outcome.reports.back();
    outcome.wrong = report.wrong;
    const bool is_free = made != 0 || !is_retried || !report.has_struck;
    if (is_free && report.end != MoveEnd::kArrived)
      outcome.wrong.push_back("arrival: without a fault: " + report.error);
    if (!outcome.wrong.empty() || report.end == MoveEnd::kLost) return;
    if (report.end == MoveEnd::kArrived) at = to;
    hosts_.pass_time(kRestNs);
    busy.work();
  }
}

namespace {

using Change = std::function<bool(MoveCase&)>;  ///< false: nothing is left to change

bool lower(uint64_t& value, uint64_t to) {
  if (value <= to) return false;
  value = to;
  return true;
}

/// From the boldest to the mildest.
std::vector<Change> changes() {
  std::vector<Change> all;
  for (const uint64_t moves : {1u, 2u, 4u, 16u}) all.emplace_back([=](MoveCase& c) { return lower(c.moves, moves); });
  all.emplace_back([](MoveCase& c) { return std::exchange(c.has_traffic, false); });
  for (const uint32_t pages : {544u, 640u, 768u}) {
    all.emplace_back([=](MoveCase& c) { return c.pages > pages && ((c.pages = pages) != 0); });
  }
  for (const uint32_t rounds : {0u, 1u, 2u}) {
    all.emplace_back([=](MoveCase& c) { return c.is_live && c.rounds_max > rounds && (c.rounds_max = rounds, true); });
  }
  for (const uint64_t rate : {0u, 1u}) all.emplace_back([=](MoveCase& c) { return lower(c.writes_per_ms, rate); });
  all.emplace_back([](MoveCase& c) { return lower(c.fault.byte, 0); });
  all.emplace_back([](MoveCase& c) { return lower(c.fault.at, c.fault.at / 2); });
  all.emplace_back([](MoveCase& c) { return c.fault.at > 0 && lower(c.fault.at, c.fault.at - 1); });
  all.emplace_back([](MoveCase& c) { return c.moves > 1 && lower(c.moves, c.moves - 1); });
  return all;
}

}  // namespace

MoveCase shrunk(MovePlayer& player, const MoveCase& failing, const MoveOutcome& outcome, unsigned tries) {
  MoveCase best = failing;
  if (outcome.wrong.empty()) return best;
  const std::string oracle = oracle_of(outcome.wrong.front());
  const bool has_fault = failing.fault.where != FaultPoint::Where::kNone;
  if (!has_fault && !outcome.reports.empty()) best.moves = outcome.reports.size();
  for (bool is_better = true; is_better;) {
    is_better = false;
    for (const Change& change : changes()) {
      MoveCase candidate = best;
      if (!change(candidate) || candidate == best) continue;
      if (tries-- == 0) return best;
      const MoveOutcome tried = player.play(candidate);
      const bool fails =
          std::ranges::any_of(tried.wrong, [&](const std::string& said) { return oracle_of(said) == oracle; });
      if (!fails) continue;
      best = candidate;
      is_better = true;
    }
  }
  return best;
}

}  // namespace assay::hosts
