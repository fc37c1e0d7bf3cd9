#include "sim/debug/testing/conversation.hpp"

#include <sys/socket.h>

#include <array>

namespace assay::debug {

namespace {

constexpr uint64_t kPatienceNs = 10'000'000'000;

}  // namespace

Conversation::Conversation(Debuggee& debuggee) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw connect::StreamClosed("no socketpair");
  stream_ = connect::stream_over(ends[0]);
  server_ = std::thread([this, &debuggee, theirs = connect::stream_over(ends[1])] {
    end_ = GdbServer(debuggee, *theirs, [this] { return cancelled_.load(); }).run();
  });
}

Conversation::~Conversation() {
  cancelled_ = true;
  if (server_.joinable()) server_.join();
}

std::string Conversation::reply() {
  for (;;) {
    while (!decoder_.empty()) {
      PacketEvent event = decoder_.next();
      if (event.kind == PacketEvent::Kind::kPacket) return std::move(event.text);
    }
    const std::string bytes = stream_->receive(kPatienceNs);
    if (bytes.empty()) return "(none)";
    decoder_.feed(bytes);
  }
}

std::string Conversation::request(std::string_view text) {
  send(packet(text));
  return reply();
}

GdbEnd Conversation::end() {
  server_.join();
  return end_;
}

}  // namespace assay::debug
