/// Serves a debuggee to a debugger at the other end of a byte stream.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "sim/debug/debuggee.hpp"
#include "sim/debug/gdb_packet.hpp"
#include "sim/debug/gdb_protocol.hpp"
#include "sim/debug/tcp_listener.hpp"
#include "sim/target/connect/byte_stream.hpp"

namespace assay::debug {

/// Asked several times a second; true ends what is under way. Never throws.
using Cancelled = std::function<bool()>;

/// How a conversation ended. The breakpoints and watchpoints of the debugger are gone in each case.
enum class GdbEnd : uint8_t { kDetached, kKilled, kHungUp, kCancelled };

/// One conversation.
class GdbServer {
 public:
  GdbServer(Debuggee& debuggee, connect::ByteStream& stream, Cancelled cancelled);

  /// Until the debugger leaves or `cancelled` says so. What the debuggee throws comes out of here.
  GdbEnd run();

 private:
  std::optional<GdbEnd> serve_next();
  std::optional<GdbEnd> answer(std::string_view request);
  void refuse_damaged();
  void acknowledge(char sign);
  void reply(std::string_view text);
  /// Takes in what has arrived, waiting up to `timeout_ns` for it.
  void receive(uint64_t timeout_ns);
  bool interrupted();

  connect::ByteStream& stream_;
  Cancelled cancelled_;
  GdbProtocol protocol_;
  PacketDecoder decoder_;
  bool acknowledges_ = true;
  bool hung_up_ = false;   ///< noticed while the machine ran
  std::string last_sent_;  ///< for when it arrives damaged
};

/// Serves one debugger after another until one kills the machine or `cancelled` says so.
GdbEnd serve_debuggers(TcpListener& listener, Debuggee& debuggee, const Cancelled& cancelled);

}  // namespace assay::debug
