#include "tools/cli/guest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conformance/runner/interruption.hpp"
#include "sim/input/input_error.hpp"
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
  Tail(FILE* to, size_t printed) : to_(to), printed_(printed) {}
  void print(const std::string& text) {
    if (text.size() <= printed_) return;
    std::fwrite(text.data() + printed_, 1, text.size() - printed_, to_);
    std::fflush(to_);
    printed_ = text.size();
  }

 private:
  FILE* to_;
  size_t printed_;
};

}  // namespace

std::unique_ptr<GuestRun> start_guest(const RunFlags& flags) {
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

bool play_guest(GuestRun& run, uint64_t limit_ms, FILE* console) {
  const Interruption interruption;
  return play_guest(run, {.limit_ms = limit_ms}, console, interruption);
}

bool play_guest(GuestRun& run, const PlayLimit& limit, FILE* console, const Interruption& interruption) {
  Tail tail(console, run.console().text().size());
  const size_t heard = run.console().text().size();
  const uint64_t deadline = run.now_ns() + limit.limit_ms * kNsPerMs;
  bool interrupted = false;
  const auto has_said_it = [&] {
    return !limit.until.empty() && run.console().text().find(limit.until, heard) != std::string::npos;
  };
  while (run.end() == GuestEnd::kRunning && run.now_ns() < deadline && !interrupted && !has_said_it()) {
    run.advance(std::min(deadline, run.now_ns() + kTurnNs));
    tail.print(run.console().text());
    interrupted = interruption.has_arrived();
  }
  tail.print(run.console().text());
  return interrupted;
}

void tell_end(const GuestRun& run, bool interrupted) {
  fmt::print(stderr, "\nassay: guest {} after {:.3f} ms of virtual time, {} instructions; digest {:#018x}\n",
             run.end() == GuestEnd::kRunning ? (interrupted ? "interrupted" : "still running") : to_string(run.end()),
             static_cast<double>(run.now_ns()) / kNsPerMs, run.instructions(), run.digest());
  if (run.console().dropped() != 0) {
    fmt::print(stderr, "assay: {} bytes of its console were dropped\n", run.console().dropped());
  }
}

ExitCode judge_end(const GuestRun& run, bool interrupted) {
  const bool is_well = run.end() == GuestEnd::kPoweroff || run.end() == GuestEnd::kReboot;
  if (!is_well) fmt::print(stderr, "{}hypervisor console:\n{}", run.describe(), run.hypervisor_console());
  if (interrupted) return kExitInterrupted;
  if (run.end() == GuestEnd::kRunning) return kExitInconclusive;
  return is_well ? kExitExpected : kExitUnexpected;
}

}  // namespace assay
