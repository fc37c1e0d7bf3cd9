/// A run as it can be repeated: what it started from, and a digest of every exit, so that a repetition that differs is
/// noticed at the first exit that does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/engine/machine_watcher.hpp"
#include "sim/run/guest_run.hpp"

namespace assay {

/// Not a recording, one of another version, or cut short: what, without the file's name.
class RecordingError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Recording {
  GuestRunInputs inputs;
  std::string made_by;  ///< version of the program
  /// Hashes of the files that the inputs name; of the initrd 0 when there is none. The core is not among them: another
  /// build of it shall do the same.
  uint64_t kernel_hash = 0, initrd_hash = 0;
  uint64_t end_ns = 0;  ///< of virtual time
  GuestEnd end = GuestEnd::kRunning;
  uint64_t console_hash = 0;
  std::vector<uint64_t> digests;  ///< of the run so far, at every exit

  static constexpr uint64_t kDigestsMax = 16u << 20;

  /// Throws std::runtime_error that names the file and what is wrong: not a recording, of another version, cut short.
  static Recording load(const std::filesystem::path& path);
  /// The same of bytes; throws RecordingError.
  static Recording parse(std::span<const std::byte> file);
  /// Throws std::runtime_error when it cannot be written; an earlier file is then left as it was.
  void save(const std::filesystem::path& path) const;
  /// Throws std::runtime_error when a file that the inputs name is not the one that was recorded.
  void check_files() const;
};

/// Takes down the digests of a run.
class DigestLog final : public MachineWatcher {
 public:
  explicit DigestLog(const GuestRun& run) : run_(run) {}
  [[nodiscard]] const std::vector<uint64_t>& digests() const { return digests_; }

 private:
  void on_exit(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const assay_exit& exit) override;
  void on_entry(uint64_t, uint32_t, const assay_run&) override {}
  void on_core_event(uint64_t, uint32_t, uint32_t, std::span<const uint64_t>) override {}

  const GuestRun& run_;
  std::vector<uint64_t> digests_;
};

/// Compares a run with a recording.
class DigestCheck final : public MachineWatcher {
 public:
  DigestCheck(const GuestRun& run, const std::vector<uint64_t>& expected) : run_(run), expected_(expected) {}
  /// The first exit that differs, in words; empty while none does.
  [[nodiscard]] const std::string& difference() const { return difference_; }
  [[nodiscard]] uint64_t exits() const { return next_; }

 private:
  void on_exit(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const assay_exit& exit) override;
  void on_entry(uint64_t, uint32_t, const assay_run&) override {}
  void on_core_event(uint64_t, uint32_t, uint32_t, std::span<const uint64_t>) override {}

  const GuestRun& run_;
  const std::vector<uint64_t>& expected_;
  uint64_t next_ = 0;
  std::string difference_;
};

uint64_t hash_of(std::span<const std::byte> bytes);

}  // namespace assay
