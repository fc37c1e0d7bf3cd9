/// A debugger's side of a conversation with a server that runs in a thread of its own.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "sim/debug/gdb_packet.hpp"
#include "sim/debug/gdb_server.hpp"
#include "sim/target/connect/byte_stream.hpp"

namespace assay::debug {

class Conversation {
 public:
  explicit Conversation(Debuggee& debuggee);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  /// Ends the server.
  ~Conversation();

  /// Sends bytes as they are.
  void send(std::string_view bytes) { stream_->send(bytes); }
  [[nodiscard]] connect::ByteStream& stream() { return *stream_; }
  /// The text of the next packet, "(none)" when none comes.
  std::string reply();
  /// Sends a packet and returns the text of the answer.
  std::string request(std::string_view text);
  void hang_up() { stream_.reset(); }
  /// Waits for the server to end by itself, and says how it ended.
  GdbEnd end();

 private:
  std::unique_ptr<connect::ByteStream> stream_;
  PacketDecoder decoder_;
  std::atomic<bool> cancelled_ = false;
  GdbEnd end_ = GdbEnd::kCancelled;
  std::thread server_;
};

}  // namespace assay::debug
