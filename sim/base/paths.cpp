#include "sim/base/paths.hpp"

namespace assay {
namespace {

std::filesystem::path& told() {
  static std::filesystem::path folder;
  return folder;
}

}  // namespace

std::filesystem::path program_folder() {
  return told().empty() ? std::filesystem::read_symlink("/proc/self/exe").parent_path() : told();
}

void set_program_folder(const std::filesystem::path& folder) {
  told() = folder;
}

std::filesystem::path artifact(std::string_view name) {
  return program_folder() / name;
}

}  // namespace assay
