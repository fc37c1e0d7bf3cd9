/// Frames of the byte stream between the harness and the agent: lines of text, checksummed and numbered, so that any
/// console, pipe or socket can carry them among other text. Freestanding: both ends use it.
///
///     line    = '~' base64(header payload checksum) '\n'
///     header  = kind (1 byte), version (1), sequence (2), index (2), count (2), little-endian
///     checksum = CRC-32 (IEEE) of header and payload, little-endian
///
/// A message is `count` frames of one sequence number. The harness sends a request frame by frame and waits for each to
/// be acknowledged: a hypervisor's console buffers little (the real Xen: 128 bytes). The reply to the whole message
/// acknowledges the last one, and is sent at one go; frames that got lost are asked for (kWant). Both ends drop what
/// they cannot read and what they have seen: nothing is ever executed twice.
///
/// The harness sends nothing before the agent has spoken: until then a console may belong to somebody who takes letters
/// for commands (the real Xen, while it boots: 'R' reboots the machine).
#pragma once

#include <stdint.h>

namespace assay::bridge {

constexpr uint8_t kVersion = 1;
constexpr uint32_t kHeaderBytes = 8;
constexpr uint32_t kChecksumBytes = 4;
constexpr uint32_t kPayloadMax = 80;
/// '~', base64, '\n': fits the 128 bytes of the real Xen's input, and the 127 that it prints in one go.
constexpr uint32_t kLineMax = 1 + (kHeaderBytes + kPayloadMax + kChecksumBytes + 2) / 3 * 4 + 1;
static_assert(kLineMax <= 127);
constexpr char kLineStart = '~';

enum class Kind : uint8_t {
  kReset = 1,    ///< harness: forget all; the sequence starts here. Answered like a request, by the greeting
  kRequest = 2,  ///< harness
  kAck = 3,      ///< agent: frame `index` of a request has arrived
  kReply = 4,    ///< agent
  kWant = 5,     ///< harness: send the reply again, from frame `index`
  kHere = 6,     ///< agent, whenever nothing has come for a while: from now on what is sent here is read by it
};

struct Frame {
  Kind kind = Kind::kReset;
  uint16_t sequence = 0;
  uint16_t index = 0;
  uint16_t count = 0;
  uint32_t bytes = 0;
  uint8_t payload[kPayloadMax] = {};
};

constexpr uint32_t checksum(const uint8_t* bytes, uint32_t count) {
  uint32_t crc = 0xffffffffu;
  for (uint32_t i = 0; i < count; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
  }
  return ~crc;
}

constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Value of a base64 digit, 64 for anything else.
constexpr uint8_t digit_value(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<uint8_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<uint8_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0' + 52);
  if (c == '+') return 62;
  return c == '/' ? 63 : 64;
}

constexpr void put16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value);
  at[1] = static_cast<uint8_t>(value >> 8);
}
constexpr uint16_t get16(const uint8_t* at) {
  return static_cast<uint16_t>(at[0] | at[1] << 8);
}

/// Writes the line, its '\n' included; returns its length.
constexpr uint32_t encode(const Frame& frame, char (&line)[kLineMax]) {
  uint8_t raw[kHeaderBytes + kPayloadMax + kChecksumBytes + 2] = {};
  raw[0] = static_cast<uint8_t>(frame.kind);
  raw[1] = kVersion;
  put16(raw + 2, frame.sequence);
  put16(raw + 4, frame.index);
  put16(raw + 6, frame.count);
  const uint32_t payload = frame.bytes < kPayloadMax ? frame.bytes : kPayloadMax;
  for (uint32_t i = 0; i < payload; ++i) raw[kHeaderBytes + i] = frame.payload[i];
  const uint32_t body = kHeaderBytes + payload;
  const uint32_t crc = checksum(raw, body);
  put16(raw + body, static_cast<uint16_t>(crc));
  put16(raw + body + 2, static_cast<uint16_t>(crc >> 16));
  const uint32_t total = body + kChecksumBytes;
  uint32_t length = 0;
  line[length++] = kLineStart;
  for (uint32_t at = 0; at < total; at += 3) {  // a short last group is padded with zeroes: the length tells
    const uint32_t group = static_cast<uint32_t>(raw[at]) << 16 | static_cast<uint32_t>(raw[at + 1]) << 8 | raw[at + 2];
    const uint32_t digits = total - at >= 3 ? 4 : total - at + 1;
    for (uint32_t i = 0; i < digits; ++i) line[length++] = kDigits[(group >> (18 - 6 * i)) & 63];
  }
  line[length++] = '\n';
  return length;
}

/// Reads a line without its end. False when it is no frame, or not an intact one of this version.
constexpr bool decode(const char* line, uint32_t length, Frame& frame) {
  if (length < 1 || length >= kLineMax || line[0] != kLineStart) return false;
  uint8_t raw[kHeaderBytes + kPayloadMax + kChecksumBytes + 3] = {};
  uint32_t bytes = 0;
  for (uint32_t at = 1; at < length; at += 4) {
    const uint32_t digits = length - at < 4 ? length - at : 4;
    if (digits < 2) return false;
    uint32_t group = 0;
    for (uint32_t i = 0; i < 4; ++i) {
      const uint8_t value = i < digits ? digit_value(line[at + i]) : uint8_t{0};
      if (value > 63) return false;
      group = group << 6 | value;
    }
    if (digits < 4 && (group & ((1u << (32 - 8 * digits)) - 1)) != 0) return false;  // bits that mean nothing
    for (uint32_t i = 0; i + 1 < digits; ++i) raw[bytes++] = static_cast<uint8_t>(group >> (16 - 8 * i));
  }
  if (bytes < kHeaderBytes + kChecksumBytes || raw[1] != kVersion) return false;
  const uint32_t body = bytes - kChecksumBytes;
  const uint32_t wanted = get16(raw + body) | static_cast<uint32_t>(get16(raw + body + 2)) << 16;
  if (checksum(raw, body) != wanted) return false;
  frame.kind = static_cast<Kind>(raw[0]);
  frame.sequence = get16(raw + 2);
  frame.index = get16(raw + 4);
  frame.count = get16(raw + 6);
  frame.bytes = body - kHeaderBytes;
  for (uint32_t i = 0; i < frame.bytes; ++i) frame.payload[i] = raw[kHeaderBytes + i];
  return true;
}

}  // namespace assay::bridge
