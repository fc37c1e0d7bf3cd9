#include "sim/hosts/sweep.hpp"

#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

namespace {

using Where = FaultPoint::Where;

/// From which bytes of a part a fault of a kind is tried: every field of a header, the beginning of its body, and
/// places further on.
std::vector<uint64_t> bytes_of(LinkFault fault) {
  constexpr uint64_t kEnd = ~uint64_t{0};
  switch (fault) {
    case LinkFault::kCorrupted:
      return {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 20, 23, 24, 31, 32, 40, 64, 300, 2100, 3000, kEnd};
    case LinkFault::kLost:
    case LinkFault::kVanished:
    case LinkFault::kTruncated:
      return {0, 1, 4, 7, 8, 16, 24, 64, 300, 3000, kEnd};
    default:
      return {0};
  }
}

constexpr LinkFault kLinkFaults[] = {LinkFault::kLost,      LinkFault::kVanished,   LinkFault::kCorrupted,
                                     LinkFault::kReordered, LinkFault::kDuplicated, LinkFault::kTruncated,
                                     LinkFault::kDelayed,   LinkFault::kFull,       LinkFault::kSourceDied,
                                     LinkFault::kMerged,    LinkFault::kHoled};

}  // namespace

const std::vector<SweepWay>& all_ways() {
  static const std::vector<SweepWay> all{{GuestType::kPv64, false}, {GuestType::kPvh, false}, {GuestType::kPvh, true}};
  return all;
}

std::vector<MoveCase> sweep_cases(MovePlayer& player, const MoveCase& plain) {
  const MoveOutcome outcome = player.play(plain);
  if (!outcome.wrong.empty()) throw ToolstackError("without any fault: " + outcome.wrong.front());
  const MoveReport& report = outcome.reports.front();
  std::vector<MoveCase> cases;
  const auto add = [&](const FaultPoint& point) {
    MoveCase one = plain;
    one.fault = point;
    cases.push_back(one);
  };
  for (const LinkFault fault : kLinkFaults) {
    for (uint64_t part = 0; part < report.parts; ++part) {
      for (const uint64_t byte : bytes_of(fault)) add({Where::kLink, fault, part, byte});
    }
  }
  for (uint64_t call = 0; call < report.source_calls; ++call) add({Where::kSourceCall, LinkFault::kNone, call, 0});
  for (uint64_t call = 0; call < report.target_calls; ++call) add({Where::kTargetCall, LinkFault::kNone, call, 0});
  constexpr uint64_t kRooms = 32;
  for (uint64_t room = 0; room < kRooms; ++room) {
    add({Where::kTargetRoom, LinkFault::kNone, room * plain.pages / kRooms, 0});
  }
  return cases;
}

}  // namespace assay::hosts
