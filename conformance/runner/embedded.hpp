/// Files of the source tree that the program carries inside itself.
#pragma once

#include <span>
#include <string_view>

namespace assay {

struct EmbeddedFile {
  std::string_view name;  ///< from the root of the tree
  std::string_view text;
};

/// conformance/requirements/*.yaml, by name.
std::span<const EmbeddedFile> embedded_requirements();

}  // namespace assay
