// The requests of GdbProtocol that have a name: what the server can do, which threads there are.
#include <algorithm>

#include "sim/debug/gdb_packet.hpp"
#include "sim/debug/gdb_protocol.hpp"
#include "sim/debug/gdb_registers.hpp"

namespace assay::debug {

namespace {

constexpr std::string_view kSeparators = ":;,?";
/// Thread ids of 8 digits in one packet.
constexpr size_t kThreadsPerPacket = 1000;

/// One piece of a document, as qXfer reads it: "m" when more follows, "l" for the last.
std::string piece(std::string_view document, TextReader arguments) {
  const auto range = arguments.range();
  if (!range || !arguments.done() || range->address > document.size()) return GdbProtocol::kMalformed;
  const std::string_view found = document.substr(range->address, std::min<uint64_t>(range->length, kPayloadBytesMax));
  return (range->address + found.size() < document.size() ? "m" : "l") + std::string(found);
}

/// Printable ASCII with the characters that mean something to XML written as numbers.
std::string xml_text(std::string_view text) {
  std::string escaped;
  for (const char each : text) {
    if (std::string_view("<>&\"'").find(each) != std::string_view::npos) {
      escaped += "&#" + std::to_string(int{each}) + ";";
    } else {
      escaped += each >= ' ' && each <= '~' ? each : '?';
    }
  }
  return escaped;
}

std::string thread_list(const std::vector<Thread>& threads) {
  std::string text = "<?xml version=\"1.0\"?>\n<threads>\n";
  for (const Thread& each : threads) {
    text += "<thread id=\"" + hex_number(each.id) + "\" name=\"" + xml_text(each.name) + "\"/>\n";
  }
  return text + "</threads>\n";
}

}  // namespace

const GdbProtocol::Query GdbProtocol::kQueries[] = {
    {"qSupported", &GdbProtocol::supported},
    {"QStartNoAckMode", &GdbProtocol::stop_acknowledging},
    {"qXfer:features:read:", &GdbProtocol::description},
    {"qXfer:threads:read:", &GdbProtocol::thread_document},
    {"qfThreadInfo", &GdbProtocol::first_threads},
    {"qsThreadInfo", &GdbProtocol::more_threads},
    {"qThreadExtraInfo,", &GdbProtocol::thread_name},
    {"qC", &GdbProtocol::current_thread},
    {"qAttached", &GdbProtocol::attached},
    {"qRcmd,", &GdbProtocol::monitor},
    {"vCont?", &GdbProtocol::resume_forms},
    {"vCont", &GdbProtocol::resume_actions},
    {"vKill", &GdbProtocol::kill_process},
};

GdbProtocol::Reply GdbProtocol::named(std::string_view request) {
  for (const Query& query : kQueries) {
    TextReader reader(request);
    if (!reader.take(query.name)) continue;
    const bool whole = reader.done() ||
                       kSeparators.find(std::string_view(query.name).back()) != std::string_view::npos ||
                       kSeparators.find(reader.rest().front()) != std::string_view::npos;
    if (whole) return (this->*query.answer)(reader);
  }
  return "";
}

GdbProtocol::Reply GdbProtocol::supported(TextReader arguments) {
  arguments.take(":");
  while (!arguments.done()) {
    if (arguments.until(';') == "swbreak+") tells_breakpoints_apart_ = true;
  }
  return "PacketSize=" + hex_number(kPacketBytesMax) +
         ";QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+;ReverseStep+;ReverseContinue+"
         ";swbreak+;hwbreak+;vContSupported+;binary-upload+";
}

GdbProtocol::Reply GdbProtocol::stop_acknowledging(TextReader) {
  answer_.then = GdbAnswer::Then::kStopAcknowledging;
  return "OK";
}

GdbProtocol::Reply GdbProtocol::kill_process(TextReader) {
  return kill();
}

GdbProtocol::Reply GdbProtocol::description(TextReader arguments) {
  if (arguments.until(':') != "target.xml") return kMalformed;
  return piece(target_description(), arguments);
}

GdbProtocol::Reply GdbProtocol::thread_document(TextReader arguments) {
  if (!arguments.until(':').empty()) return kMalformed;
  // All pieces are of the list as it was when the first was read.
  if (arguments.rest().starts_with("0,")) document_ = thread_list(debuggee_.threads());
  return piece(document_, arguments);
}

GdbProtocol::Reply GdbProtocol::first_threads(TextReader arguments) {
  unlisted_.clear();
  for (const Thread& each : debuggee_.threads()) unlisted_.push_back(each.id);
  return more_threads(arguments);
}

GdbProtocol::Reply GdbProtocol::more_threads(TextReader) {
  if (unlisted_.empty()) return "l";
  const auto end = unlisted_.begin() + static_cast<std::ptrdiff_t>(std::min(unlisted_.size(), kThreadsPerPacket));
  Reply reply;
  for (auto each = unlisted_.begin(); each != end; ++each) reply += (reply.empty() ? "m" : ",") + hex_number(*each);
  unlisted_.erase(unlisted_.begin(), end);
  return reply;
}

GdbProtocol::Reply GdbProtocol::thread_name(TextReader arguments) {
  const auto number = arguments.number();
  if (!number || !arguments.done()) return kMalformed;
  for (const Thread& each : debuggee_.threads()) {
    if (each.id == *number) return hex_text(std::string_view(each.name).substr(0, kPayloadBytesMax));
  }
  return kMalformed;
}

GdbProtocol::Reply GdbProtocol::current_thread(TextReader) {
  return "QC" + hex_number(current_);
}

GdbProtocol::Reply GdbProtocol::attached(TextReader) {
  return "1";
}

GdbProtocol::Reply GdbProtocol::monitor(TextReader arguments) {
  const auto command = text_of_hex(arguments.rest());
  if (!command) return kMalformed;
  say(debuggee_.monitor(*command));
  return "OK";
}

void GdbProtocol::say(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), kPayloadBytesMax))) {
    answer_.packets.push_back("O" + hex_text(text.substr(0, kPayloadBytesMax)));
  }
}

}  // namespace assay::debug
