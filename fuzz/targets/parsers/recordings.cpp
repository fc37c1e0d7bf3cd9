/// What `assay run --record` and `assay trace --out` leave for later.
#include "fuzz/targets/fuzz_target.hpp"
#include "sim/engine/machine_digest.hpp"
#include "sim/run/recording.hpp"
#include "sim/trace/perfetto.hpp"
#include "sim/trace/trace_file.hpp"
#include "sim/trace/trace_text.hpp"

namespace assay::fuzz {
namespace {

void read_recording(std::string_view input) {
  try {
    const Recording recording = Recording::parse(std::as_bytes(std::span(input)));
    must(recording.digests.size() <= input.size() / sizeof(uint64_t), "digests come from the file");
  } catch (const RecordingError&) {
  }
}

void use(const trace::Trace& trace) {
  size_t bytes = 0;
  const trace::Sink count = [&](std::string_view text) { bytes += text.size(); };
  trace::print_events(trace, trace.events.size(), count);
  trace::write_perfetto(trace, count);
  for (const trace::Event& event : trace.events) {
    if (const auto* exit = std::get_if<trace::Exit>(&event.what)) bytes += trace::describe_code(*exit).size();
  }
  must(bytes != 0, "a trace has an outside");
}

void read_trace(std::string_view file) {
  try {
    const trace::Trace trace = trace::from_bytes(std::as_bytes(std::span(file)));
    must(trace::to_bytes(trace) == file, "a trace is written as it was read");
    use(trace);
  } catch (const trace::TraceFileError&) {
  }
}

/// The digest at the end lets nothing pass that a fuzzer makes: here it always fits.
std::string with_digest(std::string_view body) {
  MachineDigest digest;
  digest.fold_bytes(std::as_bytes(std::span(body)));
  const uint64_t value = digest.value();
  std::string file(body);
  file.append(reinterpret_cast<const char*>(&value), sizeof value);
  return file;
}

const FuzzTarget kRecording{{
    .name = "recording",
    .reads = "recordings of `assay run --record`",
    .run = read_recording,
}};

const FuzzTarget kTrace{{
    .name = "trace",
    .reads = "traces of `assay trace --out`; and what is shown of them",
    .run =
        [](std::string_view input) {
          read_trace(input);
          read_trace(with_digest(input));
        },
}};

}  // namespace
}  // namespace assay::fuzz
