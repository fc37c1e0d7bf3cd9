#include "sim/debug/gdb_protocol.hpp"

#include <gtest/gtest.h>

#include <random>

#include "sim/debug/gdb_packet.hpp"
#include "sim/debug/gdb_registers.hpp"
#include "sim/debug/testing/fake_debuggee.hpp"

namespace assay::debug {
namespace {

class GdbProtocolTest : public testing::Test {
 protected:
  GdbAnswer answer(std::string_view request) {
    return protocol.handle(request, [this] { return ++polls > polls_max; });
  }
  std::string request(std::string_view text) {
    const GdbAnswer found = answer(text);
    EXPECT_EQ(found.packets.size(), 1u) << text;
    return found.packets.empty() ? "(none)" : found.packets.front();
  }
  /// A document that is read in pieces of `length`.
  std::string read_document(const std::string& name, uint64_t length) {
    std::string document;
    for (;;) {
      const std::string piece = request("qXfer:" + name + ":" + hex_number(document.size()) + "," + hex_number(length));
      if (piece.empty() || (piece.front() != 'm' && piece.front() != 'l')) return "(refused) " + piece;
      document += piece.substr(1);
      if (piece.front() == 'l') return document;
    }
  }

  FakeDebuggee machine;
  GdbProtocol protocol{machine};
  uint64_t polls = 0;
  uint64_t polls_max = 1'000'000;
};

TEST_F(GdbProtocolTest, UnknownRequest_IsAnsweredWithNothing) {
  for (const char* each :
       {"", "vMustReplyEmpty", "qSymbol::", "qCRC:0,10", "vFlashDone", "!", "R00", "vContinue", "\xff"}) {
    EXPECT_EQ(request(each), "") << each;
  }
}

TEST_F(GdbProtocolTest, Malformed_IsE01AndChangesNothing) {
  const Registers before = *machine.registers(1);
  for (const char* each : {"g0",
                           "G",
                           "G00",
                           "Gzz",
                           "p",
                           "pzz",
                           "p1,",
                           "p11111111111111111",
                           "pffff",
                           "P",
                           "P0",
                           "P0=",
                           "P0=12",
                           "P18=00",
                           "P0=gggggggggggggggg",
                           "m",
                           "m1000",
                           "m1000,",
                           "m,4",
                           "m1000,4,",
                           "m1000,0",
                           "mffffffffffffffff,2",
                           "x1000",
                           "M1000,2:00",
                           "M1000,1:0",
                           "M1000,1:zz",
                           "M1000,1",
                           "X1000,2:a",
                           "Z0",
                           "Z5,1000,1",
                           "Z0,1000",
                           "Z0,1000,0",
                           "Z0,1000,1;X1,0",
                           "z9,0,1",
                           "H",
                           "Hg",
                           "Hx1",
                           "Hg3",
                           "Hc9",
                           "Hg1x",
                           "T",
                           "T3",
                           "T1x",
                           "vCont",
                           "vCont;",
                           "vCont;x",
                           "vCont;s:9",
                           "vCont;C",
                           "vCont;c:1x",
                           "vCont;C100",
                           "cxyz",
                           "C",
                           "S5x",
                           "S5;zz",
                           "bsx",
                           "bc1",
                           "Dx",
                           "kx",
                           "?x",
                           "qRcmd,0",
                           "qRcmd,zz",
                           "qXfer:features:read:other.xml:0,10",
                           "qXfer:features:read:target.xml:0",
                           "qXfer:features:read:target.xml:ffffff,10",
                           "qXfer:threads:read:x:0,10",
                           "qThreadExtraInfo,9"}) {
    EXPECT_EQ(request(each), GdbProtocol::kMalformed) << each;
  }
  EXPECT_EQ(*machine.registers(1), before);
  EXPECT_EQ(machine.ticks(), 0u);
  EXPECT_TRUE(machine.points.empty());
}

TEST_F(GdbProtocolTest, Supported_NamesWhatThereIs) {
  const std::string features = request("qSupported:multiprocess+;swbreak+;xmlRegisters=i386");
  for (const char* each : {"PacketSize=4000", "QStartNoAckMode+", "qXfer:features:read+", "qXfer:threads:read+",
                           "ReverseStep+", "ReverseContinue+", "swbreak+", "hwbreak+", "vContSupported+"}) {
    EXPECT_NE(features.find(each), std::string::npos) << each;
  }
  EXPECT_EQ(request("vCont?"), "vCont;c;C;s;S");
  EXPECT_EQ(request("qAttached"), "1");
}

TEST_F(GdbProtocolTest, Description_InPieces) {
  EXPECT_EQ(read_document("features:read:target.xml", 100), target_description());
  EXPECT_EQ(read_document("features:read:target.xml", 0xffffff), target_description());
}

TEST_F(GdbProtocolTest, Threads) {
  EXPECT_EQ(request("qfThreadInfo"), "m1,2");
  EXPECT_EQ(request("qsThreadInfo"), "l");
  EXPECT_EQ(request("qThreadExtraInfo,1"), hex_text("d0v0 @ pcpu0"));
  const std::string document = read_document("threads:read:", 20);
  EXPECT_NE(document.find(R"(<thread id="1" name="d0v0 @ pcpu0"/>)"), std::string::npos) << document;
  EXPECT_NE(document.find(R"(<thread id="2" name="d1v0 &#60;&#38;&#62; pcpu2"/>)"), std::string::npos) << document;
  EXPECT_EQ(request("qC"), "QC1");
  EXPECT_EQ(request("T2"), "OK");
  EXPECT_EQ(request("?"), "T05thread:1;");
}

TEST_F(GdbProtocolTest, NoThreads_IsAnswered) {
  machine.has_threads = false;
  GdbProtocol empty(machine);
  const auto ask = [&](std::string_view text) { return empty.handle(text, [] { return false; }).packets.front(); };
  EXPECT_EQ(ask("?"), "T05");
  EXPECT_EQ(ask("qfThreadInfo"), "l");
  EXPECT_EQ(ask("g"), GdbProtocol::kMalformed);
  EXPECT_EQ(ask("s"), GdbProtocol::kMalformed);
  EXPECT_EQ(ask("m1000,4"), GdbProtocol::kNoMemory);
}

TEST_F(GdbProtocolTest, Registers_OfTheChosenThread) {
  EXPECT_EQ(request("p10"), "0010000000000000");
  EXPECT_EQ(request("p12"), "33e00000");
  EXPECT_EQ(request("p18"), std::string(20, 'x')) << "st0 is unavailable";
  EXPECT_EQ(request("p29"), "001000000080ffff") << "gs_base";
  EXPECT_EQ(request("Hg2"), "OK");
  EXPECT_EQ(request("p29"), "011000000080ffff");
  EXPECT_EQ(request("P0=8877665544332211"), "OK");
  EXPECT_EQ(machine.registers(2)->rax, 0x1122334455667788u);
  EXPECT_EQ(machine.registers(1)->rax, 0u);
}

TEST_F(GdbProtocolTest, AllRegisters_ReadAndWritten) {
  std::string all = request("g");
  EXPECT_EQ(all.size(), 2u * (17 * 8 + 7 * 4 + 8 * 10 + 8 * 4 + 2 * 8));
  EXPECT_EQ(all, encode_registers(*machine.registers(1)));
  all.replace(0, 16, "0100000000000000");
  EXPECT_EQ(request("G" + all), "OK");
  EXPECT_EQ(machine.registers(1)->rax, 1u);
  all.replace(16, 1, "z");
  all.replace(0, 2, "02");
  EXPECT_EQ(request("G" + all), GdbProtocol::kMalformed);
  EXPECT_EQ(machine.registers(1)->rax, 1u) << "a refused value takes none of the others along";
}

TEST_F(GdbProtocolTest, Refusals_AreToldFromMistakes) {
  machine.refuses_writes = true;
  EXPECT_EQ(request("P0=0000000000000000"), GdbProtocol::kRefused);
  EXPECT_EQ(request("M1000,1:00"), GdbProtocol::kNoMemory);
  EXPECT_EQ(request("c2000"), GdbProtocol::kRefused);
  EXPECT_EQ(request("Z0,5000,1"), GdbProtocol::kRefused);
}

TEST_F(GdbProtocolTest, Memory_HexAndBinary) {
  EXPECT_EQ(request("m1000,4"), "48ffc048");
  EXPECT_EQ(request("x1000,4"), "b\x48\xff\xc0\x48");
  EXPECT_EQ(request("x1000,0"), "b");
  EXPECT_EQ(request("M1800,3:01ab00"), "OK");
  EXPECT_EQ(request("m1800,3"), "01ab00");
  EXPECT_EQ(request("X1800,0:"), "OK");
  EXPECT_EQ(request("X1800,2:$}"), "OK");
  EXPECT_EQ(request("m1800,2"), "247d");
  EXPECT_EQ(request("m1ffe,8"), "0000") << "what is mapped of it";
  EXPECT_EQ(request("m2000,1"), GdbProtocol::kNoMemory);
  EXPECT_EQ(request("M1fff,2:0000"), GdbProtocol::kNoMemory);
  EXPECT_EQ(request("m1000,ffffffffffff").size(), 2 * FakeDebuggee::kMemoryBytes);
}

TEST_F(GdbProtocolTest, Step_OfOneThread) {
  EXPECT_EQ(request("vCont;s:2;c"), "T05thread:2;");
  EXPECT_EQ(machine.ticks(), 2u);
  EXPECT_EQ(machine.registers(2)->rip, FakeDebuggee::kStore);
  EXPECT_EQ(request("qC"), "QC2");
  EXPECT_EQ(request("s"), "T05thread:2;") << "the one that stopped last";
  EXPECT_EQ(request("Hc1"), "OK");
  EXPECT_EQ(request("S05"), "T05thread:1;");
  EXPECT_EQ(request("vCont;S05:1"), "T05thread:1;");
}

TEST_F(GdbProtocolTest, StepElsewhere_MovesTheThread) {
  EXPECT_EQ(request("s1006"), "T05thread:1;");
  EXPECT_EQ(machine.registers(1)->rip, FakeDebuggee::kJump);
}

TEST_F(GdbProtocolTest, Breakpoint_BothWays) {
  request("qSupported:swbreak+;hwbreak+");
  EXPECT_EQ(request("Z0,1006,1"), "OK");
  EXPECT_EQ(request("Z0,1006,1"), "OK") << "asking again changes nothing";
  EXPECT_EQ(machine.points.size(), 1u);
  EXPECT_EQ(request("vCont;c"), "T05swbreak:;thread:1;");
  EXPECT_EQ(machine.registers(1)->rip, FakeDebuggee::kLoad);
  EXPECT_EQ(request("c"), "T05swbreak:;thread:2;");
  EXPECT_EQ(request("z0,1006,1"), "OK");
  EXPECT_EQ(request("z0,1006,1"), "OK");
  EXPECT_EQ(request("Z1,1003,1"), "OK");
  EXPECT_EQ(request("bc"), "T05hwbreak:;thread:2;");
  EXPECT_EQ(machine.registers(2)->rip, FakeDebuggee::kStore);
}

TEST_F(GdbProtocolTest, OldDebugger_IsNotToldTheSortOfBreakpoint) {
  request("Z0,1006,1");
  EXPECT_EQ(request("c"), "T05thread:1;");
}

TEST_F(GdbProtocolTest, Watchpoints_EachKind) {
  EXPECT_EQ(request("Z2,1804,8"), "OK");
  EXPECT_EQ(request("c"), "T05watch:1804;thread:1;");
  EXPECT_EQ(machine.registers(1)->rip, FakeDebuggee::kLoad);
  EXPECT_EQ(request("z2,1804,8"), "OK");
  EXPECT_EQ(request("Z3,1800,1"), "OK");
  EXPECT_EQ(request("c"), "T05rwatch:1800;thread:1;");
  EXPECT_EQ(request("z3,1800,1"), "OK");
  EXPECT_EQ(request("Z4,1900,8"), "OK");
  EXPECT_EQ(request("c"), "T05awatch:1900;thread:2;");
  EXPECT_EQ(request("bc"), "T05awatch:1900;thread:2;");
  EXPECT_EQ(machine.registers(2)->rip, FakeDebuggee::kLoad) << "before the instruction";
}

TEST_F(GdbProtocolTest, StepBack_TakesBackMemoryToo) {
  for (int i = 0; i < 3; ++i) request("vCont;s:1");
  EXPECT_EQ(request("m1800,1"), "01");
  EXPECT_EQ(request("bs"), "T05thread:1;");
  EXPECT_EQ(request("bs"), "T05thread:1;");
  EXPECT_EQ(request("m1800,1"), "00");
  EXPECT_EQ(machine.registers(1)->rip, FakeDebuggee::kStore);
}

TEST_F(GdbProtocolTest, EndsOfHistory) {
  machine.recorded_ticks = 7;
  EXPECT_EQ(request("c"), "T05replaylog:end;thread:1;");
  EXPECT_EQ(machine.ticks(), 7u);
  EXPECT_EQ(request("?"), "T05replaylog:end;thread:1;");
  EXPECT_EQ(request("bc"), "T05replaylog:begin;thread:1;");
  EXPECT_EQ(machine.ticks(), 0u);
  EXPECT_EQ(request("bs"), "T05replaylog:begin;thread:1;");
}

TEST_F(GdbProtocolTest, Exit_SaysWhyFirst) {
  machine.recorded_ticks = 3;
  machine.exits = true;
  const GdbAnswer found = answer("vCont;c");
  ASSERT_EQ(found.packets.size(), 2u);
  EXPECT_EQ(found.packets[0], "O" + hex_text("the machine ended\n"));
  EXPECT_EQ(found.packets[1], "W00");
}

TEST_F(GdbProtocolTest, Interrupted) {
  polls_max = 5;
  EXPECT_EQ(request("c"), "T02thread:1;");
  EXPECT_EQ(machine.ticks(), 5u);
}

TEST_F(GdbProtocolTest, Monitor_ShortAndLong) {
  const GdbAnswer brief = answer("qRcmd," + hex_text("info"));
  ASSERT_EQ(brief.packets.size(), 2u);
  EXPECT_EQ(brief.packets[0], "O" + hex_text("tick 0\n"));
  EXPECT_EQ(brief.packets[1], "OK");
  const GdbAnswer lengthy = answer("qRcmd," + hex_text(std::string(50, '\xff')));
  EXPECT_EQ(lengthy.packets.size(), (50'000 + kPayloadBytesMax - 1) / kPayloadBytesMax + 1);
  EXPECT_EQ(machine.monitored.back(), std::string(50, '\xff'));
}

TEST_F(GdbProtocolTest, TooManyPoints_AreRefused) {
  for (size_t i = 0; i < GdbProtocol::kPointsMax; ++i) ASSERT_EQ(request("Z0," + hex_number(0x1000 + i) + ",1"), "OK");
  EXPECT_EQ(request("Z0,1fff,1"), GdbProtocol::kTooMany);
  EXPECT_EQ(request("z0,1000,1"), "OK");
  EXPECT_EQ(request("Z0,1fff,1"), "OK");
}

TEST_F(GdbProtocolTest, Leaving) {
  request("Z0,1006,1");
  EXPECT_EQ(answer("D;1").then, GdbAnswer::Then::kDetach);
  EXPECT_TRUE(machine.points.empty());
  EXPECT_EQ(answer("vKill;1").then, GdbAnswer::Then::kKill);
  const GdbAnswer killed = answer("k");
  EXPECT_EQ(killed.then, GdbAnswer::Then::kKill);
  EXPECT_TRUE(killed.packets.empty());
}

TEST_F(GdbProtocolTest, SpoiltRequests_DoNoHarm) {
  const std::vector<std::string> seeds = {"g",
                                          "G" + request("g"),
                                          "p10",
                                          "P0=0000000000000000",
                                          "m1000,20",
                                          "M1800,2:0000",
                                          "x1000,20",
                                          "X1800,2:ab",
                                          "Z0,1006,1",
                                          "z0,1006,1",
                                          "Z2,1800,8",
                                          "Hg1",
                                          "Hc-1",
                                          "T1",
                                          "vCont;s:1;c",
                                          "vCont;C05:2",
                                          "c",
                                          "s",
                                          "bs",
                                          "bc",
                                          "S05;1000",
                                          "qSupported:swbreak+;x",
                                          "qXfer:features:read:target.xml:0,fff",
                                          "qXfer:threads:read::0,fff",
                                          "qfThreadInfo",
                                          "qsThreadInfo",
                                          "qThreadExtraInfo,1",
                                          "qRcmd,696e666f",
                                          "?",
                                          "qC",
                                          "vCont?",
                                          "QStartNoAckMode"};
  machine.recorded_ticks = 40;
  for (uint32_t seed = 1; seed <= 8; ++seed) {
    std::mt19937 random(seed);
    for (int round = 0; round < 3000; ++round) {
      std::string text = seeds[random() % seeds.size()];
      for (uint32_t edits = random() % 4; edits > 0; --edits) {
        const size_t at = random() % (text.size() + 1);
        if (random() % 3 == 0) {
          text.erase(at, random() % 4);
        } else if (random() % 2 == 0) {
          text.insert(at, 1, ",;:=-0f1"[random() % 8]);
        } else {
          text.insert(at, 1, static_cast<char>(random()));
        }
      }
      for (const std::string& each : answer(text).packets) ASSERT_LE(each.size(), kPacketBytesMax) << text;
      ASSERT_LE(machine.points.size(), GdbProtocol::kPointsMax);
    }
  }
  protocol.clear_points();
  EXPECT_TRUE(machine.points.empty());
  EXPECT_EQ(request("qfThreadInfo"), "m1,2");
}

}  // namespace
}  // namespace assay::debug
