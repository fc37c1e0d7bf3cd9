/// What the YAML parser finds wrong, in words that say what to look for.
#pragma once

#include <string>
#include <string_view>

namespace assay {

/// `found` is the parser's own message, `line` the line of which it is.
std::string yaml_syntax_in_words(const std::string& found, std::string_view line);

}  // namespace assay
