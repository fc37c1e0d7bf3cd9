/// One simulation of moves, small enough to be a line of a command, and what came of it.
#pragma once

#include <string>
#include <vector>

#include "sim/hosts/move.hpp"

namespace assay::hosts {

/// Everything that decides what happens; the hosts it is played on are the rest.
struct MoveCase {
  GuestType type = GuestType::kPvh;
  bool is_live = false;
  uint64_t moves = 1;  ///< to and fro; what goes wrong does so in the first
  FaultPoint fault{};
  uint64_t seed = 1;
  uint32_t pages = 1024;
  uint32_t vcpus = 2;  ///< that run; beyond one there are two more, which do not
  uint64_t writes_per_ms = 10;
  uint32_t rounds_max = 5;
  bool has_traffic = true;
  bool is_abrupt = false;  ///< the domain does not let go of what it shares
  bool operator==(const MoveCase&) const = default;
};

/// The domain that moves in it.
GuestSpec spec_of(const MoveCase& one);
/// Flags of `assay migrate`, those that differ from what is meant without them.
std::string flags_of(const MoveCase& one);
/// Short, and another one for another case of a sweep.
std::string id_of(const MoveCase& one);

struct MoveOutcome {
  std::vector<MoveReport> reports;  ///< of the moves that were made; the last one has what is wrong
  std::vector<std::string> wrong;
  uint64_t digest = 0;  ///< of all hosts
};

/// Hosts that stay, for case after case.
class MovePlayer {
 public:
  explicit MovePlayer(const std::vector<HostOptions>& hosts) : hosts_(hosts) {}
  /// Up to the first move with which something is wrong. A domain that stayed because of a fault moves once more,
  /// without.
  [[nodiscard]] MoveOutcome play(const MoveCase& one);
  [[nodiscard]] SimulatedHosts& hosts() { return hosts_; }

 private:
  void play_moves(const MoveCase& one, MoveOutcome& outcome);
  SimulatedHosts hosts_;
};

/// The smallest case that still has the same oracle complain: shorter streams, fewer pages, rounds and moves, less
/// load. `tries` is how many cases may be played for that.
MoveCase shrunk(MovePlayer& player, const MoveCase& failing, const MoveOutcome& outcome, unsigned tries);

}  // namespace assay::hosts
