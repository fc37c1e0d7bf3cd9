#include "tools/cli/saved_kernel.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "conformance/runner/assemble.hpp"
#include "sim/input/input_error.hpp"
#include "sim/saved/saved_files.hpp"
#include "tools/cli/guest.hpp"
#include "tools/cli/saved_trouble.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

/// Of virtual time: what a kernel may take to suspend itself, from when it was asked.
constexpr uint64_t kSuspendLimitMs = 1000;
constexpr uint64_t kKernelLimitMs = 60'000;

void expect_core(const std::string& target) {
  if (target == "xen" || target.starts_with("connect:")) {
    throw InputError(fmt::format(
        "--target {}: kernels are run on cores, hv or FILE.so; --guest pv64 or pvh, our agent, runs everywhere",
        target));
  }
}

void save_into(GuestRun& run, SavedFilesWriter& files, const std::string& name, const Interruption& interruption) {
  run.ask_to_suspend();
  if (play_guest(run, {.limit_ms = kSuspendLimitMs, .until = {}}, stdout, interruption)) throw Stopped{};
  if (run.end() == GuestEnd::kRunning) {
    throw GuestUncooperative(fmt::format(
        "the kernel was asked to suspend itself, by control/shutdown in the store, and has not within {} ms of virtual "
        "time. It has to be one that can (Linux: CONFIG_HIBERNATE_CALLBACKS), and to have got as far; nothing was "
        "written",
        kSuspendLimitMs));
  }
  if (run.end() != GuestEnd::kSuspend) {
    throw GuestUncooperative(
        fmt::format("the guest ended ({}) in place of suspending itself; nothing was written", to_string(run.end())));
  }
  StoppableSink sink(files, interruption);
  SavedGuest saved = run.save(sink);
  saved.made_by = suite_version();
  files.commit(saved);
  const migration::SaveReport& report = run.save_report();
  fmt::print(stderr, "\nassay: saved after {:.3f} ms of virtual time: {} pages, {} bytes in {}\n",
             static_cast<double>(run.now_ns()) / 1e6, report.pages, report.bytes, name);
}

/// Until the text, or for as long as is wanted; then it is saved.
ExitCode play_and_save(GuestRun& run, const PlayLimit& limit, SavedFilesWriter& files, const std::string& name,
                       const Interruption& interruption) {
  if (play_guest(run, limit, stdout, interruption)) throw Stopped{};
  if (run.end() != GuestEnd::kRunning) {
    tell_end(run, false);
    fmt::print(stderr, "assay: it ended before it could be saved; nothing was written\n");
    return kExitUnexpected;
  }
  if (!limit.until.empty() && run.console().text().find(limit.until) == std::string::npos) {
    throw GuestUncooperative(
        fmt::format("its console has not said \"{}\" within {} ms of virtual time; nothing was written", limit.until,
                    limit.limit_ms));
  }
  save_into(run, files, name, interruption);
  return kExitExpected;
}

GuestRunInputs inputs_of(const RestoreFlags& flags, const SavedGuest& saved) {
  GuestRunInputs inputs;
  inputs.core = core_path(flags.target);
  inputs.kernel = saved.kernel->name;
  inputs.memory_mib = saved.spec.pages / kPagesOfMib;
  inputs.vcpus = saved.spec.vcpus;
  return inputs;
}

}  // namespace

ExitCode save_kernel(const SaveFlags& flags, const Interruption& interruption) {
  expect_core(flags.run.target);
  SavedFilesWriter files(flags.out, flags.force);
  const std::unique_ptr<GuestRun> run = start_guest(flags.run);
  return play_and_save(*run, {flags.run.limit_ms, flags.until}, files, flags.out, interruption);
}

ExitCode restore_kernel(const RestoreFlags& flags, const SavedGuest& saved, const Interruption& interruption) {
  expect_core(flags.target);
  if (!flags.until.empty() && flags.out.empty()) throw InputError("--until says when it is saved again: --out FILE");
  std::optional<SavedFilesWriter> files;
  if (!flags.out.empty()) files.emplace(flags.out, flags.force);
  FileSource file(flags.file);
  StoppableSource source(file, interruption);
  GuestRun run(inputs_of(flags, saved), saved, source);
  const PlayLimit limit{flags.limit_ms == 0 ? kKernelLimitMs : flags.limit_ms, flags.until};
  if (files) return play_and_save(run, limit, *files, flags.out, interruption);
  const bool interrupted = play_guest(run, limit, stdout, interruption);
  tell_end(run, interrupted);
  return judge_end(run, interrupted);
}

}  // namespace assay
