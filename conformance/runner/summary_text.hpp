/// The end of a run on the terminal.
#pragma once

#include <string>

#include "reports/results.hpp"

namespace assay {

/// The unexpected first, each with its message and the line that reproduces it; then configuration and counts.
/// `report` is where the report is, or why there is none.
std::string summary_text(const Results& results, const std::string& report);

}  // namespace assay
