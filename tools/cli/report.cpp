#include <fmt/format.h>

#include "conformance/runner/input_error.hpp"
#include "conformance/runner/recorder.hpp"
#include "reports/write_file.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {

ExitCode run_report(const std::string& folder) {
  const std::filesystem::path source = std::filesystem::path(folder) / "results.json";
  Results results;
  try {
    results = from_json(read_file(source));
  } catch (const std::runtime_error& error) {
    throw InputError(
        fmt::format("{}: {}; name a folder that `assay grade --out` has written", source.string(), error.what()));
  }
  try {
    write_reports(folder, results);
  } catch (const WriteError& error) {
    fmt::print(stderr, "assay: {}\n", error.what());
    return error.out_of_space() ? kExitHarness : kExitBadInput;
  }
  fmt::print("report: {}\n", (std::filesystem::path(folder) / "index.html").string());
  return kExitExpected;
}

}  // namespace assay
