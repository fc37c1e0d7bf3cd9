/// `assay generate`: scenarios that nobody wrote, as files.
#include "sim/scenario/generate.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/seeds.hpp"

namespace assay {

ExitCode generate_scenarios(const RunFlags& flags) {
  const std::filesystem::path folder = flags.out;
  const Seeds seeds = seeds_of(flags.seeds, flags.seed);
  const auto file_of = [&](uint64_t seed) { return folder / fmt::format("generated-{}.yaml", seed); };
  const uint64_t count = seeds.last - seeds.first + 1;
  for (uint64_t i = 0; i < count; ++i) expect_free(file_of(seeds.first + i), flags.force);
  try {
    make_folder(folder);
    for (uint64_t i = 0; i < count; ++i) {
      write_file(file_of(seeds.first + i), scenario::generate_scenario(seeds.first + i));
    }
  } catch (const WriteError& error) {
    throw InputError(fmt::format("{}; name a folder that can be written", error.what()));
  }
  fmt::print(
      "{} scenarios in {}\nplay them (some seconds of a processor each, more for large machines): tools/assay run {}\n",
      count, folder.string(), folder.string());
  return kExitExpected;
}

}  // namespace assay
