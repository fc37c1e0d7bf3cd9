/// The byte stream to a hypervisor that runs somewhere: both ends of it, each with a hostile other end.
#include <utility>

#include "fuzz/targets/entropy.hpp"
#include "fuzz/targets/fuzz_target.hpp"
#include "sim/guest/agent/bridge_endpoint.hpp"
#include "sim/guest/agent/bridge_messages.h"
#include "sim/target/connect/bridge.hpp"
#include "sim/target/connect/link.hpp"

namespace assay::fuzz {
namespace {

constexpr uint32_t kBufferBytes = 4096;
constexpr unsigned kMessages = 8;
constexpr uint64_t kSilenceNs = 1'000'000'000;  ///< never waited for: an input ends by hanging up

/// An agent whose meaning of messages is to check them.
struct Agent {
  uint32_t lines = 0;
  void send(const char* line, uint32_t length) {
    bridge::Frame frame;
    must(length <= bridge::kLineMax && bridge::decode(line, length - 1, frame), "what the agent sends is a frame");
    ++lines;
  }
  uint32_t greet(uint8_t* reply, uint32_t) {
    *reply = 'A';
    return 1;
  }
  uint32_t handle(const uint8_t* request, uint32_t bytes, uint8_t* reply, uint32_t bytes_max) {
    must(bytes <= bytes_max, "a message fits its buffer");
    for (uint32_t i = 0; i < bytes; ++i) reply[i] = request[i];
    return bytes;
  }
};

/// A frame of the input: intact, whatever it says.
std::string line_of(InputReader& input) {
  bridge::Frame frame;
  frame.kind = static_cast<bridge::Kind>(input.number<uint8_t>() % 7);
  frame.sequence = input.number<uint8_t>();
  frame.index = input.number<uint8_t>() % 64;
  frame.count = input.number<uint8_t>() % 64;
  const std::string_view payload = input.text(input.number<uint8_t>() % (bridge::kPayloadMax + 1));
  frame.bytes = static_cast<uint32_t>(payload.copy(reinterpret_cast<char*>(frame.payload), payload.size()));
  char line[bridge::kLineMax];
  return {line, bridge::encode(frame, line)};
}

void serve(std::string_view input) {
  Agent agent;
  std::vector<uint8_t> request(kBufferBytes);
  std::vector<uint8_t> reply(kBufferBytes);
  bridge::Endpoint<Agent> endpoint(agent, request.data(), reply.data(), kBufferBytes);
  endpoint.take(input.data(), static_cast<uint32_t>(input.size()));
  for (InputReader reader(input); !reader.is_empty();) {
    const std::string line = line_of(reader);
    endpoint.take(line.data(), static_cast<uint32_t>(line.size()));
  }
}

/// What an agent says before the harness says anything.
std::string here() {
  bridge::Frame frame;
  frame.kind = bridge::Kind::kHere;
  frame.count = 1;
  char line[bridge::kLineMax];
  return {line, bridge::encode(frame, line)};
}

/// Says that it is there, gives what it is given to say, and hangs up.
class Script : public connect::ByteStream {
 public:
  explicit Script(std::vector<std::string> says) : says_(std::move(says)) { says_.insert(says_.begin(), here()); }
  void send(std::string_view bytes) override { must(bytes.size() <= bridge::kLineMax, "what is sent is a line"); }
  std::string receive(uint64_t) override {
    if (next_ == says_.size()) throw connect::StreamClosed("the end of the input");
    return says_[next_++];
  }

 private:
  std::vector<std::string> says_;
  size_t next_ = 0;
};

/// The sequence numbers count from 0: frames that fit are a byte away.
void link_with(std::vector<std::string> says) {
  connect::Link link(std::make_unique<Script>(std::move(says)));
  const std::vector<uint8_t> message(100, 'm');
  try {
    link.reset(0, kSilenceNs);
    for (unsigned i = 0; i < kMessages; ++i) link.exchange(message);
  } catch (const connect::LinkSilent&) {
  } catch (const connect::StreamClosed&) {
  }
  must(link.statistics().messages <= kMessages, "no message that nobody sent");
}

/// An agent that answers every line as it should, with payloads of the input.
class FittingAgent : public connect::ByteStream {
 public:
  explicit FittingAgent(std::string_view input) : input_(input) {}

  void send(std::string_view bytes) override {
    bridge::Frame frame;
    if (bytes.size() < 2 || !bridge::decode(bytes.data(), static_cast<uint32_t>(bytes.size() - 1), frame)) return;
    if (frame.kind == bridge::Kind::kWant) throw connect::StreamClosed("it has said what it has to say");
    const bool is_last = frame.kind == bridge::Kind::kReset || frame.index + 1 == frame.count;
    if (is_last) {
      say_message(frame);
    } else {
      frame.kind = bridge::Kind::kAck;
      frame.bytes = 0;
      say(frame);
    }
  }
  std::string receive(uint64_t) override {
    if (out_.empty()) throw connect::StreamClosed("the end of the input");
    return std::exchange(out_, {});
  }

 private:
  void say(const bridge::Frame& frame) {
    char line[bridge::kLineMax];
    out_.append(line, bridge::encode(frame, line));
  }
  void say_message(bridge::Frame frame) {
    const bool is_greeting = frame.kind == bridge::Kind::kReset;
    std::string message(is_greeting ? greeting() : input_.text(input_.number<uint16_t>() % kBufferBytes));
    frame.kind = bridge::Kind::kReply;
    frame.count = static_cast<uint16_t>(message.size() / bridge::kPayloadMax + 1);
    for (frame.index = 0; frame.index < frame.count; ++frame.index) {
      const std::string part = message.substr(size_t{frame.index} * bridge::kPayloadMax, bridge::kPayloadMax);
      frame.bytes = static_cast<uint32_t>(part.copy(reinterpret_cast<char*>(frame.payload), part.size()));
      say(frame);
    }
  }
  std::string greeting() {
    if (input_.number<uint8_t>() == 0) return std::string(input_.text(sizeof(assay_bridge_greeting)));
    assay_bridge_greeting right{.magic = ASSAY_AGENT_MAGIC,
                                .agent_version = ASSAY_AGENT_VERSION,
                                .slots = ASSAY_BRIDGE_SLOTS,
                                .mailbox_frames = {}};
    return {reinterpret_cast<const char*>(&right), sizeof right};
  }

  InputReader input_;
  std::string out_ = here();
};

/// Nobody dies but by the stream.
class Calm : public agents::Watch {
  void check_machine() override {}
  void check_domain(DomId) override {}
  [[noreturn]] void explain_silence(DomId, const std::string& what) override {
    throw TargetDied(TargetDied::How::kHang, what);
  }
};

void use(connect::Bridge& bridge, agents::Watch& watch) {
  const auto mailbox = bridge.open({DomId{1}, std::vector<Mfn>(4), std::vector<Gfn>(4)}, watch);
  std::vector<std::byte> out(64);
  for (unsigned i = 0; i < kMessages; ++i) {
    GuestRequest request;
    request.op = ASSAY_OP_READ;
    request.out = out;
    GuestReply reply;
    mailbox->execute(request, reply, 0);
  }
}

void talk(std::string_view input) {
  Calm watch;
  try {
    connect::Bridge bridge(std::make_unique<FittingAgent>(input), 0, kSilenceNs);
    use(bridge, watch);
  } catch (const TargetDied&) {
  } catch (const HarnessFault&) {  // of another version, or it refuses
  }
}

const FuzzTarget kAgentEnd{{
    .name = "stream_agent",
    .reads = "the agent's end of the byte stream",
    .run = serve,
    .bytes_max = 2048,
}};

const FuzzTarget kHarnessEnd{{
    .name = "stream_harness",
    .reads = "the harness's end of the byte stream: lines, and intact frames that say anything",
    .run =
        [](std::string_view input) {
          link_with({std::string(input)});
          std::vector<std::string> lines;
          for (InputReader reader(input); !reader.is_empty();) lines.push_back(line_of(reader));
          link_with(std::move(lines));
        },
    .bytes_max = 2048,
}};

const FuzzTarget kBridge{{
    .name = "stream_bridge",
    .reads = "answers of the bridge in the subject's privileged domain",
    .run = talk,
    .bytes_max = 2048,
}};

const FuzzTarget kAddress{{
    .name = "address",
    .reads = "addresses behind connect:",
    .run =
        [](std::string_view input) {
          try {
            const connect::StreamAddress address = connect::parse_address(input);
            must(address.path.empty() == !address.host.empty(), "an address is one of the two");
          } catch (const std::invalid_argument&) {
          }
        },
    .bytes_max = 128,
}};

}  // namespace
}  // namespace assay::fuzz
