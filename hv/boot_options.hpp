/// The hypervisor's command line.
#pragma once

namespace hv {

/// NUL-terminated, as given at boot; truncated to what XENVER_commandline can carry.
[[nodiscard]] const char* boot_command_line();

}  // namespace hv
