#include "sim/target/connect/link.hpp"

#include <algorithm>
#include <cstring>

#include "sim/target/agent/host_clock.hpp"

namespace assay::connect {

using agents::host_now_ns;
using bridge::Kind;

namespace {

constexpr size_t kTextMax = 1u << 20;
constexpr size_t kLineSane = 4096;  ///< a "line" longer than this is noise: its beginning is let go

}  // namespace

Link::Link(std::unique_ptr<ByteStream> stream, const LinkLimits& limits)
    : stream_(std::move(stream)), limits_(limits) {}

void Link::send(const Frame& frame) {
  char line[bridge::kLineMax];
  const uint32_t length = bridge::encode(frame, line);
  stream_->send(std::string_view(line, length));
  ++statistics_.lines_sent;
}

/// Takes the first whole line; nothing when it is no frame. A frame may begin in the middle of a line that something
/// else was printing.
std::optional<bridge::Frame> Link::take_line() {
  const size_t end = arrived_.find('\n');
  std::string line = arrived_.substr(0, end);
  arrived_.erase(0, end + 1);
  while (!line.empty() && line.back() == '\r') line.pop_back();
  const size_t start = line.rfind(bridge::kLineStart);
  Frame frame;
  const bool is_frame = start != std::string::npos && line.size() - start < bridge::kLineMax &&
                        bridge::decode(line.data() + start, static_cast<uint32_t>(line.size() - start), frame);
  if (is_frame) {
    ++statistics_.lines_received;
    line.resize(start);
  } else if (start == 0) {
    ++statistics_.damaged;
    return std::nullopt;
  }
  if (!line.empty()) text_ += line + "\n";
  if (text_.size() > kTextMax) text_.erase(0, text_.size() - kTextMax / 2);
  return is_frame ? std::optional<Frame>(frame) : std::nullopt;
}

std::optional<bridge::Frame> Link::receive(uint64_t deadline_ns) {
  for (;;) {
    while (arrived_.find('\n') != std::string::npos) {
      if (const auto frame = take_line()) return frame;
    }
    if (arrived_.size() > kLineSane) arrived_.erase(0, arrived_.size() - bridge::kLineMax);
    const uint64_t now = host_now_ns();
    if (now >= deadline_ns) return std::nullopt;
    arrived_ += stream_->receive(deadline_ns - now);
  }
}

void Link::deliver(const Frame& frame) {
  if (frame.kind != Kind::kReply || frame.sequence != sequence_ || frame.index >= frame.count) return;
  reply_frames_ = frame.count;
  reply_.try_emplace(frame.index, frame.payload, frame.payload + frame.bytes);
}

bridge::Frame Link::want() const {
  Frame frame;
  frame.kind = Kind::kWant;
  frame.sequence = sequence_;
  while (reply_.contains(frame.index)) ++frame.index;
  return frame;
}

template <typename Done>
void Link::insist(Frame frame, uint64_t silence_ns, Done done) {
  const uint64_t give_up = host_now_ns() + silence_ns;
  uint64_t wait_ns = limits_.first_wait_ns;
  send(frame);
  uint64_t deadline = host_now_ns() + wait_ns;
  for (;;) {
    if (const auto got = receive(deadline)) {
      deliver(*got);
      if (done(*got)) return;
      if (got->kind == Kind::kReply && got->sequence == sequence_) deadline = host_now_ns() + wait_ns;  // more follows
      continue;
    }
    if (host_now_ns() >= give_up) {
      throw LinkSilent("no answer for " + std::to_string(silence_ns / 1'000'000'000) + " s; " +
                       std::to_string(statistics_.sent_again) + " lines were sent again and " +
                       std::to_string(statistics_.damaged) + " damaged ones received so far");
    }
    send(reply_.empty() ? frame : want());
    ++statistics_.sent_again;
    wait_ns = std::min(wait_ns * 2, limits_.last_wait_ns);
    deadline = host_now_ns() + wait_ns;
  }
}

Link::Message Link::collect(const Frame& last_request, uint64_t silence_ns) {
  insist(last_request, silence_ns, [&](const Frame&) { return !reply_.empty() && reply_.size() == reply_frames_; });
  Message message;
  for (const auto& [index, bytes] : reply_) message.insert(message.end(), bytes.begin(), bytes.end());
  return message;
}

void Link::await_agent(uint64_t silence_ns) {
  if (receive(host_now_ns() + silence_ns)) return;
  throw LinkSilent("the agent did not say in " + std::to_string(silence_ns / 1'000'000'000) +
                   " s that it is there, as the image does that was built with this program");
}

Link::Message Link::reset(uint16_t sequence, uint64_t silence_ns) {
  sequence_ = sequence;
  reply_.clear();
  reply_frames_ = 0;
  Frame frame;
  frame.kind = Kind::kReset;
  frame.sequence = sequence;
  frame.count = 1;
  await_agent(silence_ns);
  // A line that an earlier harness left half-sent ends here.
  stream_->send("\n");
  return collect(frame, silence_ns);
}

Link::Message Link::exchange(std::span<const uint8_t> message) {
  ++statistics_.messages;
  ++sequence_;
  reply_.clear();
  reply_frames_ = 0;
  Frame frame;
  frame.kind = Kind::kRequest;
  frame.sequence = sequence_;
  frame.count =
      static_cast<uint16_t>(std::max<size_t>(1, (message.size() + bridge::kPayloadMax - 1) / bridge::kPayloadMax));
  for (;; ++frame.index) {
    const size_t start = size_t{frame.index} * bridge::kPayloadMax;
    frame.bytes = static_cast<uint32_t>(std::min<size_t>(bridge::kPayloadMax, message.size() - start));
    std::copy_n(message.begin() + static_cast<ptrdiff_t>(start), frame.bytes, frame.payload);
    if (frame.index + 1 == frame.count) return collect(frame, limits_.silence_ns);
    insist(frame, limits_.silence_ns, [&](const Frame& got) {
      return got.kind == Kind::kAck && got.sequence == sequence_ && got.index == frame.index;
    });
  }
}

}  // namespace assay::connect
