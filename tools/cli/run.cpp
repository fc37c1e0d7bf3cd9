#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "conformance/runner/assemble.hpp"
#include "conformance/runner/input_error.hpp"
#include "conformance/runner/interruption.hpp"
#include "sim/base/paths.hpp"
#include "sim/run/guest_run.hpp"
#include "sim/run/recording.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
/// Output is passed on, and Ctrl-C is looked for, so often in virtual time.
constexpr uint64_t kTurnNs = 5 * kNsPerMs;

GuestRunInputs inputs_of(const RunFlags& flags) {
  GuestRunInputs inputs;
  inputs.core = core_path(flags.target);
  inputs.kernel = std::filesystem::absolute(flags.kernel);
  if (flags.type == "pv64") inputs.type = GuestType::kPv64;
  if (flags.type == "pvh") inputs.type = GuestType::kPvh;
  if (!flags.initrd.empty()) inputs.initrd = std::filesystem::absolute(flags.initrd);
  inputs.command_line = flags.command_line;
  inputs.memory_mib = flags.memory_mib;
  inputs.vcpus = flags.vcpus;
  inputs.seed = flags.seed;
  return inputs;
}

/// What of a text is new since the last call.
class Tail {
 public:
  explicit Tail(FILE* to) : to_(to) {}
  void print(const std::string& text) {
    if (text.size() <= printed_) return;
    std::fwrite(text.data() + printed_, 1, text.size() - printed_, to_);
    std::fflush(to_);
    printed_ = text.size();
  }

 private:
  FILE* to_;
  size_t printed_ = 0;
};

bool is_interrupted(const Interruption& interruption) {
  pollfd waiting{interruption.fd(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) > 0;
}

std::unique_ptr<GuestRun> start(const RunFlags& flags) {
  try {
    return std::make_unique<GuestRun>(inputs_of(flags));
  } catch (const CoreRefused& refused) {
    throw InputError(refused.what());
  } catch (const HarnessFault&) {
    throw;
  } catch (const TargetDied& died) {
    throw InputError(fmt::format("{}: the core does not boot: {}", flags.target, died.what()));
  } catch (const std::runtime_error& error) {
    throw InputError(error.what());
  }
}

void save_recording(const RunFlags& flags, const GuestRun& run, const std::vector<uint64_t>& digests) {
  Recording recording;
  recording.inputs = run.inputs();
  recording.made_by = suite_version();
  constexpr uint64_t kFileBytesMax = 512ull << 20;
  recording.kernel_hash = hash_of(read_whole_file(recording.inputs.kernel, kFileBytesMax));
  if (!flags.initrd.empty()) recording.initrd_hash = hash_of(read_whole_file(flags.initrd, kFileBytesMax));
  recording.end_ns = run.now_ns();
  recording.end = run.end();
  recording.console_hash = hash_of(std::as_bytes(std::span(run.console().text())));
  recording.digests = digests;
  recording.save(flags.record);
  fmt::print(stderr, "assay: recorded in {}, {} exits\n", flags.record, digests.size());
}

}  // namespace

ExitCode run_guest(const RunFlags& flags) {
  const Interruption interruption;
  const std::unique_ptr<GuestRun> run = start(flags);
  std::optional<DigestLog> digests;
  if (!flags.record.empty()) run->watch(&digests.emplace(*run));
  Tail console(stdout);
  const uint64_t limit = run->now_ns() + flags.limit_ms * kNsPerMs;
  bool stopped = false;
  while (run->end() == GuestEnd::kRunning && run->now_ns() < limit && !stopped) {
    run->advance(std::min(limit, run->now_ns() + kTurnNs));
    console.print(run->console().text());
    stopped = is_interrupted(interruption);
  }
  console.print(run->console().text());
  fmt::print(stderr, "\nassay: guest {} after {:.3f} ms of virtual time, {} instructions; digest {:#018x}\n",
             run->end() == GuestEnd::kRunning ? (stopped ? "interrupted" : "still running") : to_string(run->end()),
             static_cast<double>(run->now_ns()) / kNsPerMs, run->instructions(), run->digest());
  if (run->console().dropped() != 0) {
    fmt::print(stderr, "assay: {} bytes of its console were dropped\n", run->console().dropped());
  }
  if (digests) save_recording(flags, *run, digests->digests());
  const bool is_well = run->end() == GuestEnd::kPoweroff || run->end() == GuestEnd::kReboot;
  if (!is_well) fmt::print(stderr, "{}hypervisor console:\n{}", run->describe(), run->hypervisor_console());
  if (stopped) return kExitInterrupted;
  if (run->end() == GuestEnd::kRunning) return kExitInconclusive;
  return is_well ? kExitExpected : kExitUnexpected;
}

}  // namespace assay
