/// Hosts that domains move between, as the runner of cases knows them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "conformance/runner/case_result.hpp"
#include "conformance/runner/target_of_its_own.hpp"
#include "sim/hosts/sweep.hpp"

namespace assay {

/// What came of the moves of a case, in numbers.
struct MovesSummary {
  uint64_t moves = 0, arrived = 0, stayed = 0, lost = 0;
  uint64_t pages = 0, bytes = 0, rounds = 0;
  uint64_t downtime_ns = 0, downtime_most_ns = 0;  ///< of those that arrived: the sum, and the longest
  void add(const MovesSummary& other);
};
MovesSummary summary_of(const hosts::MoveOutcome& outcome);

/// Its guests are those that move.
class MovesTarget final : public TargetOfItsOwn {
 public:
  /// Throws TargetUnavailable when one of the files is not a core that this host can run, TargetDied when it does not
  /// boot.
  MovesTarget(const std::vector<std::filesystem::path>& cores, const std::string& command_line);

  /// In `console` the numbers, as numbers_in reads them.
  CaseResult play(const hosts::MoveCase& one);
  /// One move without a fault, as notes_of has it in `notes`.
  CaseResult draw(hosts::MoveCase one);
  /// What is left of a case that fails, as flags in `message`.
  CaseResult shrink(const hosts::MoveCase& failing);
  [[nodiscard]] hosts::MovePlayer& player() { return player_; }

  [[nodiscard]] const TargetInfo& info() const override { return info_; }

 private:
  hosts::MovePlayer player_;
  TargetInfo info_;
};

/// Of a result of MovesTarget::play.
MovesSummary numbers_in(const CaseResult& result);

}  // namespace assay
