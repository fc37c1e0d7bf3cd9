/// junit.xml: the form of results that CI systems read.
#pragma once

#include <string>

#include "reports/results.hpp"

namespace assay {

/// Unexpected results are failures or errors, expected failures and skips are skipped. The failure text ends with the
/// line that reproduces it, since many CI systems show nothing else.
std::string to_junit(const Results& results);

/// `text` without the characters that XML 1.0 cannot hold, and with what is no UTF-8 replaced.
std::string xml_safe(std::string_view text);

}  // namespace assay
