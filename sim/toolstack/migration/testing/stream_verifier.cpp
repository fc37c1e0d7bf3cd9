#include "sim/toolstack/migration/testing/stream_verifier.hpp"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <vector>

namespace assay::migration::testing {

namespace {

const std::filesystem::path kFolder = ASSAY_STREAM_VERIFIER;
constexpr const char* kPython = "/usr/bin/python3";

/// A file without a name, which a child reads or writes by its number.
class UnnamedFile {
 public:
  UnnamedFile() : descriptor_(memfd_create("migration-stream", 0)) {
    if (descriptor_ < 0) throw std::runtime_error("memfd_create failed");
  }
  ~UnnamedFile() { close(descriptor_); }
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  void fill(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t done = write(descriptor_, bytes.data(), bytes.size());
      if (done <= 0) throw std::runtime_error("cannot write to a memory file");
      bytes = bytes.subspan(static_cast<size_t>(done));
    }
    lseek(descriptor_, 0, SEEK_SET);
  }
  [[nodiscard]] std::string text() const {
    std::string text(static_cast<size_t>(lseek(descriptor_, 0, SEEK_END)), '\0');
    if (pread(descriptor_, text.data(), text.size(), 0) < 0) throw std::runtime_error("cannot read a memory file");
    return text;
  }

 private:
  int descriptor_;
};

}  // namespace

std::string verifier_missing() {
  if (!std::filesystem::exists(kFolder / "bin/verify-stream-v2")) {
    return kFolder.string() + " is missing: tools/setup test makes it";
  }
  return access(kPython, X_OK) == 0 ? "" : "python3 is missing: tools/setup build installs it";
}

std::string verifier_complaint(std::span<const std::byte> stream) {
  const UnnamedFile input, output;
  input.fill(stream);
  std::vector<std::string> words{kPython, "-B", (kFolder / "bin/verify-stream-v2").string(), "--format", "libxc"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PYTHONPATH=" + (kFolder / "python").string();
  std::array<char*, 2> environment{path.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.descriptor(), STDERR_FILENO);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, kPython, &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return "cannot be started";
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return "cannot be waited for";
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  const std::string said = output.text();
  return said.empty() ? "ended with status " + std::to_string(status) : said;
}

}  // namespace assay::migration::testing
