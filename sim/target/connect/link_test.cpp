// The link against the agent's own endpoint, over streams that behave badly.
#include "sim/target/connect/link.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <functional>

#include "sim/guest/agent/bridge_endpoint.hpp"

namespace assay::connect {
namespace {

constexpr uint32_t kBufferBytes = 32768;

/// An agent that answers a message with its bytes plus one each, and counts how often it was asked.
struct EchoAgent {
  std::string out;
  unsigned handled = 0;

  void send(const char* line, uint32_t length) { out.append(line, length); }
  uint32_t greet(uint8_t* reply, uint32_t) {
    std::memcpy(reply, "hello", 5);
    return 5;
  }
  uint32_t handle(const uint8_t* request, uint32_t bytes, uint8_t* reply, uint32_t) {
    ++handled;
    for (uint32_t i = 0; i < bytes; ++i) reply[i] = static_cast<uint8_t>(request[i] + 1);
    return bytes;
  }
};

/// Both directions pass through `spoil`, which may change, drop or repeat what goes by.
class AgentStream : public ByteStream {
 public:
  using Spoil = std::function<std::string(std::string_view bytes, unsigned number)>;
  AgentStream(EchoAgent& agent, Spoil spoil)
      : agent_(agent),
        spoil_(std::move(spoil)),
        endpoint_(agent_, buffers_.data(), buffers_.data() + kBufferBytes, kBufferBytes) {}

  void send(std::string_view bytes) override {
    const std::string arrives = spoil_(bytes, number_++);
    endpoint_.take(arrives.data(), static_cast<uint32_t>(arrives.size()));
    pass_back();
  }
  std::string receive(uint64_t) override {
    if (back_.empty()) {
      endpoint_.announce();
      pass_back();
    }
    return std::exchange(back_, {});
  }

 private:
  void pass_back() {
    while (!agent_.out.empty()) {
      const size_t end = agent_.out.find('\n') + 1;
      back_ += spoil_(std::string_view(agent_.out).substr(0, end), number_++);
      agent_.out.erase(0, end);
    }
  }

  EchoAgent& agent_;
  Spoil spoil_;
  std::vector<uint8_t> buffers_ = std::vector<uint8_t>(2 * kBufferBytes);
  bridge::Endpoint<EchoAgent> endpoint_;
  std::string back_;
  unsigned number_ = 0;
};

constexpr LinkLimits kFast{.first_wait_ns = 100'000, .last_wait_ns = 200'000, .silence_ns = 20'000'000'000};

std::vector<uint8_t> some_bytes(size_t count) {
  std::vector<uint8_t> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  return bytes;
}

/// Exchanges messages of several sizes and checks that each was answered rightly and executed once.
void check_exchanges(const AgentStream::Spoil& spoil) {
  EchoAgent agent;
  Link link(std::make_unique<AgentStream>(agent, spoil), kFast);
  const auto greeting = link.reset(17, 1'000'000'000);
  EXPECT_EQ(std::string(greeting.begin(), greeting.end()), "hello");
  unsigned asked = 0;
  for (const size_t size : {0u, 1u, 79u, 80u, 81u, 1000u, 16000u}) {
    auto expected = some_bytes(size);
    const auto reply = link.exchange(expected);
    for (uint8_t& byte : expected) ++byte;
    EXPECT_EQ(reply, expected) << size << " bytes";
    EXPECT_EQ(agent.handled, ++asked) << "executed exactly once";
  }
}

std::string intact(std::string_view bytes, unsigned) {
  return std::string(bytes);
}

TEST(Link, IntactStream) {
  check_exchanges(intact);
}

TEST(Link, LinesThatGetLost_AreSentAgain) {
  uint32_t noise = 12345;  // a loss that keeps step with the repetitions would never let the same line through
  check_exchanges([noise](std::string_view bytes, unsigned) mutable {
    noise = noise * 1664525 + 1013904223;
    return noise >> 30 == 0 ? "" : std::string(bytes);
  });
}

TEST(Link, RepeatedLines_AreDropped) {
  check_exchanges([](std::string_view bytes, unsigned) { return std::string(bytes) + std::string(bytes); });
}

TEST(Link, DamagedLines_AreSentAgain) {
  check_exchanges([](std::string_view bytes, unsigned number) {
    std::string line(bytes);
    if (number % 4 == 1) line[line.size() / 2] ^= 0x15;
    return line;
  });
}

TEST(Link, TruncatedLines_AreSentAgain) {
  check_exchanges([](std::string_view bytes, unsigned number) {
    return number % 4 == 2 ? std::string(bytes.substr(0, bytes.size() / 2)) : std::string(bytes);
  });
}

TEST(Link, OtherTextInBetween_IsKeptApart) {
  check_exchanges([](std::string_view bytes, unsigned number) {
    return (number % 3 == 0 ? "(XEN) something happened\r\n" : "(XEN) no line end ") + std::string(bytes);
  });
}

TEST(Link, OtherText_IsTheConsole) {
  EchoAgent agent;
  Link link(std::make_unique<AgentStream>(
                agent, [](std::string_view bytes, unsigned) { return "(XEN) ~ hi\n" + std::string(bytes); }),
            kFast);
  link.reset(1, 1'000'000'000);
  EXPECT_NE(link.text().find("(XEN) ~ hi\n"), std::string::npos);
}

TEST(Link, SilentAgent_IsReported) {
  EchoAgent agent;
  LinkLimits limits = kFast;
  limits.silence_ns = 5'000'000;
  Link link(std::make_unique<AgentStream>(agent, [](std::string_view, unsigned) { return std::string(); }), limits);
  EXPECT_THROW(link.reset(1, 5'000'000), LinkSilent);
}

/// The agent behind it is reached after some text of a boot; who sends before that is refused.
class BootingStream : public ByteStream {
 public:
  explicit BootingStream(std::unique_ptr<ByteStream> agent) : agent_(std::move(agent)) {}
  void send(std::string_view bytes) override {
    ASSERT_EQ(texts_left_, 0u) << "'" << bytes << "' is sent while the subject boots";
    agent_->send(bytes);
  }
  std::string receive(uint64_t wait_ns) override {
    if (texts_left_ == 0) return agent_->receive(wait_ns);
    --texts_left_;
    return "(XEN) still booting\n";
  }

 private:
  std::unique_ptr<ByteStream> agent_;
  unsigned texts_left_ = 3;
};

TEST(Link, NothingIsSent_BeforeTheAgentSpeaks) {
  EchoAgent agent;
  Link link(std::make_unique<BootingStream>(std::make_unique<AgentStream>(agent, intact)), kFast);
  EXPECT_EQ(link.reset(3, 1'000'000'000).size(), 5u);
}

TEST(Link, NoiseWithoutLineEnds_DoesNotPileUp) {
  EchoAgent agent;
  Link link(std::make_unique<AgentStream>(agent,
                                          [](std::string_view bytes, unsigned number) {
                                            return number % 2 == 0 ? std::string(bytes)
                                                                   : std::string(100'000, '~') + std::string(bytes);
                                          }),
            kFast);
  EXPECT_EQ(link.reset(9, 1'000'000'000).size(), 5u);
}

TEST(Endpoint, BeforeAReset_NothingIsAnswered) {
  EchoAgent agent;
  std::vector<uint8_t> buffers(2 * kBufferBytes);
  bridge::Endpoint<EchoAgent> endpoint(agent, buffers.data(), buffers.data() + kBufferBytes, kBufferBytes);
  bridge::Frame frame;
  frame.kind = bridge::Kind::kRequest;
  frame.sequence = 1;
  frame.count = 1;
  char line[bridge::kLineMax];
  endpoint.take(line, bridge::encode(frame, line));
  EXPECT_TRUE(agent.out.empty());
  EXPECT_EQ(agent.handled, 0u);
}

TEST(Endpoint, MessageLargerThanItsBuffer_IsNeverExecuted) {
  EchoAgent agent;
  constexpr uint32_t kSmall = 128;
  std::vector<uint8_t> buffers(2 * kSmall);
  bridge::Endpoint<EchoAgent> endpoint(agent, buffers.data(), buffers.data() + kSmall, kSmall);
  const auto feed = [&](bridge::Kind kind, uint16_t sequence, uint16_t index, uint16_t count, uint32_t bytes) {
    bridge::Frame frame;
    frame.kind = kind;
    frame.sequence = sequence;
    frame.index = index;
    frame.count = count;
    frame.bytes = bytes;
    char line[bridge::kLineMax];
    endpoint.take(line, bridge::encode(frame, line));
  };
  feed(bridge::Kind::kReset, 5, 0, 1, 0);
  feed(bridge::Kind::kRequest, 6, 0, 2, bridge::kPayloadMax);
  feed(bridge::Kind::kRequest, 6, 1, 2, bridge::kPayloadMax);
  EXPECT_EQ(agent.handled, 0u);
}

TEST(Frames, EveryBitFlip_IsNoticed) {
  bridge::Frame frame;
  frame.kind = bridge::Kind::kReply;
  frame.sequence = 0x1234;
  frame.count = 3;
  frame.bytes = 10;
  char line[bridge::kLineMax];
  const uint32_t length = bridge::encode(frame, line) - 1;
  bridge::Frame back;
  ASSERT_TRUE(bridge::decode(line, length, back));
  EXPECT_EQ(back.sequence, frame.sequence);
  EXPECT_EQ(back.bytes, frame.bytes);
  for (uint32_t bit = 0; bit < length * 8; ++bit) {
    std::string spoilt(line, length);
    spoilt[bit / 8] = static_cast<char>(spoilt[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(bridge::decode(spoilt.data(), length, back)) << "bit " << bit;
  }
}

TEST(Address, Forms) {
  EXPECT_EQ(parse_address("localhost:7000").port, "7000");
  EXPECT_EQ(parse_address("[::1]:7000").host, "::1");
  EXPECT_EQ(parse_address("/dev/pts/3").path, "/dev/pts/3");
  EXPECT_EQ(parse_address("./console.socket").path, "./console.socket");
  for (const char* bad :
       {"", "localhost", "localhost:", ":7000", "localhost:0", "localhost:70000", "localhost:http", "[]:7000"}) {
    EXPECT_THROW(parse_address(bad), std::invalid_argument) << bad;
  }
}

}  // namespace
}  // namespace assay::connect
