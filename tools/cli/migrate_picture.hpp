/// One move in time, as the page of `assay migrate` draws it.
#pragma once

#include "reports/migration_page.hpp"
#include "tools/cli/played_moves.hpp"

namespace assay {

/// Of a case whose record has a move to draw.
MigrationPage::Move picture_of(const PlayedMoves& played, size_t index);

}  // namespace assay
