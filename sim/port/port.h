/// The contract between the simulator and a hypervisor core. C11, no dependencies, no other header of this project.
///
/// A core is a shared object that exports one symbol, `assay_core`. The host loads it, checks the version, hands over
/// an `assay_host`, and drives it: one call per exit of a guest. See README.md in this folder for the life of a call.
///
/// Rules both sides keep:
///  - All mutable state of a core lives in the arena, in machine frames, or in its own data segment.
///  - Calls that carry a pCPU number run on that pCPU's fiber. Within such a call the core may be switched away from at
///  a
///    scheduling point (assay_host.point) and only there; another pCPU's fiber may then run core code.
///  - The core never blocks, never calls into the C library for time, memory, randomness or I/O, never unwinds across
///    the boundary.
///  - Integers are little-endian, times are nanoseconds of virtual time since boot, machine addresses are bytes.
#ifndef ASSAY_SIM_PORT_PORT_H
#define ASSAY_SIM_PORT_PORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A core built for another major version is refused; a greater minor version only adds at the end of structures.
#define ASSAY_PORT_MAJOR 1u
#define ASSAY_PORT_MINOR 3u

#define ASSAY_PAGE_SHIFT 12u
#define ASSAY_PAGE_SIZE 4096u
#define ASSAY_NEVER UINT64_MAX /**< "no deadline", for timers and for assay_run.until_ns */
#define ASSAY_PCPUS_MAX 256u

/// Why the host calls `point`. The object pointer names the lock or the target; it is only compared, never followed.
enum assay_point {
  ASSAY_POINT_LOCK_WANTED = 1, /**< about to take a lock; also called again after each failed attempt */
  ASSAY_POINT_LOCK_TAKEN = 2,
  ASSAY_POINT_LOCK_RELEASED = 3,
  ASSAY_POINT_SIGNAL_SENT = 4,
  ASSAY_POINT_GUEST_READ = 5, /**< about to read guest memory that another vCPU can change (double fetches) */
  ASSAY_POINT_GUEST_WRITE = 6,
  ASSAY_POINT_PREEMPT_CHECK = 7, /**< a long operation asks whether it should create a continuation */
  /// The core cannot go on before another pCPU, which it has signalled or which is in the core, has done something: the
  /// host lets others take a step, whatever its policy. Called again until the core has what it waits for.
  ASSAY_POINT_WAIT = 8,
};

/// How the hardware behaves for the vCPU that runs.
enum assay_vcpu_mode {
  ASSAY_MODE_IDLE = 0, /**< nothing runs: the pCPU sleeps until a timer or a signal */
  ASSAY_MODE_PV64 = 1, /**< ring 3, long mode, `cr3` holds machine frames */
  ASSAY_MODE_HVM = 2,  /**< second-stage tables at `stage2_root` translate what the guest calls physical */
};

/// Architectural state of one vCPU. Owned by the core (in its arena), read and written by the host while the vCPU runs.
/// Segment selectors carry what the guest sees. There is no implicit padding.
struct assay_regs {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rip, rflags;
  uint64_t cr0, cr2, cr3, cr4, efer;
  uint64_t fs_base, gs_base, gs_base_kernel;
  uint64_t dr[8];
  uint16_t cs, ss, ds, es, fs, gs;
  uint8_t cpl;         /**< HVM: current privilege level. PV64: 0 = guest kernel, 3 = guest user */
  uint8_t code_bits;   /**< 16, 32 or 64: size of the code segment */
  uint16_t reserved16; /**< zero */
};

/// Since 1.3. What the processor of an HVM guest holds besides its registers, for a core that saves and loads vCPUs.
struct assay_system_regs {
  uint64_t gdt_base, idt_base, tr_base;
  uint64_t star, lstar, sfmask; /**< MSRs that syscall and sysret use; written by the core when the guest writes them */
  uint16_t gdt_limit, idt_limit;
  uint32_t reserved32; /**< zero */
};

/// Why a guest stopped running. Exactly one per call of assay_core.enter. For HYPERCALL, IO, MSR, CPUID and HALT rip is
/// behind the instruction: the core needs no instruction length. For EXCEPTION and STAGE2 rip is at the instruction,
/// but for #BP, #OF and #DB of a single step, which are traps: behind it.
/// MSR and CPUID come from guests of both modes (PV64: what hardware would fault on and the core would emulate). A core
/// that refuses an MSR answers as hardware does: PV64, it bounces #GP to the guest; HVM, it injects vector 13.
enum assay_exit_reason {
  ASSAY_EXIT_NONE = 0,      /**< first entry on this pCPU, or it slept and was woken by nothing in particular */
  ASSAY_EXIT_HYPERCALL = 1, /**< registers carry number and arguments; rip is behind the instruction */
  ASSAY_EXIT_EXCEPTION = 2, /**< PV64 (any), HVM (those the core intercepts): vector, error_code, address = CR2 */
  ASSAY_EXIT_IO = 3,        /**< HVM: port, size, is_write, value; the core leaves a read's result in regs->rax */
  ASSAY_EXIT_MSR = 4,       /**< index, is_write; value in edx:eax of regs, the core leaves a read's result there */
  ASSAY_EXIT_CPUID = 5,     /**< leaf in eax, subleaf in ecx; the core leaves the answer in eax..edx */
  ASSAY_EXIT_HALT = 6,      /**< HVM: hlt with interrupts as rflags.IF says */
  /// HVM: address = guest-physical address, access bits below. When the guest is resumed at the same place and the
  /// translation is still absent, the access completes as on an empty bus: reads are all ones, writes are lost.
  ASSAY_EXIT_STAGE2 = 7,
  ASSAY_EXIT_PREEMPTED = 8, /**< until_ns passed, this pCPU's timer fired, or it was signalled */
  ASSAY_EXIT_TRIPLE = 9,    /**< HVM: triple fault */
};

enum assay_access { ASSAY_ACCESS_READ = 1, ASSAY_ACCESS_WRITE = 2, ASSAY_ACCESS_EXECUTE = 4 };

struct assay_exit {
  uint32_t reason;         /**< enum assay_exit_reason */
  uint32_t vector;         /**< EXCEPTION: 0..31 */
  uint32_t error_code;     /**< EXCEPTION */
  uint32_t access;         /**< STAGE2: enum assay_access */
  uint64_t address;        /**< EXCEPTION: faulting linear address; STAGE2: guest-physical address */
  uint64_t index;          /**< MSR: index; IO: port */
  uint64_t value;          /**< IO write: value */
  uint32_t size;           /**< IO: 1, 2 or 4 bytes */
  uint32_t is_write;       /**< IO, MSR */
  uint32_t has_error_code; /**< EXCEPTION */
  uint32_t reserved32;     /**< zero */
};

/// What runs next on a pCPU. Written by the core at the end of `enter`, valid until the next `enter` on that pCPU.
struct assay_run {
  uint32_t mode; /**< enum assay_vcpu_mode */
  uint16_t domid;
  uint16_t reserved16; /**< zero */
  uint32_t vcpu_id;
  uint32_t inject; /**< HVM: 1 = deliver interrupt `inject_vector` at the next instruction boundary */
  uint32_t
      inject_vector;    /**< HVM: the core only asks when rflags.IF is set; the host delivers through the guest's IDT */
  uint32_t window;      /**< HVM: 1 = leave with PREEMPTED as soon as the guest can take an interrupt */
  uint64_t until_ns;    /**< leave with PREEMPTED at this time, ASSAY_NEVER = no limit */
  uint64_t stage2_root; /**< HVM: machine frame of the 4-level second-stage table, x86-64 long-mode entry format */
  uint64_t tlb_version; /**< changes whenever translations of this vCPU that the host cached may be stale */
  struct assay_regs* regs;
  /// Since 1.1. What the guest reads as TSC: virtual time * tsc_khz / 1,000,000 + tsc_offset. A tsc_khz of 0 stands for
  /// the machine's.
  uint64_t tsc_offset;
  uint32_t tsc_khz;
  uint32_t reserved32; /**< zero */
  /// Since 1.3. HVM: loaded and kept up to date by the host, as `regs` are. Null: the host remembers them by itself.
  struct assay_system_regs* system;
};

/// What the host gives. Function pointers are never null. `ctx` is handed back on each call.
struct assay_host {
  uint32_t major, minor; /**< version of the host's side */
  void* ctx;
  uint8_t* memory; /**< machine frame n starts at memory + n * ASSAY_PAGE_SIZE; zeroed at boot */
  uint64_t frames; /**< count of machine frames */
  uint8_t* arena;  /**< zeroed at boot, page-aligned, at the same address for the whole life of the machine */
  uint64_t arena_bytes;
  uint32_t pcpus;       /**< 1..ASSAY_PCPUS_MAX */
  uint32_t tsc_khz;     /**< TSC = virtual time * tsc_khz / 1,000,000; no drift */
  uint64_t wallclock_s; /**< seconds since 1970 at virtual time 0 */

  uint64_t (*now_ns)(void* ctx);
  /// One timer per pCPU: replaces the earlier deadline. A passed deadline makes the pCPU enter with PREEMPTED.
  void (*set_timer)(void* ctx, uint32_t pcpu, uint64_t deadline_ns);
  /// Makes another pCPU (or this one) enter the core with PREEMPTED soon. Signals are not counted, only remembered.
  void (*signal)(void* ctx, uint32_t pcpu);
  void (*console_write)(void* ctx, const char* text, uint64_t bytes);
  /// Copies at most `bytes` of what was typed on the host's console; returns the count, never waits.
  uint64_t (*console_read)(void* ctx, char* text, uint64_t bytes);
  /// One event of the core's own trace: `id` is the core's, at most 7 words.
  void (*trace)(void* ctx, uint32_t id, const uint64_t* words, uint32_t count);
  void (*point)(void* ctx, uint32_t kind, const void* object);
  /// Stops the machine: the core found itself broken. Does not return.
  void (*panic)(void* ctx, const char* message);

  /// Since 1.2. pCPUs are numbered thread by thread, core by core, socket by socket. Each is at least 1; the last core
  /// and the last socket may have fewer.
  uint32_t threads_per_core, cores_per_socket;
  /// Since 1.2. Waits until no other pCPU is in the core, then the machine sleeps: memory is kept, the clock goes on.
  /// It returns when something has woken the machine, and timers that were due meanwhile go off. No other pCPU may have
  /// a guest by then.
  void (*suspend)(void* ctx);
};

/// A guest image in the host's memory, for the first domain.
struct assay_image {
  const uint8_t* kernel; /**< ELF64 */
  uint64_t kernel_bytes;
  const uint8_t* initrd; /**< may be null */
  uint64_t initrd_bytes;
  const char* command_line;
  uint32_t vcpus;
  uint32_t pages; /**< memory of the first domain, in frames */
};

/// What a core exports, under the name ASSAY_CORE_SYMBOL.
struct assay_core {
  uint32_t major, minor; /**< ASSAY_PORT_MAJOR, ASSAY_PORT_MINOR of the header the core was built with */
  const char* name;      /**< "hv" */
  const char* version;

  /// Boots on a fresh arena and fresh frames; called again for each new machine, in one process.
  /// Returns 0, or a negative errno with a line on the console.
  int (*boot)(const struct assay_host* host, const char* command_line);
  /// Builds the first, privileged domain (PV64) and makes it runnable. Returns 0 or a negative errno.
  int (*build_first_domain)(const struct assay_image* image);
  /// The guest on `pcpu` left with `left`; its state is in the `regs` of the last assay_run. Handles it, delivers what
  /// is pending, schedules, and says what runs next.
  void (*enter)(uint32_t pcpu, const struct assay_exit* left, struct assay_run* next);
  /// Checks every invariant the core knows; reads only. Returns the number of violations and describes the first ones,
  /// one a line, NUL-terminated. May be null.
  uint32_t (*audit)(char* text, uint64_t bytes);
};

#define ASSAY_CORE_SYMBOL "assay_core"

#ifdef __cplusplus
}
#endif

#endif
