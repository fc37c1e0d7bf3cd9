/// Comma-separated values, as RFC 4180 has them.
#pragma once

#include <string>
#include <vector>

namespace assay {

/// One line, every field in quotes.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace assay
