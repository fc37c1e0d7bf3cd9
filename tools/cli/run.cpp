#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "conformance/runner/assemble.hpp"
#include "sim/run/recording.hpp"
#include "tools/cli/guest.hpp"

namespace assay {
namespace {

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
  const std::unique_ptr<GuestRun> run = start_guest(flags);
  std::optional<DigestLog> digests;
  if (!flags.record.empty()) run->watch(&digests.emplace(*run));
  const bool interrupted = play_guest(*run, flags.limit_ms, stdout);
  tell_end(*run, interrupted);
  if (digests) save_recording(flags, *run, digests->digests());
  return judge_end(*run, interrupted);
}

}  // namespace assay
