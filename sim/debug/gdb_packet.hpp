/// Packets of gdb's remote protocol on a stream of bytes: $text#checksum, with '}' before bytes that would confuse.
/// Source: GDB manual, Remote Protocol, Overview.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace assay::debug {

/// Longest packet that is accepted, and sent, between '$' and '#'.
constexpr size_t kPacketBytesMax = 0x4000;
/// Bytes that fit into a packet whatever they are: each may need an escape, and a packet says what it is in front.
constexpr size_t kPayloadBytesMax = kPacketBytesMax / 2 - 32;

/// The text as a packet on the wire.
std::string packet(std::string_view text);

/// What arrived.
struct PacketEvent {
  enum class Kind : uint8_t {
    kPacket,     ///< `text` without escapes
    kInterrupt,  ///< the byte 3 between packets
    kResend,     ///< '-': the last packet arrived damaged
    kDamaged,    ///< wrong checksum, or an escape that escapes nothing
    kTooLong,    ///< an intact packet of more than kPacketBytesMax bytes; its text is gone
  };
  Kind kind;
  std::string text;
};

/// Cuts a stream into events. Bytes between packets that mean nothing are dropped; a '$' inside a packet starts over.
/// Interrupts and requests to resend that follow each other directly are one.
class PacketDecoder {
 public:
  void feed(std::string_view bytes);
  [[nodiscard]] bool empty() const { return events_.empty(); }
  /// The next event. Not to be called when there is none.
  PacketEvent next();
  /// What next() would return.
  [[nodiscard]] PacketEvent::Kind peek() const { return events_.front().kind; }

 private:
  enum class State : uint8_t { kBetween, kText, kChecksumHigh, kChecksumLow };

  void note(PacketEvent::Kind kind);
  void between(char byte);
  void text(char byte);
  void checksum(char byte);
  void finish(int low);

  State state_ = State::kBetween;
  std::string text_;  ///< as it arrived, escapes and all; at most kPacketBytesMax
  bool too_long_ = false;
  uint8_t sum_ = 0;
  int high_ = 0;
  std::deque<PacketEvent> events_;
};

}  // namespace assay::debug
