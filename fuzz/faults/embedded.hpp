/// The catalogue, and scenarios, as the program carries them inside itself.
#pragma once

#include <span>

#include "sim/base/embedded_file.hpp"

namespace assay {

/// fuzz/faults/faults.yaml alone.
std::span<const EmbeddedFile> embedded_faults();
/// scenarios/ and scenarios/bugs.
std::span<const EmbeddedFile> embedded_scenarios();

}  // namespace assay
