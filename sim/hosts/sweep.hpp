/// Every place of a migration where something can go wrong, with everything that can go wrong there.
#pragma once

#include <vector>

#include "sim/hosts/move_case.hpp"

namespace assay::hosts {

/// One guest, and how it goes.
struct SweepWay {
  GuestType type;
  bool is_live;
  bool operator==(const SweepWay&) const = default;
};
/// PV64 and PVH suspended, PVH live.
const std::vector<SweepWay>& all_ways();

/// `plain`, a case of one move without a fault, with every fault: a move without a fault is made first, and what it
/// consisted of says where faults can be. Each link fault at each part of the stream; each hypercall of either side
/// with each error, and a host that dies there; a target with less and less room, memory for the domain, and
/// second-stage tables. Throws ToolstackError when that move does not come to its end.
std::vector<MoveCase> sweep_cases(MovePlayer& player, const MoveCase& plain);

/// So many cases like `plain`, each with another load and with one fault of any kind at any place, all of it chosen by
/// the seed of `plain`; their own seeds follow it. Throws as sweep_cases does.
std::vector<MoveCase> random_cases(MovePlayer& player, const MoveCase& plain, uint64_t count);

}  // namespace assay::hosts
