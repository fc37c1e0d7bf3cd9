/// Giving back what a domain consists of.
#pragma once

#include "hv/domain/domain.hpp"

namespace hv {

/// Frees vCPUs and memory, as far as they exist. Memory must be relinquished.
void free_vcpus_and_memory(Domain& domain);
/// Frees the rest, and the domain. Ports must be closed.
void free_domain(Domain& domain);

}  // namespace hv
