/// A scenario as data: what a file of scenarios/ says once it has been read and found possible.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/engine/pcpu_set.hpp"
#include "sim/target/target.hpp"

namespace assay::scenario {

constexpr uint64_t kNsPerUs = 1000, kNsPerMs = 1'000'000, kNsPerS = 1'000'000'000;
/// Shares are counted in hundredths of a percent of one pCPU.
constexpr uint64_t kWholePcpu = 10'000;

/// One pCPU more is the privileged domain's, so that what it does delays nobody.
constexpr uint32_t kPcpusMax = ASSAY_PCPUS_MAX - 1;
/// As many as shared_info has room for: a further one would have to be brought up by the guest itself.
constexpr uint32_t kVcpusPerDomainMax = 32;
constexpr uint32_t kNodesMax = 64;
constexpr uint32_t kVcpusMax = 20'000;
/// What the memory writers of a domain may write to, together: 64 MiB.
constexpr uint32_t kWrittenPagesMax = 16'384;
/// public/sysctl.h, xen_sysctl_arinc653_schedule.
constexpr size_t kSlotsMax = 64;
constexpr uint64_t kDurationMaxNs = 3600 * kNsPerS;

/// What is scheduled together: docs/misc/xen-command-line, sched-gran.
enum class Granularity : uint8_t { kCpu, kCore, kSocket };

enum class SchedulerKind : uint8_t { kAny, kCredit, kCredit2, kRtds, kArinc653, kNull };

struct Scheduler {
  SchedulerKind kind = SchedulerKind::kAny;
  std::optional<uint64_t> ratelimit_ns;
  std::optional<uint64_t> timeslice_ns;
  /// ARINC653: who runs when, from the beginning of each frame on; the time that is left is nobody's.
  struct Slot {
    size_t domain = 0;
    uint32_t vcpu = 0;
    uint64_t runtime_ns = 0;
  };
  std::vector<Slot> slots;  ///< at most kSlotsMax
  uint64_t frame_ns = 0;
};

struct Pool {
  std::string name;
  PcpuSet pcpus;
  Scheduler scheduler;
  std::string where;  ///< file:line:column
};

/// What a vCPU does, over and over.
struct WorkloadSpec {
  enum class Kind : uint8_t {
    kIdle,
    kCpuBound,
    kPeriodic,
    kInteractive,
    kLock,
    kPingPong,
    kTimerStorm,
    kPoll,
    kMemoryWriter,
    kGrantTable
  };
  Kind kind = Kind::kCpuBound;
  uint64_t work_ns = 0;      ///< computing: a job, a burst, what a lock protects, between two events
  uint64_t pause_ns = 0;     ///< a period, a sleep, what lies between two locks, a time-out
  uint64_t deadline_ns = 0;  ///< periodic: after the beginning of the period
  uint64_t rate = 0;         ///< memory-writer: pages per second
  uint32_t pages = 0;        ///< memory-writer: its working set
  bool is_random = false;    ///< memory-writer: not one page after the other
  uint64_t variation = 0;    ///< how far work and pause may be off, in hundredths of a percent of themselves
};

/// A guest image in the place of workloads.
struct KernelSpec {
  std::filesystem::path path;
  std::filesystem::path initrd;   ///< empty: none
  std::optional<GuestType> type;  ///< which boot protocol; none: what it speaks
  std::string command_line;
  uint32_t memory_mib = 32;
  uint64_t instructions_max = 0;  ///< that its vCPUs may execute, together
};

struct DomainSpec {
  std::string name;
  std::string group;                 ///< the name in the file, of which `count` makes several
  std::vector<WorkloadSpec> vcpus;   ///< of a kernel: as many idle ones
  std::optional<KernelSpec> kernel;  ///< none: workloads
  std::optional<uint32_t> weight;
  std::optional<uint32_t> cap;  ///< percent of one pCPU
  std::optional<uint64_t> budget_ns, period_ns;
  bool extratime = false;
  std::optional<PcpuSet> hard, soft;
  std::optional<PcpuSet> nodes;  ///< its node affinity; `soft` are their pCPUs unless the file says otherwise
  size_t pool = 0;
  /// Of its memory writers.
  [[nodiscard]] uint64_t written_pages() const {
    uint64_t sum = 0;
    for (const WorkloadSpec& vcpu : vcpus) sum += vcpu.pages;
    return sum;
  }
  [[nodiscard]] bool grows_grant_table() const {
    return std::ranges::any_of(vcpus,
                               [](const WorkloadSpec& vcpu) { return vcpu.kind == WorkloadSpec::Kind::kGrantTable; });
  }
  bool exists_from_the_start = true;
  std::string where;  ///< file:line:column
};

struct Action {
  enum class Kind : uint8_t {
    kPause,
    kUnpause,
    kAffinity,
    kWeight,
    kCap,
    kMove,
    kPcpuAdd,
    kPcpuRemove,
    kCreate,
    kDestroy,
    kOffline,
    kOnline,
    kSuspend
  };
  Kind kind = Kind::kPause;
  std::vector<size_t> domains;
  std::optional<uint32_t> vcpu;  ///< none: all
  std::optional<PcpuSet> hard, soft;
  uint32_t value = 0;  ///< weight, cap or pCPU
  size_t pool = 0;
  uint64_t from_ns = 0;    ///< the first time, or the beginning of the window
  uint64_t until_ns = 0;   ///< end of the window, or of the repetition
  uint64_t every_ns = 0;   ///< 0: once
  uint64_t for_ns = 0;     ///< suspend: how long the machine sleeps
  bool is_random = false;  ///< at a moment of [from, until) that the seed chooses
  std::string words;       ///< for messages: "pause a"
  std::string where;       ///< file:line:column
};

/// What hardware may do and tests rarely see. All of it is bounded.
struct FaultSpec {
  uint64_t signal_delay_ns = 0;         ///< at most
  uint64_t timer_lateness_ns = 0;       ///< at most
  uint64_t clock_jitter_ns = 0;         ///< a clock lags by at most so much, otherwise each time it is read
  std::optional<uint64_t> free_frames;  ///< so many are left once what exists from the start is built
  PcpuSet slow_pcpus;
  uint64_t slow_factor = kWholePcpu;  ///< how long a slow pCPU takes, in hundredths of a percent of the usual time
  uint64_t until_ns = 0;
  [[nodiscard]] bool any() const { return touches_hardware() || free_frames.has_value(); }
  [[nodiscard]] bool touches_hardware() const {
    return signal_delay_ns != 0 || timer_lateness_ns != 0 || clock_jitter_ns != 0 ||
           (slow_factor != kWholePcpu && !slow_pcpus.empty());
  }
};

struct Expectation {
  enum class Kind : uint8_t {
    kShare,
    kLatency,
    kDeadlineMisses,
    kWorkConserving,
    kNoStarvation,
    kSupply,
    kBusy,
    kFrames,
    kRefusals,
    kPagesWritten,
    kConsole,
    kShutdown
  };
  Kind kind = Kind::kShare;
  std::vector<size_t> domains;   ///< share: together. Empty: all
  std::optional<uint32_t> vcpu;  ///< of each of them; none: all
  PcpuSet pcpus;                 ///< busy
  uint64_t at_least = 0;         ///< in hundredths of a percent of one pCPU; refusals; pages per second
  uint64_t at_most = UINT64_MAX;
  uint64_t bound_ns = 0;  ///< latency, work conservation, starvation, frames
  uint64_t percentile = kWholePcpu;
  uint64_t count = 0;                     ///< misses
  uint64_t budget_ns = 0, period_ns = 0;  ///< supply; frames: their length
  std::string text;                       ///< console: what it contains
  uint32_t shutdown_reason = 0;           ///< shutdown: SHUTDOWN_*
  bool is_exact = false;                  ///< supply: no more than that either
  uint64_t from_ns = 0, until_ns = 0;
  std::string words;
};

/// How pCPUs are interleaved inside the core, instead of as the seed chooses.
struct InterleavingSpec {
  std::optional<std::vector<uint64_t>> changes;  ///< Pct, priorities by the seed: points at which a pCPU falls
  std::optional<uint64_t> one_in;  ///< else a walk by the seed, elsewhere at one point in so many; or none
};

struct Scenario {
  std::string name;
  std::string about;
  std::string finds;  ///< a planted fault of the bundled core with which it fails; may be empty
  uint32_t pcpus = 1;
  uint32_t threads_per_core = 1;
  uint32_t nodes = 1;             ///< each has as many pCPUs, in order
  uint32_t cores_per_socket = 0;  ///< 0: one socket has all
  Granularity granularity = Granularity::kCpu;
  uint32_t pcpus_together = 1;  ///< pCPUs that the granularity makes one of, and vCPUs of a domain, in order
  std::vector<Pool> pools;      ///< at least one
  std::vector<DomainSpec> domains;
  std::vector<Action> actions;
  FaultSpec faults;
  std::vector<Expectation> expectations;
  std::optional<InterleavingSpec> interleaving;
  uint64_t duration_ns = 0;  ///< of the safety phase
  uint64_t liveness_ns = 0;  ///< then, without faults and actions, everything runnable runs within so long
};

}  // namespace assay::scenario
