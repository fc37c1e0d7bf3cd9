/// The differences that were found so far, as fuzz/differences/differences.yaml lists them.
#pragma once

#include <span>
#include <vector>

#include "reports/difference.hpp"
#include "sim/base/embedded_file.hpp"
#include "sim/input/yaml_input.hpp"

namespace assay {

/// differences.yaml alone, as the program carries it inside itself.
std::span<const EmbeddedFile> embedded_differences();

/// Every complaint is an InputError with its place: a name twice, or nobody of whom it says that they were wrong.
std::vector<Difference> read_differences(const YamlInput& file);
/// Of the list in this program, in its order.
const std::vector<Difference>& all_differences();

}  // namespace assay
