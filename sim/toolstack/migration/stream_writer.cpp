#include "sim/toolstack/migration/stream_writer.hpp"

#include <array>

#include "sim/target/target.hpp"
#include "sim/toolstack/migration/record_codec.hpp"
#include "sim/toolstack/migration/stream_headers.hpp"

namespace assay::migration {

StreamWriter::StreamWriter(ByteSink& sink, const DomainHeader& domain) : sink_(&sink), order_(domain.type, kVersion) {
  const ImageHeaderBytes image{kMarker, __builtin_bswap32(kImageId), __builtin_bswap32(kVersion), 0, 0, 0};
  const DomainHeaderBytes header{static_cast<uint32_t>(domain.type), kPageShift, 0, domain.xen_major, domain.xen_minor};
  put(std::as_bytes(std::span(&image, 1)));
  put(std::as_bytes(std::span(&header, 1)));
}

void StreamWriter::put(std::span<const std::byte> bytes) {
  if (!bytes.empty()) sink_->write(bytes);
  written_ += bytes.size();
}

void StreamWriter::write(const Record& record) {
  const RecordType type = type_of(record);
  try {
    const EncodedBody body = encode_in_place(record);
    order_.admit(type);
    const size_t size = body.bytes.size();
    const RecordHeaderBytes header{static_cast<uint32_t>(type), static_cast<uint32_t>(size)};
    if (size > kBodyBytesMax) throw RecordFault{"its body has " + std::to_string(size) + " bytes", "fewer"};
    put(std::as_bytes(std::span(&header, 1)));
    put(body.bytes);
    const std::array<std::byte, kAlignment> zeroes{};
    put(std::span(zeroes).first((kAlignment - size % kAlignment) % kAlignment));
  } catch (const RecordFault& fault) {
    throw HarnessFault("a record " + name_of(type) + " is written: " + fault.what + "; expected " + fault.expected);
  }
}

}  // namespace assay::migration
