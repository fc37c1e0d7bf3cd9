/// `assay migrate KERNEL`: a kernel that goes to and fro between two hosts.

#include <fmt/format.h>

#include <cstdio>

#include "conformance/runner/interruption.hpp"
#include "sim/input/input_error.hpp"
#include "sim/run/moving_kernel.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/guest.hpp"
#include "tools/cli/saved_trouble.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

/// Of virtual time: what a kernel may take to suspend itself, from when it was asked.
constexpr uint64_t kSuspendLimitNs = 1'000'000'000;

/// Up to the first move it may take as long as it wants to say what it is to say.
bool play_until_ready(GuestRun& run, const MigrateFlags& flags, const Interruption& interruption) {
  if (flags.until.empty()) return play_guest(run, {.limit_ms = flags.interval_ms}, stdout, interruption);
  const bool interrupted =
      play_guest(run, {.limit_ms = flags.kernel.limit_ms, .until = flags.until}, stdout, interruption);
  if (interrupted || run.console().text().find(flags.until) != std::string::npos) return interrupted;
  throw GuestUncooperative(fmt::format("its console has not said \"{}\" within {} ms of virtual time; it was not moved",
                                       flags.until, flags.kernel.limit_ms));
}

void tell_move(MovingKernel& kernel) {
  const migration::SaveReport& report = kernel.last_report();
  fmt::print(stderr, "\nassay: move {} onto {} at {:.3f} ms of virtual time: {} pages, {} bytes\n", kernel.moves(),
             kernel.run().inputs().core.filename().string(), static_cast<double>(kernel.run().now_ns()) / 1e6,
             report.pages, report.bytes);
}

/// Refused here, and not when the kernel is on its way.
std::filesystem::path other_core(const MigrateFlags& flags) {
  const std::filesystem::path core = core_path(flags.onto.empty() ? flags.target : flags.onto);
  try {
    const CoreObject tried(core);
  } catch (const CoreRefused& refused) {
    throw InputError(refused.what());
  }
  return core;
}

ExitCode play(const MigrateFlags& flags) {
  const Interruption interruption;
  const std::filesystem::path elsewhere = other_core(flags);
  MovingKernel kernel(start_guest(flags.kernel), elsewhere);
  bool interrupted = play_until_ready(kernel.run(), flags, interruption);
  while (!interrupted && kernel.moves() < flags.moves) {
    const GuestEnd end = kernel.run().end();
    if (end != GuestEnd::kRunning && end != GuestEnd::kSuspend) break;
    kernel.move(kSuspendLimitNs);
    tell_move(kernel);
    if (kernel.moves() < flags.moves) {
      interrupted = play_guest(kernel.run(), {.limit_ms = flags.interval_ms}, stdout, interruption);
    }
  }
  if (!interrupted) interrupted = play_guest(kernel.run(), {.limit_ms = flags.kernel.limit_ms}, stdout, interruption);
  tell_end(kernel.run(), interrupted);
  fmt::print(stderr, "assay: {} moves; digest of all hosts {:#018x}\n", kernel.moves(), kernel.digest());
  const ExitCode code = judge_end(kernel.run(), interrupted);
  if (interrupted || kernel.moves() == flags.moves) return code;
  fmt::print(stderr, "assay: the guest came to its end before it had moved {} times; --interval {} is long for it\n",
             flags.moves, flags.interval_ms);
  return worst(code, kExitInconclusive);
}

}  // namespace

ExitCode migrate_kernel(const MigrateFlags& flags) {
  return tell_saved_trouble([&] { return play(flags); });
}

}  // namespace assay
