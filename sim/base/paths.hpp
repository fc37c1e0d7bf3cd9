/// Where the files that the build made are: beside the running program.
#pragma once

#include <filesystem>
#include <string_view>

namespace assay {

/// Folder of the running executable, or the one that was told.
std::filesystem::path program_folder();

/// For a library inside somebody else's program: where the build's programs are.
void set_program_folder(const std::filesystem::path& folder);

/// A file built with the program: "agent.elf", "agent-dom0.elf", "hv.so".
std::filesystem::path artifact(std::string_view name);

}  // namespace assay
