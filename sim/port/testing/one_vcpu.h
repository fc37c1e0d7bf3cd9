/// What the test cores have in common: one domain with one PV64 vCPU in a few megabytes of memory, no scheduler.
/// Written against port.h alone, as any core is.
#ifndef ASSAY_SIM_PORT_TESTING_ONE_VCPU_H
#define ASSAY_SIM_PORT_TESTING_ONE_VCPU_H

#include "sim/port/port.h"

#if defined(__GNUC__)
#define TEST_CORE_EXPORT __attribute__((visibility("default")))
#else
#define TEST_CORE_EXPORT
#endif

enum {
  kErrnoNoSys = 38,
  kErrnoNoMemory = 12,
  kHypercallVersion = 17, /* public/xen.h, __HYPERVISOR_xen_version */
};

#define VIRT_BASE 0xffffffff80000000ull
#define PTE_USER_WRITABLE 0x7ull
#define PTE_LARGE 0x80ull
#define LARGE_FRAMES 512ull
#define GUEST_MEGABYTES 32ull

/// Lives at the start of the arena.
struct one_vcpu {
  struct assay_regs regs;
  uint32_t exists;
  uint32_t entries;
};

static const struct assay_host* test_host;

static inline struct one_vcpu* test_vcpu(void) {
  return (struct one_vcpu*)(void*)test_host->arena;
}

static inline uint64_t* test_frame(uint64_t frame) {
  return (uint64_t*)(void*)(test_host->memory + frame * ASSAY_PAGE_SIZE);
}

static inline int test_boot(const struct assay_host* host, const char* command_line) {
  (void)command_line;
  static const char hello[] = "test core up\n";
  test_host = host;
  host->console_write(host->ctx, hello, sizeof hello - 1);
  return 0;
}

/// Frames 1..3 hold the page tables; the guest's memory starts at frame 512 and is mapped at VIRT_BASE by large pages.
static inline int test_build_first_domain(const struct assay_image* image) {
  if (image->kernel_bytes < 64 || test_host->frames < LARGE_FRAMES + GUEST_MEGABYTES * 256) return -kErrnoNoMemory;
  test_frame(1)[511] = 2 * ASSAY_PAGE_SIZE | PTE_USER_WRITABLE;
  test_frame(2)[510] = 3 * ASSAY_PAGE_SIZE | PTE_USER_WRITABLE;
  for (uint64_t i = 0; i < GUEST_MEGABYTES / 2; ++i) {
    test_frame(3)[i] = (i + 1) * LARGE_FRAMES * ASSAY_PAGE_SIZE | PTE_USER_WRITABLE | PTE_LARGE;
  }
  struct one_vcpu* const vcpu = test_vcpu();
  vcpu->regs.cr3 = 1 * ASSAY_PAGE_SIZE;
  for (unsigned i = 0; i < 8; ++i) vcpu->regs.rip |= (uint64_t)image->kernel[24 + i] << (8 * i); /* e_entry */
  vcpu->regs.rsi = VIRT_BASE; /* a start_info of zeroes */
  vcpu->regs.rflags = 0x202;
  vcpu->regs.code_bits = 64;
  vcpu->exists = 1;
  return 0;
}

/// Result of the calls that every test core knows.
static inline uint64_t test_hypercall(uint64_t number) {
  return number == kHypercallVersion ? (4u << 16 | 17u) : (uint64_t)-kErrnoNoSys;
}

static inline void test_run(uint32_t pcpu, struct assay_run* next) {
  struct one_vcpu* const vcpu = test_vcpu();
  next->until_ns = ASSAY_NEVER;
  if (pcpu != 0 || !vcpu->exists) return;
  next->mode = ASSAY_MODE_PV64;
  next->tlb_version = 1;
  next->regs = &vcpu->regs;
}

#endif
