/// Changes to inputs, where no fuzzer makes them.
#pragma once

#include <string>
#include <string_view>

#include "fuzz/targets/entropy.hpp"

namespace assay::fuzz {

/// A few bytes changed, put in, taken out or repeated. At most `bytes_max` long.
std::string mutate_bytes(std::string_view input, Entropy& entropy, size_t bytes_max);

}  // namespace assay::fuzz
