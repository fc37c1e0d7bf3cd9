#include "conformance/runner/interruption.hpp"
#include "sim/saved/saved_files.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/saved_agent.hpp"
#include "tools/cli/saved_kernel.hpp"
#include "tools/cli/saved_trouble.hpp"

namespace assay {

ExitCode restore_guest(const RestoreFlags& flags) {
  const Interruption interruption;
  return tell_saved_trouble([&] {
    const SavedGuest saved = read_saved(flags.file);
    const auto restore = saved.agent ? restore_agent : restore_kernel;
    return restore(flags, saved, interruption);
  });
}

}  // namespace assay
