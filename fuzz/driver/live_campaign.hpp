/// Raw hypercalls of two guests on a hypervisor that runs by itself, and is booted again when it has died of them.
///
///     OUT/FOLDER/corpus/   guided by coverage: the inputs that reached something first, with which a campaign goes on
///     OUT/reproducers/     what it died of: all that both guests had called, and the few calls that are needed
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "conformance/runner/worker_main.hpp"
#include "fuzz/driver/campaign.hpp"
#include "fuzz/driver/seen_edges.hpp"

namespace assay::fuzz {

/// What a reproducer of such calls has as its target.
constexpr std::string_view kLiveTarget = "registers@live";

struct LiveTarget {
  TargetFactory make;
  std::string folder;
  EdgeSource edges{};  ///< null: nothing guides
};

struct LiveStatus {
  uint64_t calls = 0;
  uint64_t operations = 0;  ///< of guests: calls, and what prepares them
  uint64_t guests = 0;      ///< made
  uint64_t deaths = 0;      ///< of the hypervisor
  std::chrono::milliseconds spent{0};
  bool is_guided = false;
  uint64_t edges = 0;  ///< reached by inputs, beyond what building guests and idling reaches
  uint64_t inputs = 0;
  std::chrono::milliseconds since_find{0};
};

/// "12345 calls, 6789 operations/s, 4 s, 12 guests, 0 deaths", and guided: ", 2345 edges, 67 inputs, last find 2 s ago"
std::string to_line(const LiveStatus& status);

/// One way to die, however often.
struct LiveDeath {
  std::string cause;
  uint64_t times = 1;
  size_t calls_before = 0, calls_after = 0;
  bool repeats = false;     ///< all that both guests called kills a machine of its own; otherwise nothing was taken out
  bool is_minimal = false;  ///< otherwise time was up
  std::filesystem::path whole, reproducer;
};

/// "xen: panic ... (3 times)", how it was made small, and where it is.
std::string to_text(const LiveDeath& death);

struct LiveOutcome {
  LiveStatus status;
  std::vector<LiveDeath> deaths;
  bool interrupted = false;
};

/// Until the time or the number of runs (of inputs) is over. Throws what the factory throws; TargetUnavailable when the
/// hypervisor dies before anybody has called; WriteError; InputError when what an earlier campaign left cannot be read.
LiveOutcome fuzz_live(const LiveTarget& target, const CampaignOptions& options, int interruption,
                      const std::function<void(const LiveStatus&)>& on_status);

}  // namespace assay::fuzz
