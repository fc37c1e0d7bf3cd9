#include "tools/cli/migrate_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "conformance/runner/assemble.hpp"

namespace assay {
namespace {

using hosts::FaultPoint;
using hosts::MoveCase;

constexpr uint64_t kNsPerUs = 1000, kMiB = 1 << 20;
constexpr std::string_view kEvent = "event", kRound = "round", kTimes = "times";
constexpr char kBetween = '\t';

std::vector<std::string> words_of(const std::string& note) {
  std::vector<std::string> words(1);
  for (const char c : note) {
    if (c == kBetween) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

uint64_t number_in(const std::string& text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string way_of(const MoveCase& one) {
  return fmt::format("{} {}", to_string(one.type), one.is_live ? "live" : "suspended");
}

std::string kind_of(const FaultPoint& point) {
  const std::string text = hosts::to_string(point);
  return point.where == FaultPoint::Where::kNone ? "no fault" : text.substr(0, text.find(':'));
}

struct Counts {
  size_t cases = 0, wrong = 0;
  MovesSummary sum;
};

template <typename Key>
std::vector<std::pair<std::string, Counts>> counted(const MigratePageInput& input, Key key) {
  std::vector<std::pair<std::string, Counts>> all;
  for (size_t i = 0; i < input.cases.size(); ++i) {
    const auto& result = input.outcome.results[i];
    if (!result) continue;
    const std::string name = key(input.cases[i]);
    auto found = std::ranges::find(all, name, &std::pair<std::string, Counts>::first);
    if (found == all.end()) found = all.insert(all.end(), {name, {}});
    ++found->second.cases;
    found->second.wrong += result->verdict == Verdict::kPass ? 0u : 1u;
    found->second.sum.add(numbers_in(*result));
  }
  return all;
}

MigrationPage::Table ways_table(const MigratePageInput& input) {
  MigrationPage::Table table{"What came of the moves",
                             {"Domain", "Cases", "Wrong", "Moves", "Arrived", "Stayed", "Lost with host", "Pages sent",
                              "MiB sent", "Rounds a move", "Stood still, average us", "at most us"},
                             {}};
  for (const auto& [name, counts] : counted(input, way_of)) {
    const MovesSummary& sum = counts.sum;
    table.rows.push_back(
        {name, fmt::to_string(counts.cases), fmt::to_string(counts.wrong), fmt::to_string(sum.moves),
         fmt::to_string(sum.arrived), fmt::to_string(sum.stayed), fmt::to_string(sum.lost), fmt::to_string(sum.pages),
         fmt::to_string(sum.bytes / kMiB),
         fmt::format("{:.1f}", static_cast<double>(sum.rounds) / static_cast<double>(std::max<uint64_t>(1, sum.moves))),
         fmt::to_string(sum.downtime_ns / std::max<uint64_t>(1, sum.arrived) / kNsPerUs),
         fmt::to_string(sum.downtime_most_ns / kNsPerUs)});
  }
  return table;
}

MigrationPage::Table faults_table(const MigratePageInput& input) {
  MigrationPage::Table table{"What came of each fault",
                             {"Fault", "Cases", "Wrong", "Moves that arrived", "stayed", "were lost with their host"},
                             {}};
  for (const auto& [name, counts] : counted(input, [](const MoveCase& one) { return kind_of(one.fault); })) {
    table.rows.push_back({name, fmt::to_string(counts.cases), fmt::to_string(counts.wrong),
                          fmt::to_string(counts.sum.arrived), fmt::to_string(counts.sum.stayed),
                          fmt::to_string(counts.sum.lost)});
  }
  return table;
}

/// Began, suspended, sent, restore began, resumed: with what the events say.
void draw_move(const std::vector<std::string>& notes, MigrationPage& page) {
  page.events = {"What happened", {"us", "Host", "What"}, {}};
  page.hosts = {"host a", "host b"};
  std::map<std::string, uint64_t> first_of;
  uint64_t began = 0, suspended = 0, resumed = 0;
  for (const std::string& note : notes) {
    const std::vector<std::string> words = words_of(note);
    if (words[0] == kTimes) {
      began = number_in(words.at(1));
      suspended = number_in(words.at(2)) - began;
      resumed = number_in(words.at(3)) - began;
    }
    if (words[0] == kRound) {
      page.rounds.emplace_back(fmt::format("Round {}", page.rounds.size() + 1), number_in(words.at(1)));
    }
    if (words[0] != kEvent) continue;
    const uint64_t at = number_in(words.at(1)) - began;
    first_of.try_emplace(words.at(3), at);
    page.events.rows.push_back({fmt::to_string(at / kNsPerUs), words.at(2), words.at(3)});
  }
  const auto time_of = [&](const char* what, uint64_t otherwise) {
    const auto found = first_of.find(what);
    return found == first_of.end() ? otherwise : found->second;
  };
  const uint64_t sent = time_of("has sent all", resumed), restores = time_of("begins to restore", sent);
  const uint64_t tail = resumed + resumed / 10;
  page.spans = {{0, 0, suspended, "runs and is sent", 0},
                {0, suspended, sent, "stands still and is sent", 3},
                {1, restores, resumed, "is restored", 5},
                {1, resumed, tail, "runs", 1}};
  if (!page.rounds.empty()) page.rounds.back().first += ", while it stood still";
}

}  // namespace

std::vector<std::string> notes_of(const hosts::MoveReport& report) {
  std::vector<std::string> notes{
      fmt::format("{}\t{}\t{}\t{}", kTimes, report.began_ns, report.suspended_ns, report.resumed_ns)};
  for (const uint64_t pages : report.saved.rounds) notes.push_back(fmt::format("{}\t{}", kRound, pages));
  for (const hosts::MoveEvent& event : report.events) {
    notes.push_back(fmt::format("{}\t{}\t{}\t{}", kEvent, event.ns, event.host, event.what));
  }
  return notes;
}

MigrationPage page_of(const MigratePageInput& input) {
  MigrationPage page;
  const auto played = std::ranges::count_if(input.outcome.results, [](const auto& one) { return one.has_value(); });
  const auto wrong = std::ranges::count_if(input.outcome.results,
                                           [](const auto& one) { return one && one->verdict != Verdict::kPass; });
  page.is_good = wrong == 0 && played != 0;
  page.verdict = wrong == 0 ? fmt::format("{} cases, and no oracle complains", played)
                            : fmt::format("{} of {} cases are wrong", wrong, played);
  page.command = input.flags.command;
  page.made_by = suite_version();
  page.facts = {
      {"Cores", input.flags.target + " and " + (input.flags.onto.empty() ? input.flags.target : input.flags.onto)},
      {"Planted fault", input.flags.fault.empty() ? "none" : input.flags.fault},
      {"Memory", fmt::format("{} pages", input.flags.pages)},
      {"Dirty rate", fmt::format("{} pages/ms", input.flags.dirty_rate)},
      {"Seed", fmt::to_string(input.flags.seed)}};
  page.failures = input.failures;
  page.tables = {ways_table(input), faults_table(input)};
  if (!input.move.empty()) draw_move(input.move, page);
  return page;
}

}  // namespace assay
