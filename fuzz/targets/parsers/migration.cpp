/// Migration streams, which may come from any host.
#include <algorithm>

#include "fuzz/targets/fuzz_target.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/migration/stream_reader.hpp"

namespace assay::fuzz {
namespace {

using namespace migration;

struct Stream {
  DomainHeader domain;
  std::vector<Record> records;
};

/// Without what old releases wrote and nobody writes: records without content.
Stream read_stream(std::span<const std::byte> bytes) {
  MemorySource source(bytes);
  StreamReader reader(source);
  Stream stream{reader.domain(), {}};
  while (auto record = reader.next()) {
    const auto* const state = std::get_if<VcpuState>(&*record);
    const auto* const params = std::get_if<HvmParams>(&*record);
    if ((state && state->context.empty()) || (params && params->params.empty())) continue;
    stream.records.push_back(*std::move(record));
  }
  return stream;
}

/// A stream of version 3 says where its static data ends.
bool says_where_static_data_ends(const Stream& stream) {
  return std::ranges::any_of(stream.records, [](const Record& r) { return type_of(r) == RecordType::kStaticDataEnd; });
}

void run(std::string_view input) {
  Stream stream;
  try {
    stream = read_stream(std::as_bytes(std::span(input)));
  } catch (const StreamError&) {
    return;
  }
  if (!says_where_static_data_ends(stream)) return;
  MemorySink sink;
  StreamWriter writer(sink, stream.domain);
  for (const Record& record : stream.records) writer.write(record);
  const Stream again = read_stream(sink.bytes());
  must(again.domain == stream.domain && again.records == stream.records, "what was read is written as it was");
}

const FuzzTarget kMigration{{
    .name = "migration",
    .reads = "migration streams of libxc, as a restorer gets them",
    .run = run,
    .bytes_max = 16384,
}};

}  // namespace
}  // namespace assay::fuzz
