/// A while of fuzzing: targets one after the other, each by as many processes as wanted, on a corpus that stays.
///
///     OUT/TARGET/corpus/       what was found so far; every byte string is an input
///     OUT/TARGET/totals.json   how long that took; also how a full disk is noticed
///     OUT/reproducers/         inputs that broke a target, made small: see reproducer.hpp
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/driver/libfuzzer_output.hpp"

namespace assay::fuzz {

/// A target that some program beside this one holds.
struct ListedTarget {
  std::string name;
  size_t bytes_max = 0;
  bool is_canary = false;
  std::string reads;
  std::filesystem::path program;
};

/// Of all fuzzers in `folder`; empty when there are none.
std::vector<ListedTarget> list_targets(const std::filesystem::path& folder);

struct CampaignOptions {
  std::filesystem::path out;
  std::filesystem::path seeds;    ///< folder with a corpus a target; may be missing
  std::chrono::seconds time{60};  ///< for each target
  std::optional<uint64_t> runs;   ///< of each target, in place of the time
  unsigned jobs = 1;
  unsigned seed = 1;
  std::string version;  ///< for reproducers
};

/// How far a target is, all of its processes together.
struct CampaignStatus {
  uint64_t runs = 0;
  uint64_t runs_per_s = 0;
  uint64_t edges = 0;
  uint64_t inputs = 0;
  std::chrono::milliseconds spent{0};
  std::chrono::milliseconds since_find{0};
};

/// "12345/s, 4 s, 1234 edges, 56 inputs, last find 2 s ago"
std::string to_line(const CampaignStatus& status);

struct Crash {
  std::string target;
  std::string reason;
  std::filesystem::path reproducer;
};

struct TargetOutcome {
  CampaignStatus status;
  std::optional<Crash> crash;  ///< a target is left at its first
  bool interrupted = false;
  std::string trouble;  ///< the fuzzer ended in a way that is no crash of the target: its last lines
};

class CampaignObserver {
 public:
  virtual ~CampaignObserver() = default;
  /// Some times a second.
  virtual void on_status(const ListedTarget& target, const CampaignStatus& status) = 0;
};

/// Fuzzes one target. Throws WriteError when `out` will not take what was found, after the fuzzers were told to keep
/// it; InputError when what an earlier campaign left there cannot be read.
TargetOutcome fuzz_target(const ListedTarget& target, const CampaignOptions& options, int interruption,
                          CampaignObserver& observer);

/// Runs an input once. What the target says to it, empty when it bears it.
std::optional<std::string> run_once(const ListedTarget& target, const std::filesystem::path& input);

}  // namespace assay::fuzz
