/// Guest images that a scenario names: only of folders that whoever plays it has given.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace assay::scenario {

using ImageFolders = std::vector<std::filesystem::path>;

/// The file `named`, in the first of the folders that has it; symbolic links are followed first. Throws
/// std::runtime_error that says why not: it leads out of the folders, is not there or no file, or no folder is given.
std::filesystem::path find_image(const std::string& named, const ImageFolders& folders);

}  // namespace assay::scenario
