/// A TCP port of this machine only, for one client at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "sim/target/connect/byte_stream.hpp"

namespace assay::debug {

class TcpListener {
 public:
  /// Listens on 127.0.0.1; port 0 is any free one. Throws std::runtime_error that says what to do.
  explicit TcpListener(uint16_t port);
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;
  ~TcpListener();

  [[nodiscard]] uint16_t port() const { return port_; }
  /// The next client, waiting up to `timeout_ns` for it; null when none came. Others wait until this is called again.
  std::unique_ptr<connect::ByteStream> accept(uint64_t timeout_ns);

 private:
  int fd_;
  uint16_t port_ = 0;
};

}  // namespace assay::debug
