/// What a case of moves did, in a form that a worker hands to the runner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/hosts/move_case.hpp"

namespace assay {

/// One move in numbers.
struct MoveNumbers {
  hosts::MoveEnd end = hosts::MoveEnd::kStayed;
  uint64_t pages = 0, bytes = 0, rounds = 0;
  uint64_t downtime_ns = 0;  ///< of one that arrived: from when it was suspended until it ran again
};

/// One move in time.
struct DrawnMove {
  uint64_t number = 0;  ///< from 1; 0: none
  hosts::MoveEnd end = hosts::MoveEnd::kStayed;
  std::string error;
  std::vector<std::string> wrong;
  hosts::MoveTimeline timeline;
};

struct MoveRecord {
  std::vector<MoveNumbers> moves;
  // Of the first move: what its fault met, and how many places it had.
  std::string met;
  bool has_struck = false;
  uint64_t parts = 0, source_calls = 0, target_calls = 0;
  /// The move with which something is wrong, or with a fault the one that has it, or the one that stood still longest.
  DrawnMove drawn;
};

MoveRecord record_of(const hosts::MoveCase& one, const hosts::MoveOutcome& outcome);
std::string encode(const MoveRecord& record);
/// Of a case that did not come to its end there is none: an empty one.
MoveRecord decode_move_record(const std::string& text);

/// Of many moves.
struct MovesSummary {
  uint64_t moves = 0, arrived = 0, stayed = 0, lost = 0;
  uint64_t pages = 0, bytes = 0, rounds = 0;
  uint64_t downtime_ns = 0, downtime_most_ns = 0;  ///< of those that arrived: the sum, and the longest
  void add(const MoveNumbers& move);
  void add(const MoveRecord& record);
};

}  // namespace assay
