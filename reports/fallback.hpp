/// The part of the page that needs no script: what came of each run, in short.
#pragma once

#include <string>
#include <vector>

#include "reports/html.hpp"

namespace assay {

/// What a run came to, in a sentence: "All as expected", "3 unexpected results", "Nothing ran", "Interrupted: ...".
std::string headline(const Results& results);

/// HTML. Verdict, configuration and the unexpected results, with the lines that reproduce them.
std::string fallback_html(const std::vector<PageRun>& runs);

}  // namespace assay
