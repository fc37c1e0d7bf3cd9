/// The page of `assay migrate`.
#pragma once

#include "reports/migration_page.hpp"
#include "tools/cli/played_moves.hpp"

namespace assay {

/// Beside index.html, which has all results.
constexpr const char* kMigrationPage = "migration.html";

MigrationPage page_of(const PlayedMoves& played);

}  // namespace assay
