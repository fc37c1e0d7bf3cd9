/// Every key of a scenario file, entry by entry: what the reader accepts, and what the JSON Schema has to say.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace assay::scenario::keys {

using std::to_array;
using Name = std::string_view;

constexpr auto kTop = to_array<Name>({"about", "finds", "machine", "scheduler", "pools", "domains", "actions", "faults",
                                      "expect", "duration", "liveness", "interleaving"});
constexpr auto kMachine = to_array<Name>({"pcpus", "sockets", "cores", "threads", "nodes", "granularity"});
constexpr auto kScheduler = to_array<Name>({"name", "ratelimit", "timeslice", "frame", "slots"});
constexpr auto kSlot = to_array<Name>({"domain", "vcpu", "runtime"});
constexpr auto kPool = to_array<Name>({"name", "pcpus", "nodes", "scheduler"});
constexpr auto kDomain =
    to_array<Name>({"name", "count", "vcpus", "workload", "workloads", "guest", "weight", "cap", "budget", "period",
                    "extratime", "affinity", "soft_affinity", "nodes", "pool", "created"});
constexpr auto kGuest = to_array<Name>({"kernel", "type", "initrd", "cmdline", "memory", "instructions"});
constexpr auto kInterleaving = to_array<Name>({"changes", "one_in"});
constexpr auto kWorkload = to_array<Name>({"kind", "work", "period", "deadline", "run", "sleep", "hold", "think",
                                           "timeout", "rate", "pages", "pattern", "variation"});
constexpr auto kWhen = to_array<Name>({"at", "every", "from", "until", "within"});
constexpr auto kActions = to_array<Name>({"pause", "unpause", "affinity", "weight", "cap", "move", "add_pcpu",
                                          "remove_pcpu", "create", "destroy", "offline", "online", "suspend"});
constexpr auto kSuspend = to_array<Name>({"for"});
constexpr auto kAction = to_array<Name>({"domain", "vcpu", "hard", "soft", "to", "pool", "pcpu"});
constexpr auto kFaults = to_array<Name>(
    {"signal_delay", "timer_lateness", "clock_jitter", "free_frames", "slow_pcpus", "slow_factor", "until"});
constexpr auto kExpectations =
    to_array<Name>({"share", "latency", "deadline_misses", "work_conserving", "no_starvation", "supply", "busy",
                    "frames", "refusals", "pages_written", "console", "shutdown"});
/// Of the expectations, in their order.
constexpr auto kShare = to_array<Name>({"of", "vcpu", "at_least", "at_most", "from", "until"});
constexpr auto kLatency = to_array<Name>({"of", "vcpu", "percentile", "within", "from", "until"});
constexpr auto kDeadlineMisses = to_array<Name>({"of", "vcpu", "at_most", "from", "until"});
constexpr auto kWorkConserving = to_array<Name>({"within", "from", "until"});
constexpr auto kNoStarvation = to_array<Name>({"of", "vcpu", "longer_than", "from", "until"});
constexpr auto kSupply = to_array<Name>({"of", "vcpu", "budget", "period", "exact", "from", "until"});
constexpr auto kBusy = to_array<Name>({"pcpus", "at_least", "at_most", "from", "until"});
constexpr auto kFrames = to_array<Name>({"of", "vcpu", "frame", "within", "from", "until"});
constexpr auto kRefusals = to_array<Name>({"of", "at_least", "at_most", "from", "until"});
constexpr auto kPagesWritten = to_array<Name>({"of", "vcpu", "at_least", "at_most", "from", "until"});
constexpr auto kConsole = to_array<Name>({"of", "contains", "from", "until"});
constexpr auto kShutdown = to_array<Name>({"of", "reason", "from", "until"});
constexpr std::array<std::span<const Name>, kExpectations.size()> kExpectation{
    kShare, kLatency, kDeadlineMisses, kWorkConserving, kNoStarvation, kSupply,
    kBusy,  kFrames,  kRefusals,       kPagesWritten,   kConsole,      kShutdown};

constexpr auto kSchedulers = to_array<Name>({"any", "credit", "credit2", "rtds", "arinc653", "null"});
constexpr auto kGranularities = to_array<Name>({"cpu", "core", "socket"});
constexpr auto kWorkloads = to_array<Name>({"idle", "cpu-bound", "periodic", "interactive", "lock", "ping-pong",
                                            "timer-storm", "poll", "memory-writer", "grant-table"});
constexpr auto kGuestTypes = to_array<Name>({"auto", "pv64", "pvh"});
/// As public/sched.h numbers them, SHUTDOWN_*.
constexpr auto kReasons = to_array<Name>({"poweroff", "reboot", "suspend", "crash", "watchdog"});
constexpr auto kPatterns = to_array<Name>({"sequential", "random"});

}  // namespace assay::scenario::keys
