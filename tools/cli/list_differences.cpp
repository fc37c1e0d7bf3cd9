#include <fmt/format.h>

#include "fuzz/differences/differences.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {

ExitCode list_differences() {
  for (const Difference& difference : all_differences()) {
    fmt::print("{} ({} wrong; {})\n    {}\n    now: {}\n", difference.name,
               difference.wrong == "xen" ? "nothing" : difference.wrong, difference.found_by, difference.what,
               difference.now);
  }
  fmt::print(stderr, "{} differences\n", all_differences().size());
  return kExitExpected;
}

}  // namespace assay
