/// Raw hypercalls of two guests on a hypervisor that runs by itself: no coverage guides, and what is broken stays so
/// until the next boot.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "conformance/runner/worker_main.hpp"
#include "fuzz/driver/campaign.hpp"

namespace assay::fuzz {

/// What a reproducer of such calls has as its target.
constexpr std::string_view kLiveTarget = "registers@live";

struct LiveStatus {
  uint64_t calls = 0;
  uint64_t operations = 0;  ///< of guests: calls, and what prepares them
  uint64_t guests = 0;      ///< made
  uint64_t deaths = 0;      ///< of the hypervisor
  std::chrono::milliseconds spent{0};
};

/// "12345 calls, 6789 operations/s, 4 s, 12 guests, 0 deaths"
std::string to_line(const LiveStatus& status);

struct LiveOutcome {
  LiveStatus status;
  std::vector<Crash> crashes;
  bool interrupted = false;
};

/// Until the time or the number of runs (of inputs) is over. A hypervisor that dies is booted again. Throws what the
/// factory throws, and WriteError.
LiveOutcome fuzz_live(const TargetFactory& make_target, const CampaignOptions& options, int interruption,
                      const std::function<void(const LiveStatus&)>& on_status);

/// Makes the calls of a reproducer. How the hypervisor dies of them; nothing when it bears them.
std::optional<std::string> replay_live(const TargetFactory& make_target, std::string_view calls);

}  // namespace assay::fuzz
