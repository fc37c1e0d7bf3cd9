/// `assay generate`: scenarios that nobody wrote, as files.
#include "sim/scenario/generate.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/seeds.hpp"

namespace assay {

ExitCode generate_scenarios(const RunFlags& flags) {
  const std::filesystem::path folder = flags.out;
  const Seeds seeds = seeds_of(flags.seeds, flags.seed);
  try {
    make_folder(folder);
    for (uint64_t seed = seeds.first;; ++seed) {
      write_file(folder / fmt::format("generated-{}.yaml", seed), scenario::generate_scenario(seed));
      if (seed == seeds.last) break;
    }
  } catch (const WriteError& error) {
    throw InputError(fmt::format("{}; name a folder that can be written", error.what()));
  }
  fmt::print("{} scenarios in {}\nplay them: tools/assay run {}\n", seeds.last - seeds.first + 1, folder.string(),
             folder.string());
  return kExitExpected;
}

}  // namespace assay
