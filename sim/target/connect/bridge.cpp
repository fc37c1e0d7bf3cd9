#include "sim/target/connect/bridge.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "sim/abi/xen.hpp"
#include "sim/target/agent/host_clock.hpp"

namespace assay::connect {

using agents::host_now_ns;

namespace {

/// How long the bridge waits for a mailbox before it answers that the operation is in flight.
constexpr uint32_t kWaitUs = 20'000;
constexpr uint64_t kListenLimitNs = 10'000'000'000;
constexpr unsigned kEvidenceLines = 40;

class RemoteMailbox : public agents::Mailbox {
 public:
  RemoteMailbox(Bridge& bridge, DomId domain, uint8_t slot, agents::Watch& watch)
      : bridge_(bridge), watch_(watch), domain_(domain), slot_(slot) {}

  ~RemoteMailbox() override {
    try {
      bridge_.ask(
          {.command = ASSAY_BRIDGE_CLOSE, .slot = slot_, .op = 0, .args = 0, .data_bytes = 0, .wait_us = 0, .block = 0},
          {}, {});
    } catch (const std::exception&) {  // the subject is gone: so is the mapping
    }
    bridge_.release(slot_);
  }

  void await_listener() override {
    const uint64_t limit = host_now_ns() + kListenLimitNs;
    for (;;) {
      const assay_bridge_reply look = command(ASSAY_BRIDGE_LOOK, 0).head;
      const auto version = static_cast<uint32_t>(look.value[1]);
      if (look.value[0] == ASSAY_AGENT_MAGIC) {
        if (version == ASSAY_AGENT_VERSION) return;
        throw HarnessFault("an agent of version " + std::to_string(version) + " listens, not of version " +
                           std::to_string(ASSAY_AGENT_VERSION));
      }
      if (host_now_ns() > limit) watch_.explain_silence(domain_, "the start of a vcpu");
    }
  }

  [[nodiscard]] uint64_t boot_info() override { return command(ASSAY_BRIDGE_LOOK, 0).head.value[2]; }
  [[nodiscard]] bool in_flight() const override { return in_flight_; }

  void start(const GuestRequest& request) override { begin(request, 0); }

  bool await(GuestReply& reply, uint64_t timeout_ns) override {
    if (!in_flight_) throw HarnessFault("a reply is awaited and no operation is in flight");
    const uint64_t limit = host_now_ns() + timeout_ns;
    while (!has_replied_) {
      const uint64_t now = host_now_ns();
      const uint64_t left_us = now < limit ? (limit - now) / 1000 : 0;
      take(command(ASSAY_BRIDGE_AWAIT, static_cast<uint32_t>(std::min<uint64_t>(left_us, kWaitUs))));
      if (!has_replied_ && host_now_ns() >= limit) return false;
    }
    finish(reply);
    return true;
  }

  void execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) override {
    begin(request, kWaitUs);
    const uint64_t limit = host_now_ns() + timeout_ns;
    while (!has_replied_) {
      watch_.check_domain(domain_);
      if (host_now_ns() > limit) watch_.explain_silence(domain_, "operation " + std::to_string(request.op));
      take(command(ASSAY_BRIDGE_AWAIT, kWaitUs));
    }
    finish(reply);
  }

 private:
  Bridge::Answer command(assay_bridge_command what, uint32_t wait_us) {
    return bridge_.ask({.command = static_cast<uint8_t>(what),
                        .slot = slot_,
                        .op = 0,
                        .args = 0,
                        .data_bytes = 0,
                        .wait_us = wait_us,
                        .block = 0},
                       {}, {});
  }

  void begin(const GuestRequest& request, uint32_t wait_us) {
    if (in_flight_) throw HarnessFault("a second operation was started on a vcpu that has one in flight");
    if (request.in.size() > ASSAY_MAILBOX_DATA_BYTES) throw HarnessFault("an operation carries too much data");
    std::span<const uint64_t> arguments = request.arg;
    while (!arguments.empty() && arguments.back() == 0) arguments = arguments.first(arguments.size() - 1);
    const assay_bridge_request head{.command = ASSAY_BRIDGE_CALL,
                                    .slot = slot_,
                                    .op = static_cast<uint8_t>(request.op),
                                    .args = static_cast<uint8_t>(arguments.size()),
                                    .data_bytes = static_cast<uint32_t>(request.in.size()),
                                    .wait_us = wait_us,
                                    .block = 0};
    out_ = request.out;
    in_flight_ = true;
    has_replied_ = false;
    take(bridge_.ask(head, arguments, request.in));
  }

  void take(Bridge::Answer answer) {
    if (answer.head.bridge_status == ASSAY_BRIDGE_IN_FLIGHT) return;
    if (answer.head.bridge_status != ASSAY_BRIDGE_OK) throw HarnessFault("the bridge refused an operation");
    answer_ = std::move(answer);
    has_replied_ = true;
  }

  void finish(GuestReply& reply) {
    in_flight_ = false;
    reply.status = agents::status_of(answer_.head.status);
    std::copy(std::begin(answer_.head.value), std::end(answer_.head.value), reply.value.begin());
    if (reply.status == ASSAY_STATUS_FAULT) reply.fault = answer_.head.fault;
    std::copy_n(answer_.data.begin(), std::min(answer_.data.size(), out_.size()), out_.begin());
  }

  Bridge& bridge_;
  agents::Watch& watch_;
  DomId domain_;
  uint8_t slot_;
  bool in_flight_ = false;
  bool has_replied_ = false;
  Bridge::Answer answer_;
  std::span<std::byte> out_;
};

template <typename T>
void append(std::vector<uint8_t>& message, const T* values, size_t count) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(values);
  message.insert(message.end(), bytes, bytes + count * sizeof(T));
}

}  // namespace

Bridge::Bridge(std::unique_ptr<ByteStream> stream, uint16_t sequence, uint64_t boot_limit_ns)
    : link_(std::move(stream)) {
  try {
    const Link::Message message = link_.reset(sequence, boot_limit_ns);
    assay_bridge_greeting greeting{};
    if (message.size() != sizeof greeting) throw HarnessFault("the bridge greets in a way that is not known");
    std::memcpy(&greeting, message.data(), sizeof greeting);
    if (greeting.magic != ASSAY_AGENT_MAGIC || greeting.agent_version != ASSAY_AGENT_VERSION) {
      throw HarnessFault("the agent on the subject has version " + std::to_string(greeting.agent_version) +
                         ", this program needs version " + std::to_string(ASSAY_AGENT_VERSION) +
                         "; boot the image that was built with this program");
    }
    for (const uint64_t frame : greeting.mailbox_frames) dom0_frames_.emplace_back(frame);
  } catch (const std::runtime_error& error) {
    throw TargetDied(TargetDied::How::kHang,
                     std::string("no agent answers on the stream: ") + error.what() + "\n" + evidence());
  } catch (const StreamClosed& error) {
    throw TargetDied(TargetDied::How::kExited, std::string(error.what()) + "\n" + evidence());
  }
}

Bridge::Answer Bridge::ask(const assay_bridge_request& request, std::span<const uint64_t> arguments,
                           std::span<const std::byte> data) {
  std::vector<uint8_t> message;
  assay_bridge_request head = request;
  head.block = place_data(data);
  append(message, &head, 1);
  append(message, arguments.data(), arguments.size());
  if ((head.block & ASSAY_BRIDGE_KEPT) == 0) append(message, data.data(), data.size());
  try {
    const Link::Message reply = link_.exchange(message);
    Answer answer;
    if (reply.size() < sizeof answer.head) throw HarnessFault("the bridge answered with half a reply");
    std::memcpy(&answer.head, reply.data(), sizeof answer.head);
    const auto* rest = reinterpret_cast<const std::byte*>(reply.data()) + sizeof answer.head;
    answer.data.assign(rest, rest + (reply.size() - sizeof answer.head));
    return answer;
  } catch (const LinkSilent& error) {
    throw TargetDied(TargetDied::How::kHang, std::string("the agent fell silent: ") + error.what() + "\n" + evidence());
  } catch (const StreamClosed& error) {
    throw TargetDied(TargetDied::How::kExited, std::string(error.what()) + "\n" + evidence());
  }
}

/// Data that the agent has already is not sent again; large data is kept there for the next time.
uint32_t Bridge::place_data(std::span<const std::byte> data) {
  constexpr size_t kWorthKeeping = 256;
  if (data.size() < kWorthKeeping) return ASSAY_BRIDGE_INLINE;
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const std::vector<std::byte>& block) {
    return std::equal(block.begin(), block.end(), data.begin(), data.end());
  });
  if (found != kept_.end()) return ASSAY_BRIDGE_KEPT | static_cast<uint32_t>(found - kept_.begin());
  const uint32_t block = next_block_++ % ASSAY_BRIDGE_BLOCKS;
  if (block >= kept_.size()) kept_.emplace_back();
  kept_[block].assign(data.begin(), data.end());
  return ASSAY_BRIDGE_KEEP | block;
}

uint8_t Bridge::free_slot() {
  for (uint8_t slot = 0; slot < ASSAY_BRIDGE_SLOTS; ++slot) {
    if (slots_.insert(slot).second) return slot;
  }
  throw HarnessFault("more mailboxes are open than the bridge has windows");
}

std::unique_ptr<agents::Mailbox> Bridge::open(const agents::MailboxPlace& place, agents::Watch& watch) {
  const uint8_t slot = free_slot();
  std::vector<uint64_t> arguments{place.domain.raw() == 0 ? uint64_t{DOMID_SELF} : uint64_t{place.domain.raw()}};
  for (const Gfn frame : place.foreign) arguments.push_back(frame.raw());
  const Answer answer = ask({.command = ASSAY_BRIDGE_OPEN,
                             .slot = slot,
                             .op = 0,
                             .args = static_cast<uint8_t>(arguments.size()),
                             .data_bytes = 0,
                             .wait_us = 0,
                             .block = 0},
                            arguments, {});
  if (answer.head.bridge_status != ASSAY_BRIDGE_OK) {
    release(slot);
    throw TargetDied(TargetDied::How::kDeadAgent,
                     "the mailbox of domain " + std::to_string(place.domain.raw()) +
                         " could not be mapped: " + std::to_string(static_cast<int64_t>(answer.head.value[0])));
  }
  return std::make_unique<RemoteMailbox>(*this, place.domain, slot, watch);
}

void Bridge::explain_silence(const std::string& what) {
  throw TargetDied(TargetDied::How::kHang, what + " was not answered; the bridge itself still answers\n" + evidence());
}

std::string Bridge::evidence() {
  const LinkStatistics& seen = link_.statistics();
  std::ostringstream text;
  text << "stream: " << seen.messages << " messages, " << seen.lines_sent << " lines sent, " << seen.lines_received
       << " received, " << seen.sent_again << " sent again, " << seen.damaged << " damaged\n";
  const std::string& console = link_.text();
  size_t start = console.size();
  for (unsigned lines = 0; lines <= kEvidenceLines && start > 0; ++lines) {
    start = console.rfind('\n', start - 1);
    if (start == std::string::npos) start = 0;
  }
  text << "last lines of the console:\n" << console.substr(start == 0 ? 0 : start + 1);
  return text.str();
}

}  // namespace assay::connect
