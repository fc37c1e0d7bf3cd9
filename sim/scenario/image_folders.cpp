#include "sim/scenario/image_folders.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

namespace assay::scenario {
namespace {

namespace fs = std::filesystem;

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

std::string in_words(const ImageFolders& folders) {
  std::vector<std::string> names;
  for (const fs::path& folder : folders) names.push_back(folder.string());
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

fs::path find_image(const std::string& named, const ImageFolders& folders) {
  if (folders.empty()) throw std::runtime_error("no folder is given from which guest images may be taken");
  bool leads_out = false;
  std::error_code error;
  for (const fs::path& folder : folders) {
    const fs::path root = fs::canonical(folder, error);
    if (error) continue;
    const fs::path path = fs::weakly_canonical(root / named, error);
    if (error) continue;
    if (!is_inside(path, root)) {
      leads_out = true;
    } else if (fs::is_regular_file(path, error)) {
      return path;
    }
  }
  if (leads_out) {
    throw std::runtime_error(
        fmt::format("{} leads out of the folders from which guest images are taken, {}; name "
                    "another one with --images DIR",
                    named, in_words(folders)));
  }
  throw std::runtime_error(
      fmt::format("there is no file {} in {}; name another folder with --images DIR", named, in_words(folders)));
}

}  // namespace assay::scenario
