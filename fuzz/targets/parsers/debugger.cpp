/// What arrives on the port of `assay replay --gdb`.
#include "fuzz/targets/fuzz_target.hpp"
#include "sim/debug/gdb_server.hpp"
#include "sim/debug/testing/fake_debuggee.hpp"

namespace assay::fuzz {
namespace {

constexpr uint64_t kTicks = 64;  ///< of the toy machine's history

/// Sends its bytes in two pieces, and hangs up. Answers must be packets.
class Debugger : public connect::ByteStream {
 public:
  explicit Debugger(std::string_view bytes) : bytes_(bytes) {}
  void send(std::string_view bytes) override { answers_.feed(bytes); }
  std::string receive(uint64_t) override {
    if (bytes_.empty()) throw connect::StreamClosed("the end of the input");
    const std::string piece(bytes_.substr(0, bytes_.size() / 2 + 1));
    bytes_.remove_prefix(piece.size());
    return piece;
  }
  void check_answers() {
    while (!answers_.empty()) {
      const debug::PacketEvent::Kind kind = answers_.next().kind;
      must(kind == debug::PacketEvent::Kind::kPacket || kind == debug::PacketEvent::Kind::kResend,
           "what is answered is a packet");
    }
  }

 private:
  std::string_view bytes_;
  debug::PacketDecoder answers_;
};

void converse(std::string_view bytes) {
  debug::FakeDebuggee machine;
  machine.recorded_ticks = kTicks;
  Debugger debugger(bytes);
  debug::GdbServer(machine, debugger, [] { return false; }).run();
  debugger.check_answers();
  must(machine.points.empty(), "who leaves takes his breakpoints along");
}

/// Lines of the input as packets with the checksum that they should have.
std::string as_packets(std::string_view input) {
  std::string bytes;
  while (!input.empty()) {
    const size_t end = std::min(input.find('\n'), input.size());
    bytes += debug::packet(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  return bytes;
}

std::vector<std::string> words() {
  return {"qSupported:",
          "qXfer:features:read:target.xml:0,100",
          "qXfer:threads:read::0,40",
          "vCont;c",
          "vCont;s:1",
          "vCont?",
          "QStartNoAckMode",
          "Z0,1003,1",
          "z0,1003,1",
          "Z2,1800,8",
          "m1000,10",
          "M1800,2:",
          "X1800,2:",
          "Hg1",
          "Hc-1",
          "bs",
          "bc",
          "P0=",
          "p10",
          "qRcmd,",
          "vKill;1",
          "\x03",
          "qfThreadInfo",
          "qThreadExtraInfo,1"};
}

const FuzzTarget kGdb{{
    .name = "gdb",
    .reads = "gdb's remote protocol: raw bytes, and a packet a line",
    .run =
        [](std::string_view input) {
          converse(input);
          converse(as_packets(input));
        },
    .bytes_max = 1024,
    .words = words,
}};

}  // namespace
}  // namespace assay::fuzz
