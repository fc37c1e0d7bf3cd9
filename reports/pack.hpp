/// Data in a form that a page can carry and a browser can unpack.
#pragma once

#include <string>
#include <string_view>

namespace assay {

/// `text` as a zlib stream in base64: what DecompressionStream("deflate") reads.
std::string packed(std::string_view text);

std::string base64(std::string_view bytes);

}  // namespace assay
