#include "fuzz/driver/live_campaign.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <memory>

#include "fuzz/driver/cause.hpp"
#include "fuzz/driver/live_corpus.hpp"
#include "fuzz/driver/live_pair.hpp"
#include "fuzz/driver/reduce_calls.hpp"
#include "fuzz/driver/reproducer.hpp"
#include "reports/write_file.hpp"

namespace assay::fuzz {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

/// As long as guests live, what one input leaves behind is there for the next; a reproducer must not become too long.
constexpr size_t kInputsPerGuests = 1024;
constexpr size_t kCausesMax = 10;
constexpr milliseconds kTick{200};
constexpr std::chrono::seconds kReduceLimit{180};  ///< a boot takes one or two
/// What timers do in the hypervisor is nobody's find: it shows within so long.
constexpr uint64_t kIdleNs = 500'000'000;
/// To prepare a call, and the call itself.
constexpr uint64_t kOperationsPerCall = 2;

class LiveCampaign {
 public:
  LiveCampaign(const LiveTarget& live, const CampaignOptions& options, int interruption,
               const std::function<void(const LiveStatus&)>& on_status)
      : live_(live),
        options_(options),
        interruption_(interruption),
        on_status_(on_status),
        corpus_(live.edges ? LiveCorpus(options.out / live.folder / "corpus") : LiveCorpus()),
        stored_(corpus_.inputs().size()),
        edges_(live.edges),
        entropy_(options.seed) {
    boot();
  }

  LiveOutcome run() {
    make_folder(options_.out / "reproducers");
    if (edges_.is_guided()) target_->pass_time(kIdleNs);
    began_ = last_find_ = Clock::now();
    while (!is_over()) play_pair();
    note_status();
    return std::move(outcome_);
  }

 private:
  void boot() {
    target_ = live_.make();
    pair_.emplace(*target_);
  }
  bool is_interrupted() {
    pollfd fd{interruption_, POLLIN, 0};
    outcome_.interrupted = outcome_.interrupted || poll(&fd, 1, 0) > 0;
    return outcome_.interrupted;
  }
  bool is_over() {
    const bool is_done = options_.runs ? inputs_ >= *options_.runs : Clock::now() - began_ >= options_.time;
    return is_interrupted() || is_done || outcome_.deaths.size() >= kCausesMax;
  }

  void play_pair() {
    try {
      pair_->renew(options_.seed + outcome_.status.guests);
      outcome_.status.guests += 2;
      edges_.pass_over();
      for (size_t i = 0; i < kInputsPerGuests && pair_->left() != 0 && !is_over(); ++i) play_input();
      pair_->finish();
    } catch (const TargetDied& died) {
      bury(died.what());
    }
  }

  /// Those of earlier campaigns come first: what they reach is known then.
  void play_input() {
    const bool is_stored = inputs_ < stored_;
    const std::string input = is_stored ? corpus_.inputs()[inputs_] : corpus_.make_input(entropy_);
    ++inputs_;
    const size_t left = pair_->left();
    const uint64_t made = pair_->play(calls_from(input));
    outcome_.status.calls += made;
    outcome_.status.operations += made * kOperationsPerCall;
    if (!edges_.is_guided()) {
      corpus_.try_on(input, entropy_);
    } else if (edges_.take_new() != 0 && made != 0) {
      last_find_ = Clock::now();
      if (!is_stored && pair_->left() == left) corpus_.keep(input);  // what is made of a deadly one costs guests, too
    }
    if (Clock::now() - told_ < kTick) return;
    told_ = Clock::now();
    note_status();
    on_status_(outcome_.status);
  }

  void note_status() {
    LiveStatus& status = outcome_.status;
    status.spent = duration_cast<milliseconds>(Clock::now() - began_);
    status.is_guided = edges_.is_guided();
    status.edges = edges_.found();
    status.inputs = corpus_.inputs().size();
    status.since_find = duration_cast<milliseconds>(Clock::now() - last_find_);
  }

  /// The first of its cause is kept at once, and then made small.
  void bury(const std::string& told) {
    ++outcome_.status.deaths;
    const Calls calls = pair_->history();
    if (calls.empty()) throw TargetUnavailable("the hypervisor dies before anybody has called: " + told);
    const std::string cause = cause_of(told);
    const auto known = std::ranges::find(outcome_.deaths, cause, &LiveDeath::cause);
    if (known != outcome_.deaths.end()) {
      ++known->times;
      return;
    }
    const std::filesystem::path whole = keep(calls);
    outcome_.deaths.push_back({cause, 1, calls.size(), calls.size(), false, false, whole, whole});
    pair_.reset();
    target_.reset();  // what died may still keep a processor busy
    reduce_last(calls);
    boot();
  }

  void reduce_last(const Calls& calls) {
    LiveDeath& death = outcome_.deaths.back();
    const auto limit = Clock::now() + kReduceLimit;
    const auto is_deadly = [&](const Calls& candidate) {
      const auto told = death_of(live_.make, candidate);
      return told && cause_of(*told) == death.cause;
    };
    const Reduced reduced = reduce(calls, is_deadly, [&] { return Clock::now() < limit && !is_interrupted(); });
    death.repeats = reduced.repeats;
    death.is_minimal = reduced.is_minimal;
    death.calls_after = reduced.calls.size();
    death.reproducer = keep(reduced.calls);
  }

  std::filesystem::path keep(const Calls& calls) {
    const Reproducer reproducer{std::string(kLiveTarget), options_.version, to_input(calls)};
    auto path = options_.out / "reproducers" / file_name(reproducer);
    write_file(path, to_bytes(reproducer));
    return path;
  }

  const LiveTarget& live_;
  const CampaignOptions& options_;
  int interruption_;
  const std::function<void(const LiveStatus&)>& on_status_;
  LiveCorpus corpus_;
  size_t stored_;
  std::unique_ptr<Target> target_;
  std::optional<LivePair> pair_;
  SeenEdges edges_;
  Entropy entropy_;
  LiveOutcome outcome_;
  uint64_t inputs_ = 0;
  Clock::time_point began_, last_find_, told_;
};

}  // namespace

std::string to_line(const LiveStatus& status) {
  const auto ms = std::max<uint64_t>(1, static_cast<uint64_t>(status.spent.count()));
  std::string line = fmt::format("{} calls, {} operations/s, {} s, {} guests, {} deaths", status.calls,
                                 status.operations * 1000 / ms, ms / 1000, status.guests, status.deaths);
  if (!status.is_guided) return line;
  return line + fmt::format(", {} edges, {} inputs, last find {} s ago", status.edges, status.inputs,
                            status.since_find.count() / 1000);
}

std::string to_text(const LiveDeath& death) {
  std::string text = death.cause;
  if (death.times > 1) text += fmt::format(" ({} times)", death.times);
  if (!death.repeats) return text + fmt::format("\n    {} calls, of which it did not die again", death.calls_before);
  return text + fmt::format("\n    {} of {} calls{}; all of them: {}", death.calls_after, death.calls_before,
                            death.is_minimal ? "" : ", when time was up", death.whole.string());
}

LiveOutcome fuzz_live(const LiveTarget& target, const CampaignOptions& options, int interruption,
                      const std::function<void(const LiveStatus&)>& on_status) {
  return LiveCampaign(target, options, interruption, on_status).run();
}

}  // namespace assay::fuzz
