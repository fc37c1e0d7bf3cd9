/// Serves the harness over the hypervisor's console: mailboxes of every domain, reached through one byte stream.
#pragma once

#include "sim/guest/agent/agent.hpp"

namespace agent {

/// True when the command line of the privileged domain asks for a bridge.
bool bridge_wanted(const char* command_line);
/// Starts the vCPU that serves the stream; for the first vCPU of the privileged domain, once it is set up.
void start_bridge(const start_info& info);
/// What that vCPU does, for ever.
[[noreturn]] void serve_bridge(State& self);

}  // namespace agent
