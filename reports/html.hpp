/// index.html: a page for people, in one file, that needs nothing else.
#pragma once

#include <string>
#include <string_view>

#include "reports/results.hpp"

namespace assay {

/// Summary on top, then the unexpected, then every case with a filter, then the requirements. Everything that came from
/// elsewhere is escaped.
std::string to_html(const Results& results);

/// `text` for element content and quoted attributes, as valid UTF-8.
std::string html_escape(std::string_view text);

}  // namespace assay
