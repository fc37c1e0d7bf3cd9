/// Kernels under `save` and `restore`: cores only. What keeps them from it is thrown: see saved_trouble.hpp.
#pragma once

#include "conformance/runner/interruption.hpp"
#include "sim/saved/saved_guest.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {

ExitCode save_kernel(const SaveFlags& flags, const Interruption& interruption);
/// `saved` is what is kept beside the stream, which is as that says.
ExitCode restore_kernel(const RestoreFlags& flags, const SavedGuest& saved, const Interruption& interruption);

}  // namespace assay
