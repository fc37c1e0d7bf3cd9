/// The host's clock. A real hypervisor runs in real time, so here, and only here, the harness looks at it.
#pragma once

#include <cstdint>

namespace assay::xen {

uint64_t host_now_ns();
void host_sleep_ns(uint64_t ns);

}  // namespace assay::xen
