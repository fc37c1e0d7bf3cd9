/// A core that never returns: from xen_version without a word, from console_io through scheduling points.
#include "sim/port/testing/one_vcpu.h"

static void hang_enter(uint32_t pcpu, const struct assay_exit* left, struct assay_run* next) {
  if (left->reason == ASSAY_EXIT_HYPERCALL) {
    const uint64_t number = test_vcpu()->regs.rax;
    test_vcpu()->regs.rax = test_hypercall(number);
    while (number == kHypercallVersion) {
    }
    while (number == 18) test_host->point(test_host->ctx, ASSAY_POINT_PREEMPT_CHECK, test_host); /* console_io */
  }
  test_run(pcpu, next);
}

TEST_CORE_EXPORT extern const struct assay_core assay_core;
const struct assay_core assay_core = {
    .major = ASSAY_PORT_MAJOR,
    .minor = ASSAY_PORT_MINOR,
    .name = "hang",
    .version = "1",
    .boot = test_boot,
    .build_first_domain = test_build_first_domain,
    .enter = hang_enter,
};
