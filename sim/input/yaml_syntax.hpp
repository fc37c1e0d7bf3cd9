/// What the YAML parser finds wrong, in words that say what to look for.
#pragma once

#include <string>

namespace assay {

/// `found` is the parser's own message.
std::string yaml_syntax_in_words(const std::string& found);

}  // namespace assay
