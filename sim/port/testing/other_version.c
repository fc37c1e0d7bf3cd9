/// A core built with the header of another major version.
#include "sim/port/testing/one_vcpu.h"

static void other_enter(uint32_t pcpu, const struct assay_exit* left, struct assay_run* next) {
  (void)left;
  test_vcpu()->regs.rax = test_hypercall(0);
  test_run(pcpu, next);
}

TEST_CORE_EXPORT extern const struct assay_core assay_core;
const struct assay_core assay_core = {
    .major = ASSAY_PORT_MAJOR + 1,
    .minor = 0,
    .name = "other_version",
    .version = "1",
    .boot = test_boot,
    .build_first_domain = test_build_first_domain,
    .enter = other_enter,
};
