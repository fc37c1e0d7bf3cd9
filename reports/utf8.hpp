/// Text of unknown origin as valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace assay {

/// `text` with every byte that is not part of a well-formed UTF-8 sequence replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

}  // namespace assay
