/// What `assay migrate --out` leaves in its folder: results as those of any run, and the page of the moves.
#pragma once

#include "reports/results.hpp"
#include "tools/cli/played_moves.hpp"

namespace assay {

/// A case each; of the one that is drawn, and of those that are wrong, what happened in the drawn move.
Results results_of(const PlayedMoves& played);

/// results.json, junit.xml, index.html and migration.html. Throws WriteError.
void write_migrations(const PlayedMoves& played);

}  // namespace assay
