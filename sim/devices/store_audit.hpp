/// Looks over a whole store for what must never be. Changes nothing.
#pragma once

#include <string>
#include <vector>

#include "sim/devices/xenstore.hpp"

namespace assay {

/// One line for each broken invariant; empty when all is well.
std::vector<std::string> audit(const XenStore& store);

}  // namespace assay
