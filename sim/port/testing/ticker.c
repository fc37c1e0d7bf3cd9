/// A core whose first pCPU runs one vCPU and all others idle; it counts how often each was made to enter, and when.
#include "sim/port/testing/ticker.h"

#include "sim/port/testing/one_vcpu.h"

static uint64_t slice_ns = ASSAY_NEVER;

static uint64_t ticker_now(void) {
  return test_host->now_ns(test_host->ctx);
}

static int ticker_build(const struct assay_image* image) {
  if (image->vcpus == 0) return -kErrnoNoMemory;
  test_vcpu()->exists = 1;
  return 0;
}

static void ticker_call(uint32_t pcpu, struct assay_regs* regs) {
  char typed = 0;
  switch (regs->rax) {
    case TICKER_SET_TIMER:
      test_host->set_timer(test_host->ctx, pcpu, ticker_now() + regs->rdi);
      break;
    case TICKER_SIGNAL:
      test_host->signal(test_host->ctx, (uint32_t)regs->rdi);
      break;
    case TICKER_SLICE:
      slice_ns = regs->rdi;
      break;
    case TICKER_READ_CONSOLE:
      test_host->console_read(test_host->ctx, &typed, 1);
      regs->rax = (uint8_t)typed;
      return;
    default:
      break;
  }
  regs->rax = 0;
}

static void ticker_enter(uint32_t pcpu, const struct assay_exit* left, struct assay_run* next) {
  uint64_t* const counts = test_frame(0) + pcpu * TICKER_WORDS;
  if (left->reason == ASSAY_EXIT_HYPERCALL) ticker_call(pcpu, &test_vcpu()->regs);
  if (left->reason == ASSAY_EXIT_PREEMPTED) {
    ++counts[TICKER_PREEMPTED];
    counts[TICKER_LAST_NS] = ticker_now();
  }
  test_run(pcpu, next);
  if (pcpu == 0 && slice_ns != ASSAY_NEVER) next->until_ns = ticker_now() + slice_ns;
}

TEST_CORE_EXPORT extern const struct assay_core assay_core;
const struct assay_core assay_core = {
    .major = ASSAY_PORT_MAJOR,
    .minor = ASSAY_PORT_MINOR,
    .name = "ticker",
    .version = "1",
    .boot = test_boot,
    .build_first_domain = ticker_build,
    .enter = ticker_enter,
};
