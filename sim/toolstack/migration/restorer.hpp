/// Makes a domain of a stream, by hypercalls of the privileged domain.
#pragma once

#include <optional>

#include "sim/target/target.hpp"
#include "sim/toolstack/migration/saver.hpp"

namespace assay::migration {

/// A page that the guest shares with who serves its console or its store, and the guest's end of a fresh event channel
/// to the privileged domain, of which the guest has been told.
struct RestoredRing {
  uint64_t frame = 0;  ///< as those of the domain
  uint32_t port = 0;
  bool operator==(const RestoredRing&) const = default;
};

/// A domain as it was when it suspended, paused.
struct RestoredDomain {
  DomId id;
  GuestType type = GuestType::kPv64;
  std::optional<RestoredRing> store, console;  ///< if it has one
  uint64_t checkpoints = 0;                    ///< of the stream that came whole
  std::string cut;                             ///< why it is the last of them, and not the end; empty: it is the end
  /// PV64: machine frames by pfn, ~0 for a pfn without memory. PVH: the gfns.
  std::vector<uint64_t> frames;
  /// Record types that the stream has and the hypervisor no operation for, and what of the domain that did not matter.
  std::vector<std::string> left_out;
};

/// What the target gives a domain, where that is not what its spec asks for.
struct RestoreLimits {
  std::optional<uint64_t> pages;       ///< of memory
  std::optional<uint64_t> pool_bytes;  ///< PVH: for second-stage tables
};

/// Takes record by record, as they come. Of a stream with checkpoints, what comes behind one is held back until the
/// next one or END is there; where the source ends before, the domain is that of the last checkpoint. `spec` is what
/// the stream does not say: the number of vCPUs, the limit of memory, limits of ports and grants. On any error the
/// domain is destroyed, and StreamError, ToolstackError or what `source` throws comes out.
RestoredDomain restore_domain(const Tools& tools, const GuestSpec& spec, ByteSource& source,
                              const RestoreLimits& limits = {});

}  // namespace assay::migration
