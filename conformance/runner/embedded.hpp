/// Files of the source tree that the program carries inside itself.
#pragma once

#include <span>

#include "sim/base/embedded_file.hpp"

namespace assay {

/// conformance/requirements/*.yaml, by name.
std::span<const EmbeddedFile> embedded_requirements();
/// conformance/profiles/*.yaml, by name.
std::span<const EmbeddedFile> embedded_profiles();

}  // namespace assay
