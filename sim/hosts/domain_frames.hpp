/// Which frames a domain has, as it says itself.
#pragma once

#include <vector>

#include "sim/hosts/simulated_host.hpp"

namespace assay::hosts {

/// By pfn, as migration::image_of_domain wants them: machine frames of a PV64 domain, gfns of a PVH domain.
std::vector<uint64_t> frames_of(SimulatedHost& host, DomId domain, GuestType type);

}  // namespace assay::hosts
