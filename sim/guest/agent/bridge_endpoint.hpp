/// The agent's end of the byte stream: from frames to whole messages and back. Knows nothing of what they mean, or of
/// how bytes travel; hostile to whatever arrives. Freestanding.
#pragma once

#include "sim/guest/agent/bridge_frames.hpp"

namespace assay::bridge {

/// `Port` supplies:
///     void send(const char* line, uint32_t length);
///     uint32_t greet(uint8_t* reply, uint32_t bytes_max);
///     uint32_t handle(const uint8_t* request, uint32_t bytes, uint8_t* reply, uint32_t bytes_max);
/// the latter two return the reply's length.
template <typename Port>
class Endpoint {
 public:
  /// The buffers hold one message each.
  Endpoint(Port& port, uint8_t* request, uint8_t* reply, uint32_t buffer_bytes)
      : port_(port), request_(request), reply_(reply), buffer_bytes_(buffer_bytes) {}

  /// Takes bytes as they come; works off every line that they complete.
  void take(const char* bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      if (bytes[i] == kLineStart) length_ = 0;  // whatever came before was no frame
      if (bytes[i] == '\n' || bytes[i] == '\r') {
        take_line();
        length_ = 0;
      } else if (length_ < kLineMax) {
        line_[length_++] = bytes[i];
      }
    }
  }

  /// Says that there is somebody to send to.
  void announce() {
    Frame here;
    here.kind = Kind::kHere;
    here.count = 1;
    send(here);
  }

 private:
  void take_line() {
    Frame frame;
    if (!decode(line_, length_, frame)) return;
    switch (frame.kind) {
      case Kind::kReset:
        sequence_ = frame.sequence;
        reply_bytes_ = port_.greet(reply_, buffer_bytes_);
        has_replied_ = true;
        send_reply(0);
        return;
      case Kind::kRequest:
        take_request(frame);
        return;
      case Kind::kWant:
        if (frame.sequence == sequence_ && has_replied_) send_reply(frame.index);
        return;
      case Kind::kAck:
      case Kind::kReply:
      case Kind::kHere:
        return;
    }
  }

  void take_request(const Frame& frame) {
    if (frame.sequence == static_cast<uint16_t>(sequence_ + 1) && has_replied_ && frame.index == 0) {
      sequence_ = frame.sequence;
      has_replied_ = false;
      arrived_ = 0;
      request_bytes_ = 0;
    }
    if (frame.sequence != sequence_) return;
    if (has_replied_) {
      if (frame.index + 1 == frame.count) send_reply(0);  // the reply got lost
      return;
    }
    if (frame.index > arrived_) return;
    if (frame.index == arrived_ && !append(frame)) return;
    if (arrived_ < frame.count) {
      send_ack(frame);
      return;
    }
    reply_bytes_ = port_.handle(request_, request_bytes_, reply_, buffer_bytes_);
    has_replied_ = true;
    send_reply(0);
  }

  bool append(const Frame& frame) {
    if (frame.bytes > buffer_bytes_ - request_bytes_) return false;
    for (uint32_t i = 0; i < frame.bytes; ++i) request_[request_bytes_++] = frame.payload[i];
    ++arrived_;
    return true;
  }

  void send(const Frame& frame) {
    char line[kLineMax];
    port_.send(line, encode(frame, line));
  }

  void send_ack(const Frame& of) {
    Frame ack;
    ack.kind = Kind::kAck;
    ack.sequence = of.sequence;
    ack.index = of.index;
    ack.count = of.count;
    send(ack);
  }

  void send_reply(uint32_t from) {
    const uint32_t count = reply_bytes_ == 0 ? 1 : (reply_bytes_ + kPayloadMax - 1) / kPayloadMax;
    for (uint32_t index = from; index < count; ++index) {
      Frame frame;
      frame.kind = Kind::kReply;
      frame.sequence = sequence_;
      frame.index = static_cast<uint16_t>(index);
      frame.count = static_cast<uint16_t>(count);
      const uint32_t start = index * kPayloadMax;
      while (frame.bytes < kPayloadMax && start + frame.bytes < reply_bytes_) {
        frame.payload[frame.bytes] = reply_[start + frame.bytes];
        ++frame.bytes;
      }
      send(frame);
    }
  }

  Port& port_;
  uint8_t* request_;
  uint8_t* reply_;
  uint32_t buffer_bytes_;
  char line_[kLineMax] = {};
  uint32_t length_ = 0;
  uint32_t request_bytes_ = 0;
  uint32_t reply_bytes_ = 0;
  uint16_t sequence_ = 0;
  uint16_t arrived_ = 0;
  bool has_replied_ = false;  ///< to `sequence_`; before the first reset nothing is answered
};

}  // namespace assay::bridge
