/// What one move did and when, on the virtual clock that all hosts share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::hosts {

/// Memory was sent once more.
struct MoveRound {
  uint64_t ended_ns = 0;
  uint64_t dirty = 0;       ///< pages that were to be sent
  uint64_t sent = 0;        ///< of them, those where the domain has memory
  uint64_t sent_bytes = 0;  ///< of the stream, up to here
};

struct MoveEvent {
  uint64_t ns = 0;
  std::string host, what;
  bool is_trouble = false;  ///< a fault, or what came of it
};

/// A moment that did not come is 0.
struct MoveTimeline {
  std::string source, target;  ///< names of hosts
  uint64_t began_ns = 0;
  uint64_t suspended_ns = 0;
  uint64_t sent_ns = 0;  ///< all that is ever sent
  uint64_t restoring_ns = 0, restored_ns = 0;
  uint64_t resumed_ns = 0;
  std::vector<MoveRound> rounds;
  std::vector<MoveEvent> events;
};

}  // namespace assay::hosts
