/// What could be left out of a scenario, or be less.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/scenario/image_folders.hpp"

namespace assay {

/// Texts of scenarios that are smaller than `text`, those that are much smaller first; not all of them are possible.
/// Whoever takes one after the other comes to an end: each has fewer parts, smaller numbers, or says itself what
/// `seed` has chosen until now.
/// Guest images are of `folders`.
std::vector<std::string> smaller_scenarios(const std::string& text, uint64_t seed,
                                           const scenario::ImageFolders& folders = {});

}  // namespace assay
