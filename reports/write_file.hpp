/// Files that are either whole or not there.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string_view>

namespace assay {

/// A file or folder could not be written; the text says which and why.
class WriteError : public std::runtime_error {
 public:
  WriteError(const std::string& what, int error) : std::runtime_error(what), error_(error) {}
  /// The disk is full or broken, as opposed to a path that will not do.
  [[nodiscard]] bool out_of_space() const;

 private:
  int error_;
};

/// Writes beside `path` and renames, so that a reader never sees half of it. Throws WriteError; the old file stays
/// then.
void write_file(const std::filesystem::path& path, std::string_view text);
/// Makes a folder with its parents, and shows that files can be written there. Throws WriteError.
void make_folder(const std::filesystem::path& path);
/// Throws std::runtime_error with the path.
std::string read_file(const std::filesystem::path& path);

}  // namespace assay
