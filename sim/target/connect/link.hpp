/// The harness's end of the byte stream: whole messages, each answered exactly once, over lines that may be lost,
/// repeated, damaged or mixed with other text. See sim/guest/agent/bridge_frames.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/guest/agent/bridge_frames.hpp"
#include "sim/target/connect/byte_stream.hpp"

namespace assay::connect {

/// The agent did not answer, although the stream is open. The text says what was tried.
class LinkSilent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct LinkLimits {
  uint64_t first_wait_ns = 100'000'000;  ///< for an answer, before a line is sent again; doubles each time
  uint64_t last_wait_ns = 2'000'000'000;
  uint64_t silence_ns = 20'000'000'000;  ///< without any sensible line: the agent is gone
};

struct LinkStatistics {
  uint64_t messages = 0;
  uint64_t lines_sent = 0;
  uint64_t lines_received = 0;
  uint64_t sent_again = 0;
  uint64_t damaged = 0;  ///< lines that begin like a frame and are none
};

class Link {
 public:
  using Message = std::vector<uint8_t>;

  explicit Link(std::unique_ptr<ByteStream> stream, const LinkLimits& limits = {});

  /// Waits until the agent speaks, then makes it forget whatever was before; returns its greeting. Throws LinkSilent,
  /// StreamClosed.
  Message reset(uint16_t sequence, uint64_t silence_ns);
  /// Sends a message and returns the answer. Throws LinkSilent, StreamClosed.
  Message exchange(std::span<const uint8_t> message);

  /// Everything that came along and was no frame; the newest part when there is much.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const LinkStatistics& statistics() const { return statistics_; }

 private:
  using Frame = bridge::Frame;
  void send(const Frame& frame);
  std::optional<Frame> receive(uint64_t deadline_ns);
  std::optional<Frame> take_line();
  /// Sends `frame` until `done` says that what came back settles it.
  template <typename Done>
  void insist(Frame frame, uint64_t silence_ns, Done done);
  void await_agent(uint64_t silence_ns);
  void deliver(const Frame& frame);
  Message collect(const Frame& last_request, uint64_t silence_ns);
  Frame want() const;

  std::unique_ptr<ByteStream> stream_;
  LinkLimits limits_;
  std::string arrived_;  ///< bytes that are no whole line yet
  std::string text_;
  uint16_t sequence_ = 0;
  std::map<uint16_t, std::vector<uint8_t>> reply_;  ///< frames of the answer to `sequence_`, by index
  uint16_t reply_frames_ = 0;
  LinkStatistics statistics_;
};

}  // namespace assay::connect
