/// A stream of bytes to wherever the subject's console ends: a TCP port, a Unix socket, a terminal device.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace assay::connect {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Sends all of it. Throws StreamClosed when the other side is gone.
  virtual void send(std::string_view bytes) = 0;
  /// What has arrived, waiting up to `timeout_ns` for the first byte; empty when none came. Throws StreamClosed.
  virtual std::string receive(uint64_t timeout_ns) = 0;
};

/// The other side hung up, or the device failed. The text says how.
class StreamClosed : public std::exception {
 public:
  explicit StreamClosed(std::string what) : what_(std::move(what)) {}
  [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

/// What an address is; nothing is opened.
struct StreamAddress {
  std::string host;  ///< with `port`; empty for a path
  std::string port;
  std::string path;
};
/// "HOST:PORT", "[IPV6]:PORT", or a path with a '/'. Throws std::invalid_argument that says what is wrong.
StreamAddress parse_address(std::string_view text);

/// Opens a TCP connection, a Unix stream socket, or a terminal in raw mode (what the path is decides). Throws
/// TargetUnavailable that says what was tried, what the system said, and what to look at.
std::unique_ptr<ByteStream> open_stream(const StreamAddress& address);
/// A stream over an open descriptor, which it owns.
std::unique_ptr<ByteStream> stream_over(int fd);

}  // namespace assay::connect
