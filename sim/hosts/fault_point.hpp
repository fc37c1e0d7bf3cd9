/// One thing that goes wrong in one migration, in words that name it on a command line.
#pragma once

#include <cerrno>
#include <optional>
#include <string>

#include "sim/hosts/link.hpp"

namespace assay::hosts {

struct FaultPoint {
  enum class Where : uint8_t {
    kNone,
    kLink,          ///< `link` happens to part `at`, from byte `byte` on
    kSourceCall,    ///< hypercall `at` of saving fails with `error`
    kTargetCall,    ///< hypercall `at` of restoring fails with `error`
    kTargetRoom,    ///< the target has `at` free pages
    kTargetMemory,  ///< the domain may have `at` pages on the target
    kTargetPool,    ///< and `at` KiB for its second-stage tables
    kSourceDies,    ///< at hypercall `at` of saving; after the last one, before and then after it has destroyed the
                    ///< domain
    kTargetDies,    ///< at hypercall `at` of restoring; after the last one, before and then after the source did that
  };
  Where where = Where::kNone;
  LinkFault link = LinkFault::kNone;
  uint64_t at = 0;
  uint64_t byte = 0;
  int error = ENOMEM;
  bool operator==(const FaultPoint&) const = default;
};

/// What a hypervisor may answer to a hypercall of a toolstack that is right: somebody or something is in the way. That
/// there is no such operation or domain is another matter, which toolstacks ask for.
constexpr int kCallErrors[] = {ENOMEM, EBUSY, EAGAIN, EFAULT, EPERM, ENOSPC};

/// "corrupted:3:17", "source-call:12" (ENOMEM), "target-call:5:EPERM", "target-room:100", "source-dies:7", "none".
std::string to_string(const FaultPoint& point);
/// Nothing when the text names none.
std::optional<FaultPoint> fault_point_from(std::string_view text);

}  // namespace assay::hosts
