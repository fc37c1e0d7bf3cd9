#include "sim/debug/gdb_server.hpp"

#include <csignal>
#include <utility>

namespace assay::debug {

namespace {

/// How often `cancelled` is asked while nothing arrives.
constexpr uint64_t kWaitNs = 100'000'000;

/// A debugger that is gone shows as an error of the write, not as a signal that ends the program.
class BrokenPipesAreErrors {
 public:
  BrokenPipesAreErrors() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before_);
  }
  BrokenPipesAreErrors(const BrokenPipesAreErrors&) = delete;
  BrokenPipesAreErrors& operator=(const BrokenPipesAreErrors&) = delete;
  ~BrokenPipesAreErrors() { sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

}  // namespace

GdbServer::GdbServer(Debuggee& debuggee, connect::ByteStream& stream, Cancelled cancelled)
    : stream_(stream), cancelled_(std::move(cancelled)), protocol_(debuggee) {}

GdbEnd GdbServer::run() {
  const BrokenPipesAreErrors guard;
  std::optional<GdbEnd> end;
  try {
    while (!end) end = serve_next();
  } catch (const connect::StreamClosed&) {
    end = GdbEnd::kHungUp;
  }
  protocol_.clear_points();
  return *end;
}

std::optional<GdbEnd> GdbServer::serve_next() {
  if (cancelled_()) return GdbEnd::kCancelled;
  if (hung_up_) return GdbEnd::kHungUp;
  if (decoder_.empty()) receive(kWaitNs);
  if (decoder_.empty()) return std::nullopt;
  const PacketEvent event = decoder_.next();
  switch (event.kind) {
    case PacketEvent::Kind::kPacket:
      acknowledge('+');
      return answer(event.text);
    case PacketEvent::Kind::kTooLong:
      acknowledge('+');
      reply(GdbProtocol::kTooMany);
      break;
    case PacketEvent::Kind::kDamaged:
      refuse_damaged();
      break;
    case PacketEvent::Kind::kResend:
      if (acknowledges_ && !last_sent_.empty()) stream_.send(last_sent_);
      break;
    case PacketEvent::Kind::kInterrupt:  // came too late: the machine has stopped already, and that was told
      break;
  }
  return std::nullopt;
}

std::optional<GdbEnd> GdbServer::answer(std::string_view request) {
  const GdbAnswer answer = protocol_.handle(request, [this] { return interrupted(); });
  if (hung_up_) return GdbEnd::kHungUp;
  for (const std::string& each : answer.packets) reply(each);
  switch (answer.then) {
    case GdbAnswer::Then::kDetach:
      return GdbEnd::kDetached;
    case GdbAnswer::Then::kKill:
      return GdbEnd::kKilled;
    case GdbAnswer::Then::kStopAcknowledging:
      acknowledges_ = false;
      break;
    case GdbAnswer::Then::kGoOn:
      break;
  }
  return std::nullopt;
}

void GdbServer::refuse_damaged() {
  if (acknowledges_) {
    acknowledge('-');
  } else {
    reply(GdbProtocol::kMalformed);
  }
}

void GdbServer::acknowledge(char sign) {
  if (acknowledges_) stream_.send({&sign, 1});
}

void GdbServer::reply(std::string_view text) {
  last_sent_ = packet(text);
  stream_.send(last_sent_);
}

void GdbServer::receive(uint64_t timeout_ns) {
  decoder_.feed(stream_.receive(timeout_ns));
}

bool GdbServer::interrupted() {
  if (hung_up_ || cancelled_()) return true;
  try {
    if (decoder_.empty()) receive(0);
  } catch (const connect::StreamClosed&) {
    hung_up_ = true;
    return true;
  }
  // A debugger that sends anything else while the machine runs wants an answer to it: that stops the machine, too.
  if (decoder_.empty()) return false;
  if (decoder_.peek() == PacketEvent::Kind::kInterrupt) decoder_.next();
  return true;
}

GdbEnd serve_debuggers(TcpListener& listener, Debuggee& debuggee, const Cancelled& cancelled) {
  while (!cancelled()) {
    const auto stream = listener.accept(kWaitNs);
    if (stream == nullptr) continue;
    const GdbEnd end = GdbServer(debuggee, *stream, cancelled).run();
    if (end == GdbEnd::kKilled || end == GdbEnd::kCancelled) return end;
  }
  return GdbEnd::kCancelled;
}

}  // namespace assay::debug
