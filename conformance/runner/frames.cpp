#include "conformance/runner/frames.hpp"

#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace assay {
namespace {

constexpr uint32_t kMagic = 0x59415341;  // "ASAY"

struct Header {
  uint32_t magic;
  uint32_t kind;
  uint32_t bytes;
  uint32_t check;  // of the payload
};

uint32_t check_of(std::string_view payload) {
  return static_cast<uint32_t>(XXH3_64bits(payload.data(), payload.size()));
}

bool well_formed(const Header& header) {
  return header.magic == kMagic && header.bytes <= kFrameBytesMax &&
         header.kind >= static_cast<uint32_t>(FrameKind::kReady) &&
         header.kind <= static_cast<uint32_t>(FrameKind::kRun);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

bool write_frame(int fd, FrameKind kind, std::string_view payload) {
  if (payload.size() > kFrameBytesMax) return false;
  const Header header{kMagic, static_cast<uint32_t>(kind), static_cast<uint32_t>(payload.size()), check_of(payload)};
  std::string bytes(sizeof header, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  bytes += payload;
  return write_all(fd, bytes);
}

FrameReader::Status FrameReader::read(Frame& frame) {
  std::array<char, 65536> chunk;
  const ssize_t got = ::read(fd_, chunk.data(), chunk.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return next(frame);
  if (got <= 0) return Status::kClosed;
  buffer_.append(chunk.data(), static_cast<size_t>(got));
  return next(frame);
}

FrameReader::Status FrameReader::next(Frame& frame) {
  Header header{};
  if (buffer_.size() < sizeof header) return Status::kMore;
  std::memcpy(&header, buffer_.data(), sizeof header);
  if (!well_formed(header)) return Status::kGarbage;
  if (buffer_.size() < sizeof header + header.bytes) return Status::kMore;
  frame = {static_cast<FrameKind>(header.kind), buffer_.substr(sizeof header, header.bytes)};
  buffer_.erase(0, sizeof header + header.bytes);
  return check_of(frame.payload) == header.check ? Status::kFrame : Status::kGarbage;
}

FrameReader::Status read_frame_blocking(FrameReader& reader, Frame& frame) {
  FrameReader::Status status = reader.next(frame);
  while (status == FrameReader::Status::kMore) status = reader.read(frame);
  return status;
}

}  // namespace assay
