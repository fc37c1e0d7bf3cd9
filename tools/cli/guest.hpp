/// A guest kernel under the verbs that run one.
#pragma once

#include <cstdio>
#include <memory>

#include "conformance/runner/interruption.hpp"
#include "sim/run/guest_run.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {

/// Boots the core and builds the guest. Throws InputError when what the flags name will not do.
std::unique_ptr<GuestRun> start_guest(const RunFlags& flags);

struct PlayLimit {
  uint64_t limit_ms = 0;  ///< of virtual time, from now on
  std::string until{};    ///< text on its console; empty: none
};

/// Lets it run until it ends, until the limit, or until Ctrl-C; its console goes to `console` as it comes. True when it
/// was interrupted.
bool play_guest(GuestRun& run, const PlayLimit& limit, FILE* console, const Interruption& interruption);
/// The same where nothing else can be interrupted.
bool play_guest(GuestRun& run, uint64_t limit_ms, FILE* console);

/// Says on standard error how it ended.
void tell_end(const GuestRun& run, bool interrupted);
/// What the end means; for one that is not well, standard error gets the particulars.
ExitCode judge_end(const GuestRun& run, bool interrupted);

}  // namespace assay
