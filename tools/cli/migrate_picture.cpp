#include "tools/cli/migrate_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

namespace assay {
namespace {

using hosts::MoveTimeline;

constexpr double kUs = 1e3, kMs = 1e6, kBytesPerMib = 1 << 20;  // in ns, in bytes
enum Hue : unsigned { kRound, kOtherRound = 4, kStopAndCopy = 3, kRestore = 5, kHandOver = 2, kRuns = 1, kWaits = 7 };
constexpr size_t kSource = 0, kTarget = 1;

std::string us(uint64_t ns) {
  return fmt::format("{:.1f}", static_cast<double>(ns) / kUs);
}

std::string mib(uint64_t bytes) {
  return fmt::format("{:.2f}", static_cast<double>(bytes) / kBytesPerMib);
}

class Picture {
 public:
  Picture(const PlayedMoves& played, size_t index)
      : played_(played),
        one_(played.cases[index]),
        record_(played.records[index]),
        drawn_(record_.drawn),
        times_(drawn_.timeline) {}

  MigrationPage::Move move() {
    move_.which = fmt::format("Move {} of {}: {}", drawn_.number, std::max<uint64_t>(one_.moves, record_.moves.size()),
                              hosts::id_of(one_));
    move_.facts = facts();
    move_.command = reproduction(played_.flags, hosts::flags_of(one_));
    move_.hosts = {fmt::format("source, host {}", times_.source), fmt::format("target, host {}", times_.target)};
    draw_source();
    draw_target();
    for (const hosts::MoveEvent& event : times_.events) {
      if (event.is_trouble) move_.marks.push_back({host_of(event), at(event.ns), event.what});
    }
    move_.to_ns = end();
    move_.rounds = rounds();
    move_.events = events();
    return std::move(move_);
  }

 private:
  [[nodiscard]] uint64_t at(uint64_t ns) const { return ns - std::min(ns, times_.began_ns); }
  [[nodiscard]] size_t host_of(const hosts::MoveEvent& event) const {
    return event.host == times_.source ? kSource : kTarget;
  }
  /// The last moment, and a little of what comes after it.
  [[nodiscard]] uint64_t end() const {
    uint64_t last = std::max({times_.suspended_ns, times_.sent_ns, times_.restored_ns, times_.resumed_ns});
    for (const hosts::MoveEvent& event : times_.events) last = std::max(last, event.ns);
    return at(last) + at(last) / 16 + 1;
  }

  void add(size_t host, uint64_t from_ns, uint64_t to_ns, std::string what, Hue hue) {
    if (to_ns > from_ns) move_.spans.push_back({host, at(from_ns), at(to_ns), std::move(what), hue});
  }

  [[nodiscard]] bool has_suspended() const { return times_.suspended_ns != 0; }
  [[nodiscard]] std::string name_of_round(size_t index) const {
    const bool is_last = has_suspended() && times_.rounds[index].ended_ns > times_.suspended_ns;
    return is_last ? "stop-and-copy" : fmt::format("pre-copy {}", index + 1);
  }

  void draw_source() {
    uint64_t from = times_.began_ns;
    for (size_t i = 0; i < times_.rounds.size(); ++i) {
      if (has_suspended() && times_.rounds[i].ended_ns > times_.suspended_ns) break;
      add(kSource, from, times_.rounds[i].ended_ns, name_of_round(i) + ", the domain runs",
          i % 2 == 0 ? kRound : kOtherRound);
      from = times_.rounds[i].ended_ns;
    }
    const uint64_t sent = times_.sent_ns, resumed = times_.resumed_ns;
    add(kSource, from, has_suspended() ? times_.suspended_ns : sent, "until it is suspended, the domain runs", kRuns);
    if (!has_suspended()) return after_abort(sent);
    add(kSource, times_.suspended_ns, sent, "stop-and-copy, the domain is suspended", kStopAndCopy);
    if (drawn_.end == hosts::MoveEnd::kLost) return;
    add(kSource, sent, resumed, "suspended, waits for the target", kWaits);
    after_abort(resumed);
  }
  void after_abort(uint64_t from_ns) {
    if (drawn_.end == hosts::MoveEnd::kStayed) add(kSource, from_ns, times_.began_ns + end(), "goes on here", kRuns);
  }

  void draw_target() {
    const uint64_t restored = times_.restored_ns, last = times_.began_ns + end();
    if (times_.restoring_ns == 0) return;
    add(kTarget, times_.restoring_ns, restored != 0 ? restored : trouble_at_target(), "restores", kRestore);
    if (restored == 0 || drawn_.end != hosts::MoveEnd::kArrived) return;
    add(kTarget, restored, times_.resumed_ns, "takes over", kHandOver);
    add(kTarget, times_.resumed_ns, last, "runs", kRuns);
  }
  [[nodiscard]] uint64_t trouble_at_target() const {
    const auto found = std::ranges::find_if(
        times_.events, [&](const hosts::MoveEvent& event) { return event.is_trouble && host_of(event) == kTarget; });
    return found == times_.events.end() ? times_.restoring_ns : found->ns;
  }

  [[nodiscard]] std::string fault_in_words() const {
    if (one_.fault == hosts::FaultPoint{}) return "none";
    if (drawn_.number != 1) return "none in this move; " + hosts::to_string(one_.fault) + " in the first one";
    if (!record_.has_struck) return hosts::to_string(one_.fault) + ", which met nothing";
    return fmt::format("{}, in {}", hosts::to_string(one_.fault), record_.met);
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::string>> facts() const {
    const MoveNumbers& numbers = record_.moves.at(drawn_.number - 1);
    std::vector<std::pair<std::string, std::string>> all{
        {"Domain", fmt::format("{}; {} pages, writes {} of them per ms", way_of(one_), one_.pages, one_.writes_per_ms)},
        {"From, to", fmt::format("host {} to host {}", times_.source, times_.target)},
        {"Seed", fmt::to_string(one_.seed)},
        {"Fault", fault_in_words()},
        {"Outcome", std::string(to_string(drawn_.end)) + (drawn_.error.empty() ? "" : ": " + drawn_.error)},
        {"Downtime", downtime()},
        {"Sent",
         fmt::format("{} pages in {} rounds, {} MiB of stream", sent_pages(), numbers.rounds, mib(numbers.bytes))}};
    for (const std::string& wrong : drawn_.wrong) all.emplace_back("Wrong", wrong);
    return all;
  }
  [[nodiscard]] std::string downtime() const {
    if (!has_suspended()) return "none: it was not suspended";
    if (times_.resumed_ns == 0) return fmt::format("from {} us on, for good", us(at(times_.suspended_ns)));
    return fmt::format("{} us, from {} to {} us", us(times_.resumed_ns - times_.suspended_ns),
                       us(at(times_.suspended_ns)), us(at(times_.resumed_ns)));
  }
  [[nodiscard]] uint64_t sent_pages() const {
    uint64_t sum = 0;
    for (const hosts::MoveRound& round : times_.rounds) sum += round.sent;
    return sum;
  }

  /// Of a round: when it began. The last one begins when the domain stands still.
  [[nodiscard]] uint64_t began(size_t index) const {
    const uint64_t before = index == 0 ? times_.began_ns : times_.rounds[index - 1].ended_ns;
    return times_.rounds[index].ended_ns > times_.suspended_ns ? std::max(before, times_.suspended_ns) : before;
  }

  [[nodiscard]] MigrationPage::Table rounds() const {
    MigrationPage::Table table{"Rounds of this move",
                               {"Round", "Took, us", "Dirty", "Sent", "Skipped, no memory", "MiB", "Dirtied meanwhile",
                                "Dirty rate, pages/ms"},
                               {}};
    const auto& all = times_.rounds;
    for (size_t i = 0; i < all.size(); ++i) {
      const uint64_t took = all[i].ended_ns - began(i);
      const bool has_next = i + 1 < all.size() && took != 0;
      table.rows.push_back(
          {name_of_round(i), us(took), fmt::to_string(all[i].dirty), fmt::to_string(all[i].sent),
           fmt::to_string(all[i].dirty - all[i].sent), mib(all[i].sent_bytes - (i == 0 ? 0 : all[i - 1].sent_bytes)),
           has_next ? fmt::to_string(all[i + 1].dirty) : "-",
           has_next ? fmt::format("{:.1f}", static_cast<double>(all[i + 1].dirty) * kMs / static_cast<double>(took))
                    : "-"});
    }
    return table;
  }

  [[nodiscard]] MigrationPage::Table events() const {
    MigrationPage::Table table{"What happened", {"us", "Host", "What"}, {}};
    for (const hosts::MoveEvent& event : times_.events) {
      if (event.is_trouble) table.bad_rows.push_back(table.rows.size());
      table.rows.push_back({us(at(event.ns)), event.host, event.what});
    }
    return table;
  }

  const PlayedMoves& played_;
  const hosts::MoveCase& one_;
  const MoveRecord& record_;
  const DrawnMove& drawn_;
  const MoveTimeline& times_;
  MigrationPage::Move move_;
};

}  // namespace

MigrationPage::Move picture_of(const PlayedMoves& played, size_t index) {
  return Picture(played, index).move();
}

}  // namespace assay
