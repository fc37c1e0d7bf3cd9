/// What the toolstack is told of a domain.
#pragma once

#include "hv/domain/domain.hpp"

namespace hv {

/// Fills every byte of the record. Source: public/domctl.h, xen_domctl_getdomaininfo.
void describe_domain(const Domain& domain, xen_domctl_getdomaininfo_t& info);

}  // namespace hv
