#include "fuzz/driver/live_campaign.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>

#include "fuzz/driver/reproducer.hpp"
#include "fuzz/targets/guests/calls.hpp"
#include "reports/write_file.hpp"
#include "sim/abi/xen.hpp"

namespace assay::fuzz {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr size_t kPoolMax = 256;
/// As long as guests live, what one input leaves behind is there for the next; a reproducer must not become too long.
constexpr size_t kInputsPerGuests = 1024;
constexpr uint64_t kCallPatienceNs = 300'000'000;  ///< on a host that is busy with other things, too
constexpr uint64_t kLastWordsOneIn = 256;
constexpr unsigned kDeathsMax = 10;
constexpr milliseconds kTick{200};
/// To prepare a call, and the call itself.
constexpr uint64_t kOperationsPerCall = 2;

/// Calls that mostly end the caller, or send it to sleep, or take away what it stands on. New guests take as long as
/// thousands of calls.
bool is_last_words(const Call& call) {
  static constexpr std::array<uint8_t, 13> kNumbers{
      __HYPERVISOR_set_trap_table,  __HYPERVISOR_mmu_update,    __HYPERVISOR_set_gdt,
      __HYPERVISOR_stack_switch,    __HYPERVISOR_set_callbacks, __HYPERVISOR_sched_op_compat,
      __HYPERVISOR_memory_op,       __HYPERVISOR_iret,          __HYPERVISOR_vcpu_op,
      __HYPERVISOR_mmuext_op,       __HYPERVISOR_sched_op,      __HYPERVISOR_update_va_mapping,
      __HYPERVISOR_set_segment_base};
  return std::ranges::find(kNumbers, call.number % kCallNumbers) != kNumbers.end();
}

/// The two guests that call.
class LivePair {
 public:
  explicit LivePair(Target& target) : target_(target) {}

  void renew(uint64_t seed) {
    target_.begin_case(seed);
    callers_.clear();
    history_.clear();
    callers_ = make_callers(target_, kCallPatienceNs);
  }
  /// Makes the calls of a reproducer, all of them.
  void repeat(std::string_view calls) { make_calls(callers_, calls); }
  /// Makes calls; how many.
  uint64_t play(std::string_view input) {
    uint64_t made = 0;
    for (const Call& call : calls_from(input)) {
      Caller& caller = callers_.at(call.actor % callers_.size());
      if (caller.is_gone() || (is_last_words(call) && ++last_words_ % kLastWordsOneIn != 0)) continue;
      history_ += to_input({call});
      caller.make(call);
      ++made;
    }
    return made;
  }
  /// Throws TargetDied when the hypervisor does not go on.
  void check() { target_.dom0().vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}); }
  [[nodiscard]] bool is_gone() const { return std::ranges::all_of(callers_, &Caller::is_gone); }
  /// All calls of these guests.
  [[nodiscard]] const std::string& history() const { return history_; }

 private:
  Target& target_;
  std::vector<Caller> callers_;
  std::string history_;
  uint64_t last_words_ = 0;
};

class LiveCampaign {
 public:
  LiveCampaign(const TargetFactory& make_target, const CampaignOptions& options, int interruption,
               const std::function<void(const LiveStatus&)>& on_status)
      : options_(options),
        interruption_(interruption),
        on_status_(on_status),
        target_(make_target()),
        pair_(*target_),
        entropy_(options.seed) {}

  LiveOutcome run() {
    make_folder(options_.out / "reproducers");
    began_ = Clock::now();
    while (!is_over()) play_pair();
    outcome_.status.spent = spent();
    return std::move(outcome_);
  }

 private:
  [[nodiscard]] milliseconds spent() const { return duration_cast<milliseconds>(Clock::now() - began_); }
  bool is_over() {
    pollfd fd{interruption_, POLLIN, 0};
    outcome_.interrupted = outcome_.interrupted || poll(&fd, 1, 0) > 0;
    const bool is_done = options_.runs ? inputs_ >= *options_.runs : spent() >= options_.time;
    return outcome_.interrupted || is_done || outcome_.status.deaths >= kDeathsMax;
  }

  void play_pair() {
    try {
      pair_.renew(options_.seed + outcome_.status.guests);
      outcome_.status.guests += 2;
      for (size_t i = 0; i < kInputsPerGuests && !pair_.is_gone() && !is_over(); ++i) play_input();
      pair_.check();
    } catch (const TargetDied& died) {
      ++outcome_.status.deaths;
      keep(died.what());
    }
  }

  void play_input() {
    std::string input = mutate_calls(pool_.empty() ? "" : pool_[entropy_.below(pool_.size())], entropy_);
    if (pool_.size() < kPoolMax) {
      pool_.push_back(input);
    } else {
      pool_[entropy_.below(kPoolMax)] = input;
    }
    ++inputs_;
    const uint64_t made = pair_.play(input);
    outcome_.status.calls += made;
    outcome_.status.operations += made * kOperationsPerCall;
    if (Clock::now() - told_ < kTick) return;
    told_ = Clock::now();
    outcome_.status.spent = spent();
    on_status_(outcome_.status);
  }

  void keep(const std::string& why) {
    const Reproducer reproducer{std::string(kLiveTarget), options_.version, pair_.history()};
    const auto path = options_.out / "reproducers" / file_name(reproducer);
    write_file(path, to_bytes(reproducer));
    outcome_.crashes.push_back({std::string(kLiveTarget), why.substr(0, why.find('\n')), path});
  }

  const CampaignOptions& options_;
  int interruption_;
  const std::function<void(const LiveStatus&)>& on_status_;
  std::unique_ptr<Target> target_;
  LivePair pair_;
  Entropy entropy_;
  std::vector<std::string> pool_;
  LiveOutcome outcome_;
  uint64_t inputs_ = 0;
  Clock::time_point began_;
  Clock::time_point told_;
};

}  // namespace

std::string to_line(const LiveStatus& status) {
  const auto ms = std::max<uint64_t>(1, static_cast<uint64_t>(status.spent.count()));
  return fmt::format("{} calls, {} operations/s, {} s, {} guests, {} deaths", status.calls,
                     status.operations * 1000 / ms, ms / 1000, status.guests, status.deaths);
}

LiveOutcome fuzz_live(const TargetFactory& make_target, const CampaignOptions& options, int interruption,
                      const std::function<void(const LiveStatus&)>& on_status) {
  return LiveCampaign(make_target, options, interruption, on_status).run();
}

std::optional<std::string> replay_live(const TargetFactory& make_target, std::string_view calls) {
  const std::unique_ptr<Target> target = make_target();
  LivePair pair(*target);
  try {
    pair.renew(1);
    pair.repeat(calls);
    pair.check();
  } catch (const TargetDied& died) {
    return died.what();
  }
  return std::nullopt;
}

}  // namespace assay::fuzz
