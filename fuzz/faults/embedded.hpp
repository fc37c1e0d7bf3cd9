/// The catalogue as the program carries it inside itself.
#pragma once

#include <span>

#include "sim/base/embedded_file.hpp"

namespace assay {

/// fuzz/faults/faults.yaml alone.
std::span<const EmbeddedFile> embedded_faults();

}  // namespace assay
