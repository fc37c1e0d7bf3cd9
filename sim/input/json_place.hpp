/// Where in a JSON text something stands, for messages that people can follow.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct TextPlace {
  size_t line;    ///< from 1
  size_t column;  ///< from 1, in bytes
};

TextPlace place_of_byte(std::string_view text, size_t byte);

/// The offset of the value that `path` leads to, keys and indices from the root, in `text`, which must be valid JSON.
/// Where the path ends early, the offset of the last value that was there.
size_t find_value(std::string_view text, const std::vector<std::string>& path);

}  // namespace assay
