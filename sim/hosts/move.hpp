/// One migration: a busy domain goes from its host to another one, over a link, and what can go wrong may do so.
#pragma once

#include <string>
#include <vector>

#include "sim/hosts/busy_domain.hpp"
#include "sim/hosts/fault_point.hpp"

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

/// What happened on a host at a moment, for a timeline.
struct MoveEvent {
  uint64_t ns;
  std::string host, what;
};

struct MoveReport {
  MoveEnd end = MoveEnd::kStayed;
  std::string error;               ///< what the toolstack says: why it did not arrive
  std::vector<std::string> wrong;  ///< what an oracle says, its name first
  migration::SaveReport saved;     ///< empty when saving failed
  std::vector<MoveEvent> events;
  uint64_t began_ns = 0, suspended_ns = 0, resumed_ns = 0;
  uint64_t sent_bytes = 0;
  uint64_t parts = 0;         ///< of the stream, with its headers
  uint64_t largest_part = 0;  ///< in bytes
  uint64_t source_calls = 0, target_calls = 0;
  bool has_struck = false;  ///< the fault had something to happen to
  bool target_died = false;
};

/// From the host where the domain is to host `to`. Whatever goes wrong is in the report; what the simulation itself is
/// to blame for is thrown. After kLost the domain is not to be used any more.
MoveReport move(SimulatedHosts& hosts, BusyDomain& busy, size_t to, const MoveOptions& options);

}  // namespace assay::hosts
