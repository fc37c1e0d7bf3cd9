/// A core that follows a bad pointer when it is asked for its version, and panics on console_io.
#include "sim/port/testing/one_vcpu.h"

/// Read from memory, so that the compiler cannot see where it leads.
static volatile uint64_t* bad_pointer(void) {
  static volatile uintptr_t address = 0x10;
  return (volatile uint64_t*)address;
}

static void crash_enter(uint32_t pcpu, const struct assay_exit* left, struct assay_run* next) {
  if (left->reason == ASSAY_EXIT_HYPERCALL) {
    const uint64_t number = test_vcpu()->regs.rax;
    test_vcpu()->regs.rax = test_hypercall(number);
    if (number == 18) test_host->panic(test_host->ctx, "console_io is too much"); /* __HYPERVISOR_console_io */
    if (number == kHypercallVersion) *bad_pointer() = 1;
  }
  test_run(pcpu, next);
}

TEST_CORE_EXPORT extern const struct assay_core assay_core;
const struct assay_core assay_core = {
    .major = ASSAY_PORT_MAJOR,
    .minor = ASSAY_PORT_MINOR,
    .name = "crash",
    .version = "1",
    .boot = test_boot,
    .build_first_domain = test_build_first_domain,
    .enter = crash_enter,
};
