#include "sim/debug/gdb_packet.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace assay::debug {
namespace {

using Kind = PacketEvent::Kind;

std::vector<PacketEvent> decode(std::string_view bytes) {
  PacketDecoder decoder;
  decoder.feed(bytes);
  std::vector<PacketEvent> events;
  while (!decoder.empty()) events.push_back(decoder.next());
  return events;
}

/// The only event in `bytes`.
PacketEvent decode_one(std::string_view bytes) {
  auto events = decode(bytes);
  EXPECT_EQ(events.size(), 1u) << bytes;
  return events.empty() ? PacketEvent{} : events.front();
}

TEST(GdbPacket, Checksum) {
  EXPECT_EQ(packet("OK"), "$OK#9a");
  EXPECT_EQ(packet(""), "$#00");
}

TEST(GdbPacket, EveryByte_SurvivesTheWire) {
  std::string text;
  for (int i = 0; i < 256; ++i) text += static_cast<char>(i);
  const PacketEvent event = decode_one(packet(text));
  EXPECT_EQ(event.kind, Kind::kPacket);
  EXPECT_EQ(event.text, text);
}

TEST(GdbPacket, SplitAnywhere_IsTheSamePacket) {
  const std::string wire = "+junk" + packet("X10,2:}$") + "+";
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    PacketDecoder decoder;
    decoder.feed(std::string_view(wire).substr(0, cut));
    decoder.feed(std::string_view(wire).substr(cut));
    ASSERT_FALSE(decoder.empty()) << cut;
    EXPECT_EQ(decoder.next().text, "X10,2:}$");
    EXPECT_TRUE(decoder.empty());
  }
}

TEST(GdbPacket, Interrupt_OnlyBetweenPackets) {
  EXPECT_EQ(decode_one("\x03").kind, Kind::kInterrupt);
  EXPECT_EQ(decode_one(packet("X0,1:\x03")).kind, Kind::kPacket);
}

TEST(GdbPacket, WrongChecksum_IsDamaged) {
  EXPECT_EQ(decode_one("$OK#9b").kind, Kind::kDamaged);
  EXPECT_EQ(decode_one("$OK#zz").kind, Kind::kDamaged);
  EXPECT_EQ(decode_one("$OK#9A").kind, Kind::kPacket) << "digits may be capitals";
}

TEST(GdbPacket, EscapeOfNothing_IsDamaged) {
  EXPECT_EQ(decode_one("$}#7d").kind, Kind::kDamaged);
}

TEST(GdbPacket, NewStart_DropsTheOld) {
  EXPECT_EQ(decode_one("$qSuppor$OK#9a").text, "OK");
  const auto events = decode("$OK#$OK#9a");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, Kind::kDamaged);
  EXPECT_EQ(events[1].text, "OK");
}

TEST(GdbPacket, AtTheLimit_AndOnePastIt) {
  EXPECT_EQ(decode_one(packet(std::string(kPacketBytesMax, 'a'))).text.size(), kPacketBytesMax);
  EXPECT_EQ(decode_one(packet(std::string(kPacketBytesMax + 1, 'a'))).kind, Kind::kTooLong);
  EXPECT_EQ(decode_one("$" + std::string(kPacketBytesMax + 1, 'a') + "#00").kind, Kind::kDamaged);
}

TEST(GdbPacket, RequestsToResend_AreOne) {
  EXPECT_EQ(decode(std::string(1000, '-')).size(), 1u);
  EXPECT_EQ(decode(std::string(1000, '\x03')).size(), 1u);
}

TEST(GdbPacket, EveryBitFlip_IsNoticedOrHarmless) {
  const std::string wire = packet("m1000,20");
  for (size_t bit = 0; bit < wire.size() * 8; ++bit) {
    std::string spoilt = wire;
    spoilt[bit / 8] = static_cast<char>(spoilt[bit / 8] ^ (1 << bit % 8));
    for (const PacketEvent& each : decode(spoilt)) {
      // The case of a checksum's digit says nothing.
      EXPECT_TRUE(each.kind != Kind::kPacket || each.text == "m1000,20") << "bit " << bit << ": " << each.text;
    }
  }
}

TEST(GdbPacket, RandomBytes_DoNoHarm) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    std::string bytes;
    for (int i = 0; i < 20'000; ++i)
      bytes += random() % 8 == 0 ? "$#}*+-\x03$"[random() % 8] : static_cast<char>(random());
    PacketDecoder decoder;
    decoder.feed(bytes);
    while (!decoder.empty()) EXPECT_LE(decoder.next().text.size(), kPacketBytesMax);
    decoder.feed("#" + packet("qC"));
    PacketEvent last{};
    while (!decoder.empty()) last = decoder.next();
    EXPECT_EQ(last.text, "qC") << "seed " << seed;
  }
}

}  // namespace
}  // namespace assay::debug
