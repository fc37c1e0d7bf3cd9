/// What looks for planted faults, from the names on the command line.
#pragma once

#include <memory>
#include <vector>

#include "fuzz/faults/detector.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {

/// Those that --detectors names, all where it names none. The differential one plays on its reference first; where that
/// is not on this machine it is left out, with a line that says so.
/// Throws InputError for a name that is none, TargetUnavailable when nothing is left, Interrupted and HarnessFault.
std::vector<std::unique_ptr<Detector>> make_detectors(const CheckFlags& flags);

}  // namespace assay
