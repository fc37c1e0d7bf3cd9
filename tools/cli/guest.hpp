/// A guest kernel under the verbs that run one.
#pragma once

#include <cstdio>
#include <memory>

#include "sim/run/guest_run.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {

/// Boots the core and builds the guest. Throws InputError when what the flags name will not do.
std::unique_ptr<GuestRun> start_guest(const RunFlags& flags);

/// Lets it run until it ends, until `limit_ms` of virtual time from now have passed, or until Ctrl-C; its console goes
/// to `console` as it comes. True when it was interrupted.
bool play_guest(GuestRun& run, uint64_t limit_ms, FILE* console);

/// Says on standard error how it ended.
void tell_end(const GuestRun& run, bool interrupted);
/// What the end means; for one that is not well, standard error gets the particulars.
ExitCode judge_end(const GuestRun& run, bool interrupted);

}  // namespace assay
