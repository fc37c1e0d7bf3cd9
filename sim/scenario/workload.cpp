#include "sim/scenario/workload.hpp"

#include <algorithm>
#include <optional>

namespace assay::scenario {
namespace {

using Kind = Step::Kind;

/// Times that are off by up to a part of themselves, as the seed says.
class Varied {
 public:
  Varied(const WorkloadSpec& spec, const Rng& rng) : spec_(spec), rng_(rng) {}
  uint64_t work() { return vary(spec_.work_ns); }
  uint64_t pause() { return vary(spec_.pause_ns); }

 private:
  uint64_t vary(uint64_t ns) {
    if (spec_.variation == 0) return ns;
    const uint64_t most = ns / kWholePcpu * spec_.variation + ns % kWholePcpu * spec_.variation / kWholePcpu;
    return std::max<uint64_t>(1, ns - most + rng_.below(2 * most + 1));
  }
  WorkloadSpec spec_;
  Rng rng_;
};

class Idle final : public Workload {
 public:
  Step next(uint64_t) override { return {.kind = Kind::kHalt}; }
};

class CpuBound final : public Workload {
 public:
  Step next(uint64_t) override { return {.kind = Kind::kSpin}; }
};

/// A job at the beginning of each period, and a deadline for it.
class Periodic final : public Workload {
 public:
  Periodic(const WorkloadSpec& spec, const Rng& rng) : spec_(spec), varied_(spec, rng) {}

  Step next(uint64_t now_ns) override {
    if (!is_begun_) {
      is_begun_ = true;
      period_ns_ = now_ns;
    } else if (is_working_) {
      finish(now_ns);
      period_ns_ += spec_.pause_ns;
      is_working_ = false;
    }
    if (now_ns < period_ns_) return {.kind = Kind::kSleepUntil, .ns = period_ns_};
    is_working_ = true;
    return {.kind = Kind::kCompute, .ns = varied_.work()};
  }

  [[nodiscard]] JobCount jobs(uint64_t now_ns) const override {
    JobCount count = count_;
    if (!is_begun_) return count;
    // Those that should be done by now and are not.
    const uint64_t first_due = period_ns_ + spec_.deadline_ns;
    if (now_ns > first_due) {
      count.missed += 1 + (now_ns - first_due - 1) / spec_.pause_ns;
      count.last_miss_ns = now_ns;
    }
    return count;
  }

 private:
  void finish(uint64_t now_ns) {
    ++count_.done;
    if (now_ns <= period_ns_ + spec_.deadline_ns) return;
    ++count_.missed;
    count_.last_miss_ns = now_ns;
  }

  WorkloadSpec spec_;
  Varied varied_;
  uint64_t period_ns_ = 0;  ///< where the current one, or the next one, begins
  bool is_begun_ = false;
  bool is_working_ = false;
  JobCount count_;
};

class Interactive final : public Workload {
 public:
  Interactive(const WorkloadSpec& spec, const Rng& rng) : varied_(spec, rng) {}
  Step next(uint64_t now_ns) override {
    works_ = !works_;
    if (works_) return {.kind = Kind::kCompute, .ns = varied_.work()};
    return {.kind = Kind::kSleepUntil, .ns = now_ns + varied_.pause()};
  }

 private:
  Varied varied_;
  bool works_ = false;
};

/// Thinks, takes the domain's one lock, yielding while somebody else has it, and holds it for a while.
class Lock final : public Workload {
 public:
  Lock(const WorkloadSpec& spec, uint32_t vcpu, const Rng& rng, Together& together)
      : varied_(spec, rng), vcpu_(vcpu), together_(together) {}

  Step next(uint64_t) override {
    if (phase_ == Phase::kHold) {
      together_.lock_holder = Together::kNobody;
      phase_ = Phase::kThink;
      return {.kind = Kind::kCompute, .ns = varied_.pause()};
    }
    if (together_.lock_holder != Together::kNobody) return {.kind = Kind::kYield};
    together_.lock_holder = vcpu_;
    phase_ = Phase::kHold;
    return {.kind = Kind::kCompute, .ns = varied_.work()};
  }

 private:
  enum class Phase : uint8_t { kThink, kHold };
  Varied varied_;
  uint32_t vcpu_;
  Together& together_;
  Phase phase_ = Phase::kThink;
};

/// Two vCPUs wake each other in turn.
class PingPong final : public Workload {
 public:
  PingPong(const WorkloadSpec& spec, uint32_t peer, bool begins, const Rng& rng)
      : varied_(spec, rng), peer_(peer), phase_(begins ? Phase::kWork : Phase::kAwait) {}

  Step next(uint64_t) override {
    switch (phase_) {
      case Phase::kWork:
        phase_ = Phase::kSend;
        return {.kind = Kind::kCompute, .ns = varied_.work()};
      case Phase::kSend:
        phase_ = Phase::kAwait;
        return {.kind = Kind::kSend, .peer = peer_};
      case Phase::kAwait:
        phase_ = Phase::kWork;
        break;
    }
    return {.kind = Kind::kAwait};
  }

 private:
  enum class Phase : uint8_t { kWork, kSend, kAwait };
  Varied varied_;
  uint32_t peer_;
  Phase phase_;
};

class TimerStorm final : public Workload {
 public:
  TimerStorm(const WorkloadSpec& spec, const Rng& rng) : varied_(spec, rng) {}
  Step next(uint64_t now_ns) override { return {.kind = Kind::kSleepUntil, .ns = now_ns + varied_.pause()}; }

 private:
  Varied varied_;
};

class Poll final : public Workload {
 public:
  Poll(const WorkloadSpec& spec, const Rng& rng) : varied_(spec, rng) {}
  Step next(uint64_t now_ns) override {
    works_ = !works_;
    if (works_) return {.kind = Kind::kCompute, .ns = varied_.work()};
    return {.kind = Kind::kPoll, .ns = now_ns + varied_.pause()};
  }

 private:
  Varied varied_;
  bool works_ = false;
};

/// Asks for a larger grant table, again and again.
class GrantTable final : public Workload {
 public:
  explicit GrantTable(const WorkloadSpec& spec) : spec_(spec) {}
  Step next(uint64_t now_ns) override {
    grows_ = !grows_;
    if (grows_) return {.kind = Kind::kGrowTable};
    return {.kind = Kind::kSleepUntil, .ns = now_ns + spec_.pause_ns};
  }

 private:
  WorkloadSpec spec_;
  bool grows_ = false;
};

/// Writes so many pages per second. Each turn it writes those that are due, a batch, and what it could not write in
/// time while it did not run, it catches up.
class MemoryWriter final : public Workload {
 public:
  MemoryWriter(const WorkloadSpec& spec, const Rng& rng) : spec_(spec), rng_(rng) {}

  Step next(uint64_t now_ns) override {
    if (!start_ns_) start_ns_ = now_ns;
    const uint64_t passed_ns = now_ns - *start_ns_;
    const uint64_t due = passed_ns / kNsPerS * spec_.rate + passed_ns % kNsPerS * spec_.rate / kNsPerS;
    if (written_ >= due) return {.kind = Kind::kSleepUntil, .ns = now_ns + std::max(kTurnNs, kNsPerS / spec_.rate)};
    is_paid_for_ = !is_paid_for_;
    if (is_paid_for_) return {.kind = Kind::kCompute, .ns = kPageNs};
    ++written_;
    page_ = spec_.is_random ? static_cast<uint32_t>(rng_.below(spec_.pages)) : (page_ + 1) % spec_.pages;
    return {.kind = Kind::kWrite, .page = page_};
  }

 private:
  static constexpr uint64_t kTurnNs = kNsPerMs;
  static constexpr uint64_t kPageNs = 500;  ///< of processor time, to write one
  WorkloadSpec spec_;
  Rng rng_;
  std::optional<uint64_t> start_ns_;
  uint64_t written_ = 0;
  uint32_t page_ = 0;
  bool is_paid_for_ = false;
};

/// Players of ping-pong pair off in the order of their numbers.
std::unique_ptr<Workload> ping_pong(const DomainSpec& domain, uint32_t vcpu, const Rng& rng) {
  std::vector<uint32_t> players;
  for (uint32_t i = 0; i < domain.vcpus.size(); ++i) {
    if (domain.vcpus[i].kind == WorkloadSpec::Kind::kPingPong) players.push_back(i);
  }
  const auto mine = static_cast<size_t>(std::ranges::find(players, vcpu) - players.begin());
  return std::make_unique<PingPong>(domain.vcpus[vcpu], players[mine ^ 1], mine % 2 == 0, rng);
}

}  // namespace

std::unique_ptr<Workload> make_workload(const DomainSpec& domain, uint32_t vcpu, const Rng& rng, Together& together) {
  const WorkloadSpec& spec = domain.vcpus[vcpu];
  switch (spec.kind) {
    case WorkloadSpec::Kind::kIdle:
      break;
    case WorkloadSpec::Kind::kCpuBound:
      return std::make_unique<CpuBound>();
    case WorkloadSpec::Kind::kPeriodic:
      return std::make_unique<Periodic>(spec, rng);
    case WorkloadSpec::Kind::kInteractive:
      return std::make_unique<Interactive>(spec, rng);
    case WorkloadSpec::Kind::kLock:
      return std::make_unique<Lock>(spec, vcpu, rng, together);
    case WorkloadSpec::Kind::kPingPong:
      return ping_pong(domain, vcpu, rng);
    case WorkloadSpec::Kind::kTimerStorm:
      return std::make_unique<TimerStorm>(spec, rng);
    case WorkloadSpec::Kind::kPoll:
      return std::make_unique<Poll>(spec, rng);
    case WorkloadSpec::Kind::kGrantTable:
      return std::make_unique<GrantTable>(spec);
    case WorkloadSpec::Kind::kMemoryWriter:
      return std::make_unique<MemoryWriter>(spec, rng);
  }
  return std::make_unique<Idle>();
}

}  // namespace assay::scenario
