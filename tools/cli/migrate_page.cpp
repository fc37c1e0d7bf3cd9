#include "tools/cli/migrate_page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conformance/runner/assemble.hpp"
#include "tools/cli/migrate_picture.hpp"

namespace assay {
namespace {

using hosts::FaultPoint;
using hosts::MoveCase;

constexpr uint64_t kMiB = 1 << 20;

uint64_t whole_us(uint64_t ns) {
  return ns / 1000;
}

std::string kind_of(const FaultPoint& point) {
  const std::string text = hosts::to_string(point);
  return point.where == FaultPoint::Where::kNone ? "no fault" : text.substr(0, text.find(':'));
}

struct Counts {
  size_t cases = 0, wrong = 0, met = 0;
  MovesSummary sum;
};

/// In the order in which they are met first.
using Counted = std::vector<std::pair<std::string, Counts>>;

Counts& entry(Counted& all, const std::string& name) {
  auto found = std::ranges::find(all, name, &Counted::value_type::first);
  if (found == all.end()) found = all.insert(all.end(), {name, {}});
  return found->second;
}

void count(const PlayedMoves& played, size_t index, Counts& counts) {
  ++counts.cases;
  counts.wrong += played.is_wrong(index) ? 1u : 0u;
  counts.met += played.records[index].has_struck ? 1u : 0u;
  counts.sum.add(played.records[index]);
}

MigrationPage::Table ways_table(const PlayedMoves& played) {
  MigrationPage::Table table{"What came of the moves",
                             {"Domain", "Cases", "Wrong", "Moves", "Arrived", "Stayed", "Lost with host", "Pages sent",
                              "MiB sent", "Rounds a move", "Downtime, mean us", "at most us"},
                             {}};
  Counted all;
  for (size_t i = 0; i < played.cases.size(); ++i) {
    if (played.outcome.results[i]) count(played, i, entry(all, way_of(played.cases[i])));
  }
  for (const auto& [name, counts] : all) {
    const MovesSummary& sum = counts.sum;
    if (counts.wrong != 0) table.bad_rows.push_back(table.rows.size());
    table.rows.push_back(
        {name, with_commas(counts.cases), with_commas(counts.wrong), with_commas(sum.moves), with_commas(sum.arrived),
         with_commas(sum.stayed), with_commas(sum.lost), with_commas(sum.pages), with_commas(sum.bytes / kMiB),
         fmt::format("{:.1f}", static_cast<double>(sum.rounds) / static_cast<double>(std::max<uint64_t>(1, sum.moves))),
         with_commas(whole_us(sum.downtime_ns / std::max<uint64_t>(1, sum.arrived))),
         with_commas(whole_us(sum.downtime_most_ns))});
  }
  return table;
}

/// Of the first move, which has the fault.
void count_first(const PlayedMoves& played, size_t index, Counts& counts) {
  ++counts.cases;
  counts.wrong += played.is_wrong(index) ? 1u : 0u;
  const MoveRecord& record = played.records[index];
  counts.met += record.has_struck ? 1u : 0u;
  if (!record.moves.empty()) counts.sum.add(record.moves.front());
}

MigrationPage::Group group_of(const std::string& where, const Counted& kinds) {
  MigrationPage::Group group{"", false, {where, {"Fault", "Points", "Met", "Arrived", "Stayed", "Lost", "Wrong"}, {}}};
  Counts all;
  for (const auto& [kind, counts] : kinds) {
    if (counts.wrong != 0) group.table.bad_rows.push_back(group.table.rows.size());
    group.table.rows.push_back({kind, with_commas(counts.cases), with_commas(counts.met),
                                with_commas(counts.sum.arrived), with_commas(counts.sum.stayed),
                                with_commas(counts.sum.lost), with_commas(counts.wrong)});
    all.cases += counts.cases;
    all.wrong += counts.wrong;
  }
  group.is_bad = all.wrong != 0;
  group.summary = fmt::format("{} points, {} wrong", with_commas(all.cases), with_commas(all.wrong));
  return group;
}

/// For each kind of place, what came of each kind of fault there.
std::vector<MigrationPage::Group> groups_of(const PlayedMoves& played) {
  std::vector<std::pair<std::string, Counted>> places;
  for (size_t i = 0; i < played.cases.size(); ++i) {
    if (!played.outcome.results[i] || played.cases[i].fault == FaultPoint{}) continue;
    const std::string& met = played.records[i].met;
    const std::string where = met.empty() ? "no such place" : met;
    auto found = std::ranges::find(places, where, &std::pair<std::string, Counted>::first);
    if (found == places.end()) found = places.insert(places.end(), {where, {}});
    count_first(played, i, entry(found->second, kind_of(played.cases[i].fault)));
  }
  std::vector<MigrationPage::Group> groups;
  for (const auto& [where, kinds] : places) groups.push_back(group_of(where, kinds));
  return groups;
}

std::vector<MigrationPage::Distributions> distributions_of(const PlayedMoves& played) {
  struct Values {
    std::string way;
    std::vector<uint64_t> downtimes, kibs, rounds;
  };
  std::vector<Values> all;
  for (size_t i = 0; i < played.cases.size(); ++i) {
    const std::string way = way_of(played.cases[i]);
    for (const MoveNumbers& move : played.records[i].moves) {
      if (move.end != hosts::MoveEnd::kArrived) continue;
      auto found = std::ranges::find(all, way, &Values::way);
      if (found == all.end()) found = all.insert(all.end(), {way, {}, {}, {}});
      found->downtimes.push_back(whole_us(move.downtime_ns));
      found->kibs.push_back(move.bytes / 1024);
      found->rounds.push_back(move.rounds);
    }
  }
  std::vector<MigrationPage::Distributions> made;
  for (Values& values : all) {
    for (auto* const numbers : {&values.downtimes, &values.kibs, &values.rounds}) std::ranges::sort(*numbers);
    made.push_back({fmt::format("{}: {} moves that arrived", values.way, with_commas(values.rounds.size())),
                    {{"Downtime", values.downtimes, "us"},
                     {"Stream", values.kibs, "KiB"},
                     {"Times that memory was sent", values.rounds, "rounds"}}});
  }
  return made;
}

MigrationPage::Failure failure_of(const PlayedMoves& played, const WrongMoves& wrong) {
  const MoveCase& one = played.cases[wrong.index];
  const CaseResult& result = *played.outcome.results[wrong.index];
  MigrationPage::Failure failure{hosts::id_of(one) + ": " + result.message, {}, {}};
  for (const std::string& note : result.notes) failure.notes.push_back("also: " + note);
  failure.commands = {{"As it was found", reproduction(played.flags, hosts::flags_of(one))},
                      {"Made small", reproduction(played.flags, wrong.small)}};
  return failure;
}

std::string verdict_of(const PlayedMoves& played) {
  const size_t wrong = played.wrong_count(), all = played.played();
  if (played.outcome.interrupted) return fmt::format("Interrupted: {} of {} cases", all, played.cases.size());
  if (wrong != 0) return fmt::format("{} of {} cases are wrong", wrong, all);
  if (played.unmet_count() != 0)
    return fmt::format("{} never met by {} of {} cases", played.flags.point, played.unmet_count(), all);
  return fmt::format("{} cases, and no oracle complains", all);
}

}  // namespace

MigrationPage page_of(const PlayedMoves& played) {
  const MigrateFlags& flags = played.flags;
  MigrationPage page;
  page.is_good = played.wrong_count() + played.unmet_count() == 0 && played.played() == played.cases.size();
  page.verdict = verdict_of(played);
  page.command = flags.command;
  page.made_by = suite_version();
  page.report = "index.html";
  page.facts = {{"Cores", flags.target + " and " + (flags.onto.empty() ? flags.target : flags.onto)},
                {"Planted fault", flags.fault.empty() ? "none" : flags.fault},
                {"Memory", fmt::format("{} pages", flags.pages)},
                {"Dirty rate", fmt::format("{} pages/ms", flags.dirty_rate)},
                {"Seed", fmt::to_string(flags.seed)}};
  for (const WrongMoves& wrong : played.wrong) page.failures.push_back(failure_of(played, wrong));
  if (const auto drawn = played.drawn()) page.move = picture_of(played, *drawn);
  page.tables = {ways_table(played)};
  page.groups = groups_of(played);
  page.groups_caption = "What came of each fault, by what it met";
  if (page.groups.empty()) page.distributions = distributions_of(played);
  return page;
}

}  // namespace assay
