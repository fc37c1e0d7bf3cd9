#include "conformance/runner/interruption.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/saved_agent.hpp"
#include "tools/cli/saved_kernel.hpp"
#include "tools/cli/saved_trouble.hpp"

namespace assay {

ExitCode save_guest(const SaveFlags& flags) {
  if (flags.guest.empty() && flags.run.kernel.empty()) {
    throw InputError("save what? Name a KERNEL, or --guest pv64 or --guest pvh for our agent");
  }
  const Interruption interruption;
  const auto save = flags.guest.empty() ? save_kernel : save_agent;
  return tell_saved_trouble([&] { return save(flags, interruption); });
}

}  // namespace assay
