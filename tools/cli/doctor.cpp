#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>

#include "sim/base/paths.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

/// One thing that this machine has or lacks, what it is for, and the command that brings it.
struct Finding {
  std::string what;
  std::string purpose;
  bool there;
  std::string remedy;
};

bool in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((std::filesystem::path(folder) / program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Finding file_finding(const std::filesystem::path& path, std::string purpose, std::string remedy) {
  return {path.string(), std::move(purpose), ::access(path.c_str(), R_OK) == 0, std::move(remedy)};
}

std::string apt(const char* package) {
  return fmt::format("{}apt-get install -y --no-install-recommends {}", ::geteuid() == 0 ? "" : "sudo ", package);
}

std::vector<Finding> examine() {
  return {
      file_finding(artifact("hv.so"), "the bundled core, for --target hv", "tools/assay doctor, which builds it"),
      file_finding(artifact("agent.elf"), "what runs in guests", "tools/assay doctor, which builds it"),
      file_finding(artifact("agent-dom0.elf"), "what runs in the first domain", "tools/assay doctor, which builds it"),
      {"qemu-system-x86_64", "runs the real Xen, for --target xen", in_path("qemu-system-x86_64"),
       apt("qemu-system-x86")},
      file_finding(xen_binary(), "the real Xen, for --target xen", "tools/setup xen"),
  };
}

}  // namespace

ExitCode run_doctor() {
  ExitCode code = kExitExpected;
  for (const Finding& finding : examine()) {
    fmt::print("{:8} {}: {}\n", finding.there ? "ok" : "MISSING", finding.purpose, finding.what);
    if (finding.there) continue;
    fmt::print("         run: {}\n", finding.remedy);
    code = kExitUnavailable;
  }
  fmt::print("{:8} {} processors\n", "", std::thread::hardware_concurrency());
  return code;
}

}  // namespace assay
