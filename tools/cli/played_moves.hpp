/// Cases of moves that were played, and what came of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conformance/runner/runner.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/move_record.hpp"

namespace assay {

/// One that is wrong.
struct WrongMoves {
  size_t index;       ///< of the case
  std::string small;  ///< flags of the smallest case that is wrong in the same way
};

struct PlayedMoves {
  PlayedMoves(const MigrateFlags& flags, std::vector<hosts::MoveCase> cases, RunOutcome outcome);

  const MigrateFlags& flags;
  std::vector<hosts::MoveCase> cases;
  RunOutcome outcome;               ///< a place for each case
  std::vector<MoveRecord> records;  ///< likewise
  std::vector<WrongMoves> wrong;    ///< the first few
  /// Index of the case whose picture is drawn: one that is wrong, or else one that says much.
  [[nodiscard]] std::optional<size_t> drawn() const;
  [[nodiscard]] bool is_wrong(size_t index) const;
  [[nodiscard]] size_t played() const;
  [[nodiscard]] size_t wrong_count() const;
  /// Cases whose point no move met, though it was asked for.
  [[nodiscard]] size_t unmet_count() const;
};

/// The line for the shell that plays a case, from its flags.
std::string reproduction(const MigrateFlags& flags, const std::string& case_flags);

/// "pvh live".
std::string way_of(const hosts::MoveCase& one);

}  // namespace assay
