/// The data of a report page: what the runs have in common once, what they came to side by side.
#pragma once

#include <string>
#include <vector>

#include "reports/compare.hpp"
#include "reports/html.hpp"

namespace assay {

/// JSON texts. reports/page/model.js knows their form.
struct PageModel {
  std::string data;                 ///< everything but the steps and evidence of cases
  std::vector<std::string> blocks;  ///< those, of some dozens of cases each: unpacked when a case is opened
};

PageModel page_model(const std::vector<PageRun>& runs, bool difference);

}  // namespace assay
