// The server on a stream: acknowledgements, interrupts, clients that misbehave or leave.
#include "sim/debug/gdb_server.hpp"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>

#include "sim/debug/testing/conversation.hpp"
#include "sim/debug/testing/fake_debuggee.hpp"

namespace assay::debug {
namespace {

/// The next `count` bytes on the wire, fewer when no more come.
std::string receive(connect::ByteStream& stream, size_t count) {
  std::string wire;
  while (wire.size() < count) {
    const std::string more = stream.receive(10'000'000'000);
    if (more.empty()) break;
    wire += more;
  }
  return wire;
}

TEST(GdbServer, Packets_AreAcknowledgedUntilAskedNotTo) {
  FakeDebuggee machine;
  Conversation client(machine);
  client.send("$qC#b4");
  EXPECT_EQ(receive(client.stream(), 8), "+$QC1#c5");
  EXPECT_EQ(client.request("QStartNoAckMode"), "OK");
  client.send("+$qC#b4");
  EXPECT_EQ(receive(client.stream(), 7), "$QC1#c5");
}

TEST(GdbServer, DamagedPacket_IsSentAgain) {
  FakeDebuggee machine;
  Conversation client(machine);
  client.send("$qC#00");
  EXPECT_EQ(receive(client.stream(), 1), "-");
  EXPECT_EQ(client.request("qC"), "QC1");
  client.send("-");
  EXPECT_EQ(client.reply(), "QC1");
}

TEST(GdbServer, DamagedPacket_WithoutAcknowledgements_IsRefused) {
  FakeDebuggee machine;
  Conversation client(machine);
  EXPECT_EQ(client.request("QStartNoAckMode"), "OK");
  client.send("$qC#00");
  EXPECT_EQ(client.reply(), GdbProtocol::kMalformed);
}

TEST(GdbServer, OversizedPacket_IsRefused) {
  FakeDebuggee machine;
  Conversation client(machine);
  EXPECT_EQ(client.request(std::string(3 * kPacketBytesMax, 'g')), GdbProtocol::kTooMany);
  EXPECT_EQ(client.request("qC"), "QC1");
}

TEST(GdbServer, Interrupt_StopsTheMachine) {
  FakeDebuggee machine;
  machine.recorded_ticks = UINT64_MAX;
  Conversation client(machine);
  client.send(packet("vCont;c"));
  client.send("\x03");
  EXPECT_EQ(client.reply(), "T02thread:1;");
  client.send("\x03");
  EXPECT_EQ(client.request("qC"), "QC1") << "one that comes too late says nothing";
}

TEST(GdbServer, RequestToARunningMachine_StopsIt) {
  FakeDebuggee machine;
  machine.recorded_ticks = UINT64_MAX;
  Conversation client(machine);
  EXPECT_EQ(client.request("QStartNoAckMode"), "OK");
  client.send(packet("vCont;c") + packet("qC"));
  EXPECT_EQ(client.reply(), "T02thread:1;");
  EXPECT_EQ(client.reply(), "QC1");
}

TEST(GdbServer, HangingUp_StopsTheMachineAndItsBreakpoints) {
  FakeDebuggee machine;
  machine.recorded_ticks = UINT64_MAX;
  Conversation client(machine);
  EXPECT_EQ(client.request("Z0,1fff,1"), "OK");
  client.send(packet("vCont;c"));
  client.hang_up();
  EXPECT_EQ(client.end(), GdbEnd::kHungUp);
  EXPECT_TRUE(machine.points.empty());
}

TEST(GdbServer, Leaving) {
  FakeDebuggee machine;
  {
    Conversation client(machine);
    EXPECT_EQ(client.request("D"), "OK");
    EXPECT_EQ(client.end(), GdbEnd::kDetached);
  }
  {
    Conversation client(machine);
    client.send(packet("k"));
    EXPECT_EQ(client.end(), GdbEnd::kKilled);
  }
}

TEST(GdbServer, RandomBytes_DoNoHarm) {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    FakeDebuggee machine;
    Conversation client(machine);
    std::mt19937 random(seed);
    std::string bytes;
    for (int i = 0; i < 4000; ++i)
      bytes += random() % 4 == 0 ? "$#$#-\x03"
                                   "00"[random() % 8]
                                 : static_cast<char>(random());
    client.send(bytes);
    client.send("$" + packet("qRcmd,696e666f"));
    std::string reply;
    while (reply != "O7469636b20300a" && reply != "(none)") reply = client.reply();
    EXPECT_EQ(reply, "O7469636b20300a") << "seed " << seed << ": 'tick 0'";
  }
}

TEST(TcpListener, TakenPort_IsAnError) {
  const TcpListener first(0);
  EXPECT_NE(first.port(), 0);
  EXPECT_THROW(TcpListener second(first.port()), std::runtime_error);
}

TEST(TcpListener, NobodyComes) {
  TcpListener listener(0);
  EXPECT_EQ(listener.accept(1'000'000), nullptr);
}

TEST(ServeDebuggers, OneAfterAnother_UntilOneKills) {
  FakeDebuggee machine;
  TcpListener listener(0);
  GdbEnd end{};
  std::thread server([&] { end = serve_debuggers(listener, machine, [] { return false; }); });
  for (const char* last : {"D", "", "k"}) {
    const auto stream = connect::open_stream({"127.0.0.1", std::to_string(listener.port()), ""});
    stream->send(packet("Z0,1006,1"));
    EXPECT_EQ(receive(*stream, 7), "+$OK#9a") << "the points of the one before are gone";
    if (*last != '\0') stream->send(packet(last));
  }
  server.join();
  EXPECT_EQ(end, GdbEnd::kKilled);
  EXPECT_TRUE(machine.points.empty());
}

TEST(ServeDebuggers, Cancelled) {
  FakeDebuggee machine;
  TcpListener listener(0);
  int asked = 0;
  EXPECT_EQ(serve_debuggers(listener, machine, [&] { return ++asked > 1; }), GdbEnd::kCancelled);
}

}  // namespace
}  // namespace assay::debug
