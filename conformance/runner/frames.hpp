/// Messages over a pipe between the runner and its workers. Nothing that arrives is trusted: a worker may hold a
/// subject that writes wherever it likes, this pipe included.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay {

enum class FrameKind : uint32_t {
  kReady = 1,         ///< worker: the target is there (TargetInfo)
  kUnavailable = 2,   ///< worker: the target cannot be had (text)
  kHarnessFault = 3,  ///< worker: the harness failed to make the target (text)
  kResult = 4,        ///< worker: CaseResult of the variant in hand
  kRun = 5,           ///< runner: grade this variant (index, 8 bytes)
};

struct Frame {
  FrameKind kind;
  std::string payload;
};

constexpr uint32_t kFrameBytesMax = 16u << 20;

/// Writes a whole frame. False when nobody reads any more.
[[nodiscard]] bool write_frame(int fd, FrameKind kind, std::string_view payload);

class FrameReader {
 public:
  enum class Status : uint8_t { kFrame, kMore, kClosed, kGarbage };

  explicit FrameReader(int fd) : fd_(fd) {}
  /// One read() from the pipe, then next().
  Status read(Frame& frame);
  /// Takes a frame that has arrived already, if there is one.
  Status next(Frame& frame);

 private:
  int fd_;
  std::string buffer_;
};

/// Reads until a whole frame is there. Anything but kFrame is final.
FrameReader::Status read_frame_blocking(FrameReader& reader, Frame& frame);

}  // namespace assay
