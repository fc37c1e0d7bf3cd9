#include "sim/debug/gdb_packet.hpp"

#include <optional>
#include <utility>

#include "sim/debug/gdb_text.hpp"

namespace assay::debug {

namespace {

constexpr char kEscape = '}';
constexpr char kEscapeFlip = 0x20;
constexpr char kInterruptByte = 0x03;

bool needs_escape(char byte) {
  return byte == '$' || byte == '#' || byte == kEscape || byte == '*';
}

/// None when an escape is the last byte.
std::optional<std::string> without_escapes(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != kEscape) {
      plain += text[i];
    } else if (++i < text.size()) {
      plain += static_cast<char>(text[i] ^ kEscapeFlip);
    } else {
      return std::nullopt;
    }
  }
  return plain;
}

}  // namespace

std::string packet(std::string_view text) {
  std::string wire = "$";
  for (const char each : text) {
    if (needs_escape(each)) wire += kEscape;
    wire += needs_escape(each) ? static_cast<char>(each ^ kEscapeFlip) : each;
  }
  uint8_t sum = 0;
  for (const char each : std::string_view(wire).substr(1)) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(each));
  return wire + '#' + hex_little_endian(sum, 1);
}

PacketEvent PacketDecoder::next() {
  PacketEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void PacketDecoder::feed(std::string_view bytes) {
  for (const char byte : bytes) {
    switch (state_) {
      case State::kBetween:
        between(byte);
        break;
      case State::kText:
        text(byte);
        break;
      case State::kChecksumHigh:
      case State::kChecksumLow:
        checksum(byte);
        break;
    }
  }
}

void PacketDecoder::note(PacketEvent::Kind kind) {
  if (events_.empty() || events_.back().kind != kind) events_.push_back({kind, {}});
}

void PacketDecoder::between(char byte) {
  if (byte == '$') {
    text_.clear();
    too_long_ = false;
    sum_ = 0;
    state_ = State::kText;
  } else if (byte == kInterruptByte) {
    note(PacketEvent::Kind::kInterrupt);
  } else if (byte == '-') {
    note(PacketEvent::Kind::kResend);
  }
}

void PacketDecoder::text(char byte) {
  if (byte == '$') return between(byte);
  if (byte == '#') {
    state_ = State::kChecksumHigh;
    return;
  }
  sum_ = static_cast<uint8_t>(sum_ + static_cast<uint8_t>(byte));
  if (text_.size() < kPacketBytesMax) {
    text_ += byte;
  } else {
    too_long_ = true;
  }
}

void PacketDecoder::checksum(char byte) {
  if (byte == '$') {
    events_.push_back({PacketEvent::Kind::kDamaged, {}});
    between(byte);
  } else if (state_ == State::kChecksumHigh) {
    high_ = hex_digit(byte);
    state_ = State::kChecksumLow;
  } else {
    finish(hex_digit(byte));
  }
}

void PacketDecoder::finish(int low) {
  state_ = State::kBetween;
  if (high_ < 0 || low < 0 || high_ * 16 + low != sum_) {
    events_.push_back({PacketEvent::Kind::kDamaged, {}});
  } else if (too_long_) {
    events_.push_back({PacketEvent::Kind::kTooLong, {}});
  } else if (auto plain = without_escapes(text_)) {
    events_.push_back({PacketEvent::Kind::kPacket, std::move(*plain)});
  } else {
    events_.push_back({PacketEvent::Kind::kDamaged, {}});
  }
}

}  // namespace assay::debug
