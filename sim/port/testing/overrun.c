/// A core that writes behind its arena when it is asked for its version, before it on console_io.
#include "sim/port/testing/one_vcpu.h"

static void overrun_enter(uint32_t pcpu, const struct assay_exit* left, struct assay_run* next) {
  if (left->reason == ASSAY_EXIT_HYPERCALL) {
    const uint64_t number = test_vcpu()->regs.rax;
    test_vcpu()->regs.rax = test_hypercall(number);
    volatile uint8_t* const arena = test_host->arena;
    if (number == kHypercallVersion) arena[test_host->arena_bytes + 16] = 1;
    if (number == 18) *(arena - 1) = 1; /* __HYPERVISOR_console_io */
  }
  test_run(pcpu, next);
}

TEST_CORE_EXPORT extern const struct assay_core assay_core;
const struct assay_core assay_core = {
    .major = ASSAY_PORT_MAJOR,
    .minor = ASSAY_PORT_MINOR,
    .name = "overrun",
    .version = "1",
    .boot = test_boot,
    .build_first_domain = test_build_first_domain,
    .enter = overrun_enter,
};
