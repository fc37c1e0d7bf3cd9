/// Makes a domain of a stream, by hypercalls of the privileged domain.
#pragma once

#include "sim/target/target.hpp"
#include "sim/toolstack/migration/saver.hpp"

namespace assay::migration {

/// A domain as it was when it suspended, paused.
struct RestoredDomain {
  DomId id;
  GuestType type = GuestType::kPv64;
  /// PV64: machine frames by pfn, ~0 for a pfn without memory. PVH: the gfns.
  std::vector<uint64_t> frames;
  /// Record types that the stream has and the hypervisor no operation for, and what of the domain that did not matter.
  std::vector<std::string> left_out;
};

/// `spec` is what the stream does not say: the number of vCPUs, the limit of memory, limits of ports and grants. On any
/// error the domain is destroyed, and StreamError, ToolstackError or what `source` throws comes out.
RestoredDomain restore_domain(const Tools& tools, const GuestSpec& spec, ByteSource& source);

}  // namespace assay::migration
