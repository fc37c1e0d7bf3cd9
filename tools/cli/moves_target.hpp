/// Hosts that domains move between, as the runner of cases knows them.
#pragma once

#include <string>
#include <vector>

#include "conformance/runner/case_result.hpp"
#include "conformance/runner/target_of_its_own.hpp"
#include "sim/hosts/sweep.hpp"

namespace assay {

/// Its guests are those that move.
class MovesTarget final : public TargetOfItsOwn {
 public:
  /// Throws TargetUnavailable when one of the cores is none that this host can run, or has not all that domains which
  /// move need; TargetDied when it does not boot.
  explicit MovesTarget(const std::vector<HostOptions>& hosts);

  /// In `console` what it did, encoded: tools/cli/move_record.hpp.
  CaseResult play(const hosts::MoveCase& one);
  /// What is left of a case that fails, as flags in `message`.
  CaseResult shrink(const hosts::MoveCase& failing);
  [[nodiscard]] hosts::MovePlayer& player() { return player_; }

  [[nodiscard]] const TargetInfo& info() const override { return info_; }

 private:
  hosts::MovePlayer player_;
  TargetInfo info_;
};

}  // namespace assay
