#include <fmt/format.h>

#include <cstdio>
#include <fstream>

#include "sim/input/input_error.hpp"
#include "sim/trace/guest_bytes.hpp"
#include "sim/trace/perfetto.hpp"
#include "sim/trace/trace_file.hpp"
#include "sim/trace/trace_recorder.hpp"
#include "tools/cli/guest.hpp"

namespace assay {
namespace {

constexpr uint64_t kTraceBytesMax = 1ull << 30;

void to_stdout(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

/// A file that is whole or not there, written in pieces by `write`.
void write_in_pieces(const std::filesystem::path& path, const std::function<void(const trace::Sink&)>& write) {
  std::filesystem::path partial = path;
  partial += ".partial";
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  if (file) {
    write([&](std::string_view text) { file.write(text.data(), static_cast<std::streamsize>(text.size())); });
  }
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(partial, path, error);
  if (file && !error) return;
  std::filesystem::remove(partial, error);
  throw InputError(fmt::format("{}: cannot be written; check the path and the space there", path.string()));
}

trace::Filter filter_of(const TraceFlags& flags) {
  return {.domain = flags.domain, .from_ns = flags.from_ns, .to_ns = flags.to_ns};
}

trace::Trace read_trace(const TraceFlags& flags) {
  try {
    const trace::Filter filter = filter_of(flags);
    trace::Trace all = trace::from_bytes(read_whole_file(flags.file, kTraceBytesMax));
    return filter == trace::Filter{} ? std::move(all) : filter.of(all);
  } catch (const trace::TraceFileError& error) {
    throw InputError(fmt::format("{}: {}", flags.file, error.what()));
  } catch (const std::runtime_error& error) {
    throw InputError(error.what());
  }
}

std::string subject_of(const GuestRun& run, const RunFlags& flags) {
  return fmt::format("{} on {}, type {}, {} vCPUs, {} MiB, seed {}, command line \"{}\"; digest {:#018x}", flags.kernel,
                     flags.target, flags.type, flags.vcpus, flags.memory_mib, flags.seed, flags.command_line,
                     run.digest());
}

struct Traced {
  trace::Trace trace;
  ExitCode code = kExitExpected;
};

Traced record_trace(const TraceFlags& flags) {
  const std::unique_ptr<GuestRun> run = start_guest(flags.run);
  trace::GuestBytes bytes(run->machine().memory(), run->machine().frames());
  trace::RecorderOptions options;
  options.filter = filter_of(flags);
  options.read = [&bytes](const assay_run& vcpu, uint64_t va, std::span<std::byte> to) {
    return bytes.read(vcpu, va, to);
  };
  options.with_code = flags.around_ns.has_value() || !flags.out.empty();
  trace::TraceRecorder recorder(std::move(options));
  run->watch(&recorder);
  const bool interrupted = play_guest(*run, flags.run.limit_ms, stderr);
  run->watch(nullptr);
  tell_end(*run, interrupted);
  return {recorder.take(subject_of(*run, flags.run)), judge_end(*run, interrupted)};
}

}  // namespace

ExitCode run_trace(const TraceFlags& flags) {
  if (flags.file.empty() && flags.run.kernel.empty()) throw InputError("trace what? Name a KERNEL, or --file TRACE");
  const Traced traced = flags.file.empty() ? record_trace(flags) : Traced{read_trace(flags)};
  if (!flags.out.empty()) {
    write_in_pieces(flags.out, [&](const trace::Sink& sink) { sink(trace::to_bytes(traced.trace)); });
  }
  if (!flags.perfetto.empty()) {
    write_in_pieces(flags.perfetto, [&](const trace::Sink& sink) { trace::write_perfetto(traced.trace, sink); });
  }
  if (flags.around_ns) {
    trace::print_around(traced.trace, *flags.around_ns, to_stdout);
  } else {
    trace::print_events(traced.trace, flags.last, to_stdout);
  }
  return traced.code;
}

}  // namespace assay
