/// Where the files that the build made are: beside the running program.
#pragma once

#include <filesystem>
#include <string_view>

namespace assay {

/// Folder of the running executable.
std::filesystem::path program_folder();

/// A file built with the program: "agent.elf", "agent-dom0.elf", "hv.so".
std::filesystem::path artifact(std::string_view name);

}  // namespace assay
