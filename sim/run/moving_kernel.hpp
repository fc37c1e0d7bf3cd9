/// A kernel that goes to and fro between two hosts.
#pragma once

#include <memory>

#include "sim/engine/machine_digest.hpp"
#include "sim/run/guest_run.hpp"

namespace assay {

class MovingKernel {
 public:
  /// `first` is where it runs; the other host has the core `onto`.
  MovingKernel(std::unique_ptr<GuestRun> first, std::filesystem::path onto);

  /// Where it is now.
  [[nodiscard]] GuestRun& run() { return *run_; }
  [[nodiscard]] uint64_t moves() const { return moves_; }
  /// It is asked to suspend itself, unless it has done so, and goes on at the other host; the machine where it was is
  /// gone. Throws GuestUncooperative when it does not within `limit_ns`, or ends: it is where it was then. What saving
  /// and restoring throw leaves nothing that could go on.
  void move(uint64_t limit_ns);
  [[nodiscard]] const migration::SaveReport& last_report() const { return report_; }
  /// Of everything that happened on all the machines where it was.
  [[nodiscard]] uint64_t digest() const;

 private:
  std::unique_ptr<GuestRun> run_;
  std::filesystem::path elsewhere_;
  uint64_t moves_ = 0;
  migration::SaveReport report_;
  MachineDigest left_;  ///< of machines that are gone
};

}  // namespace assay
