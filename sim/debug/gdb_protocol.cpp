#include "sim/debug/gdb_protocol.hpp"

#include <algorithm>
#include <utility>

#include "sim/debug/gdb_packet.hpp"
#include "sim/debug/gdb_registers.hpp"

namespace assay::debug {

namespace {

constexpr const char* kOk = "OK";
constexpr const char* kUnknown = "";

/// "TYPE,ADDRESS,LENGTH" of "Z" and "z". Conditions and commands may follow it only when the debugger was told so.
std::optional<StopPoint> parse_point(TextReader arguments) {
  const auto kind = arguments.number();
  if (!kind || *kind > static_cast<uint64_t>(PointKind::kWatchAccess) || !arguments.take(",")) return std::nullopt;
  const auto range = arguments.range();
  if (!range || range->length == 0 || !arguments.done()) return std::nullopt;
  return StopPoint{static_cast<PointKind>(*kind), range->address, range->length};
}

}  // namespace

GdbProtocol::GdbProtocol(Debuggee& debuggee) : debuggee_(debuggee) {
  const std::vector<Thread> threads = debuggee_.threads();
  if (!threads.empty()) current_ = threads.front().id;
}

GdbAnswer GdbProtocol::handle(std::string_view request, const std::function<bool()>& interrupted) {
  interrupted_ = &interrupted;
  answer_ = {};
  Reply reply = dispatch(request);
  interrupted_ = nullptr;
  // Who asked to be rid of the machine by "k" does not wait for an answer.
  if (request != "k") answer_.packets.push_back(std::move(reply));
  return std::exchange(answer_, {});
}

void GdbProtocol::clear_points() {
  for (const StopPoint& point : std::exchange(points_, {})) (void)debuggee_.clear_point(point);
}

GdbProtocol::Reply GdbProtocol::dispatch(std::string_view request) {
  if (request.empty()) return kUnknown;
  const TextReader arguments(request.substr(1));
  const bool alone = request.size() == 1;
  switch (request.front()) {
    case '?':
      return alone ? stop_reply() : kMalformed;
    case 'g':
      return alone ? read_registers() : kMalformed;
    case 'G':
      return write_registers(arguments);
    case 'p':
      return read_register(arguments);
    case 'P':
      return write_register(arguments);
    case 'm':
      return read_memory(arguments);
    case 'x':
      return read_memory_binary(arguments);
    case 'M':
      return write_memory(arguments);
    case 'X':
      return write_memory_binary(arguments);
    case 'Z':
      return set_point(arguments);
    case 'z':
      return clear_point(arguments);
    case 'H':
      return choose_thread(arguments);
    case 'T':
      return thread_alive(arguments);
    case 'c':
      return resume_at(arguments, false, false);
    case 'C':
      return resume_at(arguments, false, true);
    case 's':
      return resume_at(arguments, true, false);
    case 'S':
      return resume_at(arguments, true, true);
    case 'b':
      return resume_backward(arguments);
    case 'D':
      return alone || arguments.rest().front() == ';' ? detach() : kMalformed;
    case 'k':
      return alone ? kill() : kMalformed;
    default:
      return named(request);
  }
}

GdbProtocol::Reply GdbProtocol::read_registers() {
  const auto registers = debuggee_.registers(chosen());
  return registers ? encode_registers(*registers) : kMalformed;
}

GdbProtocol::Reply GdbProtocol::write_registers(TextReader arguments) {
  auto registers = debuggee_.registers(chosen());
  if (!registers || !decode_registers(arguments.rest(), *registers)) return kMalformed;
  return store(*registers);
}

GdbProtocol::Reply GdbProtocol::read_register(TextReader arguments) {
  const auto number = arguments.number();
  const auto registers = debuggee_.registers(chosen());
  if (!number || !arguments.done() || !registers) return kMalformed;
  return encode_register(*registers, *number).value_or(kMalformed);
}

GdbProtocol::Reply GdbProtocol::write_register(TextReader arguments) {
  const auto number = arguments.number();
  auto registers = debuggee_.registers(chosen());
  if (!number || !arguments.take("=") || !registers) return kMalformed;
  if (!decode_register(arguments.rest(), *number, *registers)) return kMalformed;
  return store(*registers);
}

GdbProtocol::Reply GdbProtocol::store(const Registers& registers) {
  return debuggee_.set_registers(chosen(), registers) ? kOk : kRefused;
}

std::optional<std::vector<std::byte>> GdbProtocol::memory(TextReader& arguments, Reply& refusal) {
  refusal = kMalformed;
  const auto range = arguments.range();
  if (!range || !arguments.done()) return std::nullopt;
  // A debugger that asks for more than fits into an answer gets the beginning.
  std::vector<std::byte> bytes(std::min<uint64_t>(range->length, kPayloadBytesMax));
  refusal = kNoMemory;
  const size_t count = bytes.empty() ? 0 : debuggee_.read_memory(chosen(), range->address, bytes);
  if (count == 0 && !bytes.empty()) return std::nullopt;
  bytes.resize(std::min(count, bytes.size()));
  return bytes;
}

GdbProtocol::Reply GdbProtocol::read_memory(TextReader arguments) {
  Reply refusal;
  const auto bytes = memory(arguments, refusal);
  if (!bytes) return refusal;
  // Nothing is no answer: it would say that the request is unknown.
  return bytes->empty() ? kMalformed : hex_bytes(*bytes);
}

GdbProtocol::Reply GdbProtocol::read_memory_binary(TextReader arguments) {
  Reply refusal;
  const auto bytes = memory(arguments, refusal);
  if (!bytes) return refusal;
  Reply reply = "b";
  for (const std::byte each : *bytes) reply += static_cast<char>(each);
  return reply;
}

GdbProtocol::Reply GdbProtocol::write_memory(TextReader arguments) {
  const auto range = arguments.range();
  if (!range || !arguments.take(":")) return kMalformed;
  const auto bytes = bytes_of_hex(arguments.rest());
  if (!bytes) return kMalformed;
  return store(*range, *bytes);
}

GdbProtocol::Reply GdbProtocol::write_memory_binary(TextReader arguments) {
  const auto range = arguments.range();
  if (!range || !arguments.take(":")) return kMalformed;
  return store(*range, std::as_bytes(std::span(arguments.rest())));
}

GdbProtocol::Reply GdbProtocol::store(const Range& range, std::span<const std::byte> bytes) {
  if (bytes.size() != range.length) return kMalformed;
  // Debuggers try out whether there is "X" by writing nothing.
  if (bytes.empty()) return kOk;
  return debuggee_.write_memory(chosen(), range.address, bytes) ? kOk : kNoMemory;
}

GdbProtocol::Reply GdbProtocol::set_point(TextReader arguments) {
  const auto point = parse_point(arguments);
  if (!point) return kMalformed;
  if (points_.contains(*point)) return kOk;
  if (points_.size() == kPointsMax) return kTooMany;
  if (!debuggee_.set_point(*point)) return kRefused;
  points_.insert(*point);
  return kOk;
}

GdbProtocol::Reply GdbProtocol::clear_point(TextReader arguments) {
  const auto point = parse_point(arguments);
  if (!point) return kMalformed;
  if (!points_.contains(*point)) return kOk;
  if (!debuggee_.clear_point(*point)) return kRefused;
  points_.erase(*point);
  return kOk;
}

GdbProtocol::Reply GdbProtocol::choose_thread(TextReader arguments) {
  const bool for_running = arguments.take("c");
  if (!for_running && !arguments.take("g")) return kMalformed;
  ThreadId thread = kNoThread;
  if (!arguments.take("-1")) {
    const auto number = arguments.number();
    if (!number || (*number != kNoThread && !exists(*number))) return kMalformed;
    thread = static_cast<ThreadId>(*number);
  }
  if (!arguments.done()) return kMalformed;
  (for_running ? running_ : chosen_) = thread;
  return kOk;
}

GdbProtocol::Reply GdbProtocol::thread_alive(TextReader arguments) {
  const auto number = arguments.number();
  return number && arguments.done() && exists(*number) ? kOk : kMalformed;
}

GdbProtocol::Reply GdbProtocol::detach() {
  clear_points();
  answer_.then = GdbAnswer::Then::kDetach;
  return kOk;
}

GdbProtocol::Reply GdbProtocol::kill() {
  answer_.then = GdbAnswer::Then::kKill;
  return kOk;
}

bool GdbProtocol::exists(uint64_t thread) {
  return std::ranges::any_of(debuggee_.threads(), [&](const Thread& each) { return each.id == thread; });
}

}  // namespace assay::debug
