#include "conformance/runner/interruption.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/saved_agent.hpp"
#include "tools/cli/saved_trouble.hpp"

namespace assay {

ExitCode save_guest(const SaveFlags& flags) {
  if (flags.guest.empty() && flags.run.kernel.empty()) {
    throw InputError("save what? Name a KERNEL, or --guest pv64 or --guest pvh for our agent");
  }
  const Interruption interruption;
  return tell_saved_trouble([&] { return save_agent(flags, interruption); });
}

}  // namespace assay
