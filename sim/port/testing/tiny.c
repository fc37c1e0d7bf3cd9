/// The smallest core that does no harm: one vCPU, xen_version, and -ENOSYS for everything else.
#include "sim/port/testing/one_vcpu.h"

static void tiny_enter(uint32_t pcpu, const struct assay_exit* left, struct assay_run* next) {
  if (left->reason == ASSAY_EXIT_HYPERCALL) test_vcpu()->regs.rax = test_hypercall(test_vcpu()->regs.rax);
  test_run(pcpu, next);
}

TEST_CORE_EXPORT extern const struct assay_core assay_core;
const struct assay_core assay_core = {
    .major = ASSAY_PORT_MAJOR,
    .minor = ASSAY_PORT_MINOR,
    .name = "tiny",
    .version = "1",
    .boot = test_boot,
    .build_first_domain = test_build_first_domain,
    .enter = tiny_enter,
};
