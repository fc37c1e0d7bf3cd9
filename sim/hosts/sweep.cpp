#include "sim/hosts/sweep.hpp"

#include <iterator>
#include <span>

#include "sim/toolstack/paging_pool.hpp"
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

/// How often a target has less and less of something.
constexpr uint64_t kRooms = 32;
/// Places behind the last hypercall where a host can die: see FaultPoint.
constexpr uint64_t kLateDeaths = 2;

/// As many as a domain gets without a fault.
uint64_t pool_kib(const MoveCase& one) {
  constexpr uint64_t kKiB = 1024;
  return toolstack::paging_pool_bytes(spec_of(one)) / kKiB;
}

MoveReport report_without_fault(MovePlayer& player, const MoveCase& plain) {
  const MoveOutcome outcome = player.play(plain);
  if (!outcome.wrong.empty()) throw ToolstackError("without any fault: " + outcome.wrong.front());
  return outcome.reports.front();
}

template <typename T>
T one_of(Rng& random, std::span<const T> all) {
  return all[random.below(all.size())];
}

constexpr Where kElsewhere[] = {Where::kSourceCall,   Where::kTargetCall, Where::kSourceDies, Where::kTargetDies,
                                Where::kTargetMemory, Where::kTargetRoom, Where::kTargetPool};

/// Of a move that, without it, is about as `report` says.
FaultPoint random_point(Rng& random, const MoveCase& one, const MoveReport& report) {
  FaultPoint point;
  const uint64_t kind = random.below(std::size(kLinkFaults) + std::size(kElsewhere));
  if (kind < std::size(kLinkFaults)) {
    point.where = Where::kLink;
    point.link = kLinkFaults[kind];
    point.at = random.below(report.parts);
    point.byte = random.below(report.largest_part);
    return point;
  }
  point.where = kElsewhere[kind - std::size(kLinkFaults)];
  switch (point.where) {
    case Where::kSourceCall:
    case Where::kSourceDies:
      point.at = random.below(report.source_calls + kLateDeaths);
      break;
    case Where::kTargetCall:
    case Where::kTargetDies:
      point.at = random.below(report.target_calls + kLateDeaths);
      break;
    case Where::kTargetPool:
      point.at = random.below(pool_kib(one));
      break;
    default:
      point.at = random.below(one.pages);
  }
  if (point.where == Where::kSourceCall || point.where == Where::kTargetCall) {
    point.error = one_of<int>(random, kCallErrors);
  }
  return point;
}

/// Another load than that of `plain`, which has the least memory.
MoveCase random_load(Rng& random, const MoveCase& plain) {
  constexpr uint64_t kRates[] = {0, 1, 10, 100, 1000};
  constexpr uint32_t kVcpusMax = 4, kRoundsMax = 8;
  MoveCase one = plain;
  one.pages = plain.pages + static_cast<uint32_t>(random.below(plain.pages));
  one.vcpus = 1 + static_cast<uint32_t>(random.below(kVcpusMax));
  one.writes_per_ms = one_of<uint64_t>(random, kRates);
  one.rounds_max = static_cast<uint32_t>(random.below(kRoundsMax));
  one.has_traffic = random.below(4) != 0;
  one.is_abrupt = random.below(2) != 0;
  return one;
}

}  // namespace

const std::vector<SweepWay>& all_ways() {
  static const std::vector<SweepWay> all{{GuestType::kPv64, false}, {GuestType::kPvh, false}, {GuestType::kPvh, true}};
  return all;
}

std::vector<MoveCase> sweep_cases(MovePlayer& player, const MoveCase& plain) {
  const MoveReport report = report_without_fault(player, plain);
  std::vector<MoveCase> cases;
  const auto add = [&](const FaultPoint& point) {
    MoveCase one = plain;
    // Every other domain lets go of what it shares.
    one.is_abrupt = plain.is_abrupt || cases.size() % 2 != 0;
    one.fault = point;
    cases.push_back(one);
  };
  for (const LinkFault fault : kLinkFaults) {
    for (uint64_t part = 0; part < report.parts; ++part) {
      for (const uint64_t byte : bytes_of(fault)) add({Where::kLink, fault, part, byte});
    }
  }
  const auto add_where = [&](Where where, uint64_t at, int error = ENOMEM) {
    add({.where = where, .at = at, .error = error});
  };
  for (const int error : kCallErrors) {
    for (uint64_t call = 0; call < report.source_calls; ++call) add_where(Where::kSourceCall, call, error);
    for (uint64_t call = 0; call < report.target_calls; ++call) add_where(Where::kTargetCall, call, error);
  }
  for (uint64_t call = 0; call < report.source_calls + kLateDeaths; ++call) add_where(Where::kSourceDies, call);
  for (uint64_t call = 0; call < report.target_calls + kLateDeaths; ++call) add_where(Where::kTargetDies, call);
  for (uint64_t room = 0; room < kRooms; ++room) {
    add_where(Where::kTargetRoom, room * plain.pages / kRooms);
    add_where(Where::kTargetMemory, room * plain.pages / kRooms);
    if (plain.type == GuestType::kPvh) add_where(Where::kTargetPool, room * pool_kib(plain) / kRooms);
  }
  return cases;
}

std::vector<MoveCase> random_cases(MovePlayer& player, const MoveCase& plain, uint64_t count) {
  const MoveReport report = report_without_fault(player, plain);
  std::vector<MoveCase> cases;
  Rng random = Rng(plain.seed).fork("random moves " + id_of(plain));
  for (uint64_t i = 0; i < count; ++i) {
    MoveCase one = random_load(random, plain);
    one.seed = plain.seed + i;
    one.fault = random_point(random, one, report);
    cases.push_back(one);
  }
  return cases;
}

}  // namespace assay::hosts
