#include "sim/toolstack/migration/stream_reader.hpp"

#include <algorithm>
#include <array>

#include "sim/base/strong.hpp"
#include "sim/toolstack/migration/record_codec.hpp"
#include "sim/toolstack/migration/stream_headers.hpp"

namespace assay::migration {

namespace {

constexpr uint64_t kSkipBytes = 4096;

uint64_t padded(uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

StreamReader::StreamReader(ByteSource& source) : source_(&source) {
  read_image_header();
  place_.offset = offset_;
  read_domain_header();
  order_.emplace(domain_.type, version_);
}

void StreamReader::refuse(const std::string& what, const std::string& expected) const {
  throw place_.fault(what, expected);
}

StreamError StreamReader::Place::fault(const std::string& what, const std::string& expected) const {
  return {record, name, offset, what, expected};
}

void StreamReader::read_exactly(std::span<std::byte> out, const std::string& of) {
  const size_t got = source_->read(out);
  offset_ += got;
  if (got == out.size()) return;
  throw StreamCut(place_.record, place_.name, place_.offset, "the stream ends at offset " + std::to_string(offset_),
                  std::to_string(out.size() - got) + " more bytes of " + of);
}

template <typename T>
T StreamReader::read(const std::string& of) {
  T value;
  read_exactly(std::as_writable_bytes(std::span(&value, 1)), of);
  return value;
}

void StreamReader::read_image_header() {
  const auto header = read<ImageHeaderBytes>("the image header");
  if (header.marker != kMarker) refuse("the first 8 bytes are not all ones", "an image of libxc, version 2 or later");
  if (__builtin_bswap32(header.id) != kImageId) refuse("id is not \"XENF\"", "an image of libxc");
  version_ = __builtin_bswap32(header.version);
  if (version_ < kOldestVersion || version_ > kVersion) {
    refuse("version is " + std::to_string(version_),
           std::to_string(kOldestVersion) + " to " + std::to_string(kVersion));
  }
  if ((__builtin_bswap16(header.options) & kBigEndian) != 0) refuse("the image is big-endian", "a little-endian one");
}

void StreamReader::read_domain_header() {
  const auto header = read<DomainHeaderBytes>("the domain header");
  const auto type = static_cast<DomainType>(header.type);
  if (type != DomainType::kPv && type != DomainType::kHvm) {
    refuse("the domain's type is " + std::to_string(header.type), "1 (x86 PV) or 2 (x86 HVM)");
  }
  if (header.page_shift != kPageShift) {
    refuse("page_shift is " + std::to_string(header.page_shift), std::to_string(kPageShift));
  }
  domain_ = {type, header.xen_major, header.xen_minor};
}

void StreamReader::pass_over(uint64_t bytes) {
  std::array<std::byte, kSkipBytes> part;
  while (bytes != 0) {
    const uint64_t count = std::min(bytes, kSkipBytes);
    read_exactly(std::span(part).first(count), "its body");
    bytes -= count;
  }
}

std::span<const std::byte> StreamReader::take_body(uint64_t bytes) {
  const std::span<const std::byte> lies = source_->read_in_place(bytes);
  if (lies.size() == bytes) {
    offset_ += bytes;
    return lies;
  }
  body_.resize(bytes);
  read_exactly(body_, "its body");
  return body_;
}

Record StreamReader::read_body(RecordType type, uint64_t bytes) {
  try {
    order_->admit(type);
    if (bytes > kBodyBytesMax) {
      throw RecordFault{"its body has " + std::to_string(bytes) + " bytes", "at most " + std::to_string(kBodyBytesMax)};
    }
    return decode(type, take_body(padded(bytes)).first(bytes));
  } catch (const RecordFault& wrong) {
    refuse(wrong.what, wrong.expected);
  }
}

std::optional<Record> StreamReader::next() {
  const std::optional<Record> record = next_in_place();
  return record;  // a copy has pages of its own
}

std::optional<Record> StreamReader::next_in_place() {
  if (order_->is_complete()) return std::nullopt;
  for (;;) {
    if (!place_.name.empty()) ++place_.record;
    place_.offset = offset_;
    place_.name = "its header";
    const auto header = read<RecordHeaderBytes>("a record's header");
    place_.name = name_of(header.type);
    if (header.type < kRecordTypes) return read_body(static_cast<RecordType>(header.type), header.body_bytes);
    if ((header.type & kOptionalRecord) == 0) {
      refuse("a mandatory record that is not known", "a record of version " + std::to_string(version_));
    }
    pass_over(padded(header.body_bytes));
    ++optional_records_;
  }
}

void StreamReader::must_end() {
  std::byte more{};
  if (source_->read(std::span(&more, 1)) != 0) refuse("the stream goes on behind it", "its end");
}

}  // namespace assay::migration
