/// One migration: a busy domain goes from its host to another one, over a link, and what can go wrong may do so.
#pragma once

#include <string>
#include <vector>

#include "sim/hosts/busy_domain.hpp"
#include "sim/hosts/fault_point.hpp"
#include "sim/hosts/move_timeline.hpp"

namespace assay::hosts {

struct MoveOptions {
  bool is_live = false;
  LinkOptions link{};  ///< its fault is that of `fault`
  migration::LiveOptions rounds{};
  FaultPoint fault{};
  bool has_oracles = true;  ///< otherwise nobody looks on, and only the toolstack says what is wrong
};

enum class MoveEnd : uint8_t {
  kArrived,
  kStayed,  ///< the domain goes on at the source
  kLost,    ///< with the source before the target was told to run it, or with the target afterwards
};
std::string_view to_string(MoveEnd end);

struct MoveReport {
  MoveEnd end = MoveEnd::kStayed;
  std::string error;               ///< what the toolstack says: why it did not arrive
  std::vector<std::string> wrong;  ///< what an oracle says, its name first
  migration::SaveReport saved;     ///< empty when saving failed
  MoveTimeline timeline;
  uint64_t sent_bytes = 0;
  uint64_t parts = 0;         ///< of the stream, with its headers
  uint64_t largest_part = 0;  ///< in bytes
  uint64_t source_calls = 0, target_calls = 0;
  bool has_struck = false;  ///< the fault had something to happen to
  /// What is where the fault is: "PAGE_DATA", "hypercall mmu_update", "room"; empty when the move had no such place.
  std::string met;
  bool target_died = false;
};

/// From the host where the domain is to host `to`. Whatever goes wrong is in the report; what the simulation itself is
/// to blame for is thrown. After kLost the domain is not to be used any more.
MoveReport move(SimulatedHosts& hosts, BusyDomain& busy, size_t to, const MoveOptions& options);

}  // namespace assay::hosts
