#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "conformance/runner/interruption.hpp"
#include "sim/base/paths.hpp"
#include "sim/debug/gdb_server.hpp"
#include "sim/debug/tcp_listener.hpp"
#include "sim/input/input_error.hpp"
#include "sim/run/debugger.hpp"
#include "sim/run/recording.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

/// Ctrl-C is looked for, and a difference reported, so often in virtual time.
constexpr uint64_t kTurnNs = 1'000'000;

Recording load(const ReplayFlags& flags) {
  try {
    Recording recording = Recording::load(flags.recording);
    recording.check_files();
    // A recording of the bundled core holds the path that it had; this program brings its own.
    const bool is_bundled = recording.inputs.core.filename() == "hv.so";
    if (!flags.target.empty()) {
      recording.inputs.core = core_path(flags.target);
    } else if (is_bundled) {
      recording.inputs.core = artifact("hv.so");
    }
    return recording;
  } catch (const InputError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw InputError(error.what());
  }
}

ExitCode repeat(GuestRun& run, const Recording& recording) {
  const Interruption interruption;
  DigestCheck check(run, recording.digests);
  run.watch(&check);
  while (run.end() == GuestEnd::kRunning && run.now_ns() < recording.end_ns && check.difference().empty()) {
    if (interruption.has_arrived()) return kExitInterrupted;
    run.advance(std::min(recording.end_ns, run.now_ns() + kTurnNs));
  }
  run.watch(nullptr);
  if (!check.difference().empty()) {
    fmt::print("differs: {}\n", check.difference());
    fmt::print("recorded by {}, with {} exits\n{}", recording.made_by, recording.digests.size(), run.describe());
    return kExitUnexpected;
  }
  const bool same_text = hash_of(std::as_bytes(std::span(run.console().text()))) == recording.console_hash;
  const bool same_end = run.end() == recording.end && check.exits() == recording.digests.size();
  fmt::print("{}: {} exits, {} instructions, digest {:#018x}, guest {}\n",
             same_text && same_end ? "the same" : "differs in its end", check.exits(), run.instructions(), run.digest(),
             to_string(run.end()));
  return same_text && same_end ? kExitExpected : kExitUnexpected;
}

ExitCode debug_run(GuestRun& run, const Recording& recording, int port) {
  const Interruption interruption;
  Debugger debugger(run, recording.end_ns);
  debug::TcpListener listener(static_cast<uint16_t>(port));
  fmt::print("gdb can attach: target remote 127.0.0.1:{}\n", listener.port());
  std::fflush(stdout);
  debug::serve_debuggers(listener, debugger, [&] { return interruption.has_arrived(); });
  return interruption.has_arrived() ? kExitInterrupted : kExitExpected;
}

}  // namespace

ExitCode replay_run(const ReplayFlags& flags) {
  const Recording recording = load(flags);
  std::unique_ptr<GuestRun> run;
  try {
    run = std::make_unique<GuestRun>(recording.inputs);
  } catch (const HarnessFault&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw InputError(error.what());
  }
  return flags.gdb_port < 0 ? repeat(*run, recording) : debug_run(*run, recording, flags.gdb_port);
}

}  // namespace assay
