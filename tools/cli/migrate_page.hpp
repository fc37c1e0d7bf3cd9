/// The page of `assay migrate`.
#pragma once

#include <string>
#include <vector>

#include "conformance/runner/runner.hpp"
#include "reports/migration_page.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/moves_target.hpp"

namespace assay {

/// What a page shows of one move, as notes of a result.
std::vector<std::string> notes_of(const hosts::MoveReport& report);

struct MigratePageInput {
  const MigrateFlags& flags;
  const std::vector<hosts::MoveCase>& cases;
  const RunOutcome& outcome;
  std::vector<MigrationPage::Failure> failures;
  std::vector<std::string> move;  ///< notes of the move that is drawn; empty: none is
};
MigrationPage page_of(const MigratePageInput& input);

}  // namespace assay
