/// A core with one vCPU on each pCPU, one lock, and one counter that it forgets to protect.
#include "sim/port/testing/contended.h"

#include "sim/port/testing/one_vcpu.h"

static uint64_t lock_taken;
static uint64_t unprotected;

static struct assay_regs* contended_regs(uint32_t pcpu) {
  return (struct assay_regs*)(void*)test_host->arena + pcpu;
}

static int contended_build(const struct assay_image* image) {
  return image->vcpus == 0 ? -kErrnoNoMemory : 0;
}

static void take_lock(uint64_t* counts) {
  for (;;) {
    test_host->point(test_host->ctx, ASSAY_POINT_LOCK_WANTED, &lock_taken);
    if (!lock_taken) break;
    ++counts[CONTENDED_MISSES];
  }
  lock_taken = 1;
  test_host->point(test_host->ctx, ASSAY_POINT_LOCK_TAKEN, &lock_taken);
}

static void contended_enter(uint32_t pcpu, const struct assay_exit* left, struct assay_run* next) {
  uint64_t* const counts = test_frame(0);
  if (left->reason == ASSAY_EXIT_HYPERCALL) {
    take_lock(counts);
    ++counts[CONTENDED_ENTRIES];
    lock_taken = 0;
    test_host->point(test_host->ctx, ASSAY_POINT_LOCK_RELEASED, &lock_taken);

    const uint64_t before = unprotected;
    test_host->point(test_host->ctx, ASSAY_POINT_GUEST_READ, &unprotected);
    if (unprotected != before) ++counts[CONTENDED_RACES];
    unprotected = before + 1;
  }
  next->mode = ASSAY_MODE_PV64;
  next->vcpu_id = pcpu;
  next->until_ns = ASSAY_NEVER;
  next->regs = contended_regs(pcpu);
}

TEST_CORE_EXPORT extern const struct assay_core assay_core;
const struct assay_core assay_core = {
    .major = ASSAY_PORT_MAJOR,
    .minor = ASSAY_PORT_MINOR,
    .name = "contended",
    .version = "1",
    .boot = test_boot,
    .build_first_domain = contended_build,
    .enter = contended_enter,
};
