#include "sim/base/paths.hpp"

namespace assay {

std::filesystem::path program_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

std::filesystem::path artifact(std::string_view name) { return program_folder() / name; }

}  // namespace assay
