/// One thing that goes wrong in one migration, in words that name it on a command line.
#pragma once

#include <optional>
#include <string>

#include "sim/hosts/link.hpp"

namespace assay::hosts {

struct FaultPoint {
  enum class Where : uint8_t {
    kNone,
    kLink,        ///< `link` happens to part `at`, from byte `byte` on
    kSourceCall,  ///< hypercall `at` of saving fails
    kTargetCall,  ///< hypercall `at` of restoring fails
    kTargetRoom,  ///< the target has `at` free pages
  };
  Where where = Where::kNone;
  LinkFault link = LinkFault::kNone;
  uint64_t at = 0;
  uint64_t byte = 0;
  bool operator==(const FaultPoint&) const = default;
};

/// "corrupted:3:17", "source-call:12", "target-call:5", "target-room:100", "none".
std::string to_string(const FaultPoint& point);
/// Nothing when the text names none.
std::optional<FaultPoint> fault_point_from(std::string_view text);

}  // namespace assay::hosts
