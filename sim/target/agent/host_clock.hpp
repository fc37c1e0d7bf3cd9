/// The host's clock. A real hypervisor runs in real time, so here, and only here, the harness looks at it.
#pragma once

#include <cstdint>

namespace assay::agents {

uint64_t host_now_ns();
void host_sleep_ns(uint64_t ns);
/// Lets this thread's sleeps end within microseconds rather than the default 50.
void make_sleeps_precise();
/// CPUs that this thread may run on.
unsigned host_cpus();

}  // namespace assay::agents
