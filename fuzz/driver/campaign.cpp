#include "fuzz/driver/campaign.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fuzz/driver/fuzzer_process.hpp"
#include "fuzz/driver/reproducer.hpp"
#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"

namespace assay::fuzz {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr int kTickMs = 200;
constexpr milliseconds kSaveEvery{1000};
constexpr milliseconds kFinishLimit{10'000};  ///< for a fuzzer that was told to finish
constexpr unsigned kMinimiseSeconds = 20;
constexpr unsigned kMinimiseRuns = 50'000;  ///< without success, and it is small enough
constexpr size_t kLastLines = 20;
/// How libFuzzer ends. Source: its manual, and -help=1: error_exitcode, timeout_exitcode.
constexpr int kInterrupted = 72;
constexpr std::array<int, 3> kBroken{77, 70, 71};

bool is_broken(int status) {
  constexpr int kSignal = 128;
  return std::ranges::find(kBroken, status) != kBroken.end() || status > kSignal;
}

milliseconds since(Clock::time_point moment) {
  return duration_cast<milliseconds>(Clock::now() - moment);
}

/// What earlier campaigns on the same folder came to.
struct Totals {
  uint64_t runs = 0;
  uint64_t milliseconds = 0;

  static Totals load(const fs::path& path) {
    if (!fs::exists(path)) return {};
    try {
      const auto json = nlohmann::json::parse(read_file(path));
      return {json.at("runs").get<uint64_t>(), json.at("milliseconds").get<uint64_t>()};
    } catch (const std::exception& error) {
      throw InputError(fmt::format("{}: not what assay fuzz writes there ({}); remove it, or choose another --out",
                                   path.string(), error.what()));
    }
  }
  void save(const fs::path& path) const {
    write_file(path, nlohmann::json{{"runs", runs}, {"milliseconds", milliseconds}}.dump() + "\n");
  }
};

/// A process and what it has said.
struct Job {
  std::unique_ptr<FuzzerProcess> process;
  fs::path artifacts;
  FuzzerStatus status;
  std::string reason;
  std::deque<std::string> last;
  std::optional<int> end;

  /// True when it has found something.
  bool listen() {
    bool found = false;
    for (std::string& line : process->take_lines()) {
      if (const auto status_now = status_from(line)) {
        found = found || status_now->found;
        status = *status_now;
      }
      if (const auto runs = total_runs_from(line)) status.runs = *runs;
      if (reason.empty()) reason = reason_from(line);
      last.push_back(std::move(line));
      if (last.size() > kLastLines) last.pop_front();
    }
    if (process->has_ended() && !end) end = process->wait();
    return found;
  }
};

class Campaign {
 public:
  Campaign(const ListedTarget& target, const CampaignOptions& options, int interruption, CampaignObserver& observer)
      : target_(target),
        options_(options),
        interruption_(interruption),
        observer_(observer),
        folder_(options.out / target.name) {}

  TargetOutcome run() {
    make_folder(folder_ / "corpus");
    make_folder(options_.out / "reproducers");
    before_ = Totals::load(folder_ / "totals.json");
    for (unsigned i = 0; i < options_.jobs; ++i) jobs_.push_back(start(i));
    while (!all_ended()) tick();
    save();
    return outcome();
  }

 private:
  Job start(unsigned index) {
    Job job;
    job.artifacts = folder_ / fmt::format("broken-{}", index);
    fs::remove_all(job.artifacts);
    make_folder(job.artifacts);
    job.process = std::make_unique<FuzzerProcess>(target_.program, target_.name, arguments(index, job.artifacts));
    return job;
  }

  std::vector<std::string> arguments(unsigned index, const fs::path& artifacts) {
    std::vector<std::string> all{fmt::format("-artifact_prefix={}/", artifacts.string()),
                                 fmt::format("-max_len={}", target_.bytes_max),
                                 fmt::format("-seed={}", options_.seed + index),
                                 "-timeout=20",
                                 "-rss_limit_mb=4096",
                                 "-reload=1",
                                 "-print_final_stats=1"};
    if (options_.runs) {
      all.push_back(fmt::format("-runs={}", (*options_.runs + options_.jobs - 1) / options_.jobs));
    } else {
      all.push_back(fmt::format("-max_total_time={}", options_.time.count()));
    }
    const std::string words = output_of(target_.program, target_.name, "--words");
    if (!words.empty()) {
      write_file(folder_ / "words", words);
      all.push_back(fmt::format("-dict={}", (folder_ / "words").string()));
    }
    all.push_back((folder_ / "corpus").string());
    if (const fs::path seeds = options_.seeds / target_.name; fs::is_directory(seeds)) all.push_back(seeds.string());
    return all;
  }

  [[nodiscard]] bool all_ended() const {
    return std::ranges::all_of(jobs_, [](const Job& job) { return job.end.has_value(); });
  }

  void tick() {
    std::vector<pollfd> fds{{interruption_, POLLIN, 0}};
    for (const Job& job : jobs_) {
      if (!job.end) fds.push_back({job.process->fd(), POLLIN, 0});
    }
    poll(fds.data() + (interrupted_ ? 1 : 0), fds.size() - (interrupted_ ? 1 : 0), kTickMs);
    if (fds.front().revents != 0) {
      interrupted_ = true;
      finish();
    }
    for (Job& job : jobs_) {
      if (job.end) continue;
      if (job.listen()) last_find_ = Clock::now();
      if (job.end && is_broken(*job.end)) finish();
    }
    if (finishing_ && since(*finishing_) > kFinishLimit) give_up();
    if (since(saved_) > kSaveEvery) save();
    observer_.on_status(target_, status());
  }

  /// One has broken the target, or somebody wants an end: the others keep what they have and stop.
  void finish() {
    if (!finishing_) finishing_ = Clock::now();
    for (const Job& job : jobs_) {
      if (!job.end) job.process->interrupt();
    }
  }
  void give_up() {
    for (Job& job : jobs_) {
      if (job.end) continue;
      job.process.reset();
      job.end = kInterrupted;
    }
  }

  [[nodiscard]] CampaignStatus status() const {
    CampaignStatus all;
    for (const Job& job : jobs_) {
      all.runs += job.status.runs;
      all.edges = std::max(all.edges, job.status.edges);
      all.inputs = std::max(all.inputs, job.status.inputs);
    }
    all.spent = since(began_);
    all.since_find = since(last_find_);
    all.runs_per_s = all.runs * 1000 / std::max<uint64_t>(1, static_cast<uint64_t>(all.spent.count()));
    return all;
  }

  void save() {
    saved_ = Clock::now();
    const CampaignStatus now = status();
    try {
      const auto spent_ms = static_cast<uint64_t>(now.spent.count());
      Totals{before_.runs + now.runs, before_.milliseconds + spent_ms}.save(folder_ / "totals.json");
    } catch (const WriteError&) {
      finish();
      throw;
    }
  }

  TargetOutcome outcome() {
    TargetOutcome outcome;
    outcome.status = status();
    outcome.interrupted = interrupted_;
    for (const Job& job : jobs_) {
      if (is_broken(*job.end) && !outcome.crash) outcome.crash = keep(job);
      if (!is_broken(*job.end) && *job.end != 0 && *job.end != kInterrupted) {
        outcome.trouble = fmt::format("{} ended with status {}:", target_.program.filename().string(), *job.end);
        for (const std::string& line : job.last) outcome.trouble += "\n  " + line;
      }
    }
    for (const Job& job : jobs_) fs::remove_all(job.artifacts);
    return outcome;
  }

  std::optional<Crash> keep(const Job& job) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(job.artifacts)) found.push_back(entry.path());
    if (found.empty()) return Crash{target_.name, "it died, and left no input", {}};
    const std::string input = smallest(std::ranges::min(found), job.artifacts);
    const Reproducer reproducer{target_.name, options_.version, input};
    const fs::path path = options_.out / "reproducers" / file_name(reproducer);
    write_file(path, to_bytes(reproducer));
    return Crash{target_.name, job.reason.empty() ? "it died" : job.reason, path};
  }

  /// What still breaks the target after a while of trying with less.
  std::string smallest(const fs::path& input, const fs::path& folder) {
    const fs::path small = folder / "small";
    FuzzerProcess minimiser(target_.program, target_.name,
                            {"-minimize_crash=1", fmt::format("-exact_artifact_path={}", small.string()),
                             fmt::format("-max_total_time={}", kMinimiseSeconds),
                             fmt::format("-runs={}", kMinimiseRuns), "-timeout=20", input.string()});
    const auto limit = Clock::now() + std::chrono::seconds(2 * kMinimiseSeconds);
    while (!minimiser.has_ended() && Clock::now() < limit) {
      pollfd fd{minimiser.fd(), POLLIN, 0};
      poll(&fd, 1, kTickMs);
      minimiser.take_lines();
    }
    return read_file(fs::exists(small) ? small : input);
  }

  const ListedTarget& target_;
  const CampaignOptions& options_;
  int interruption_;
  CampaignObserver& observer_;
  fs::path folder_;
  Totals before_;
  std::vector<Job> jobs_;
  bool interrupted_ = false;
  std::optional<Clock::time_point> finishing_;
  Clock::time_point began_ = Clock::now();
  Clock::time_point last_find_ = began_;
  Clock::time_point saved_ = began_;
};

}  // namespace

std::vector<ListedTarget> list_targets(const fs::path& folder) {
  std::vector<ListedTarget> all;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("fuzz-") || access(entry.path().c_str(), X_OK) != 0) continue;
    std::istringstream lines(output_of(entry.path(), "", "--list"));
    for (std::string line; std::getline(lines, line);) {
      ListedTarget target;
      target.program = entry.path();
      std::istringstream fields(line);
      fields >> target.name >> target.bytes_max >> target.is_canary;
      std::getline(fields >> std::ws, target.reads);
      all.push_back(std::move(target));
    }
  }
  std::ranges::sort(all, {}, &ListedTarget::name);
  return all;
}

std::string to_line(const CampaignStatus& status) {
  return fmt::format("{} runs, {}/s, {} s, {} edges, {} inputs, last find {} s ago", status.runs, status.runs_per_s,
                     status.spent.count() / 1000, status.edges, status.inputs, status.since_find.count() / 1000);
}

TargetOutcome fuzz_target(const ListedTarget& target, const CampaignOptions& options, int interruption,
                          CampaignObserver& observer) {
  return Campaign(target, options, interruption, observer).run();
}

std::optional<std::string> run_once(const ListedTarget& target, const fs::path& input) {
  Job job;
  job.process = std::make_unique<FuzzerProcess>(target.program, target.name,
                                                std::vector<std::string>{"-timeout=60", input.string()});
  while (!job.end) {
    pollfd fd{job.process->fd(), POLLIN, 0};
    poll(&fd, 1, kTickMs);
    job.listen();
  }
  if (*job.end == 0) return std::nullopt;
  return job.reason.empty() ? fmt::format("it died with status {}", *job.end) : job.reason;
}

}  // namespace assay::fuzz
