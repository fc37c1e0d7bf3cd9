/// A file of the source tree that the program carries inside itself.
#pragma once

#include <string_view>

namespace assay {

struct EmbeddedFile {
  std::string_view name;  ///< from the root of the tree
  std::string_view text;
};

}  // namespace assay
