/// What the harness can ask of a guest, and how: the contract between Assay and every executor of guest operations.
/// C11, freestanding: the agent kernel, the shared-memory host side and the in-process direct guest all use it.
///
/// One vCPU has one mailbox and at most one request in flight. The host writes `op`, `arg`, `data`, `data_bytes`, then
/// `request` = previous + 1 with release order; the agent polls `request`, executes, writes `status`, `value`, `fault`,
/// `data`, then `reply` = `request` with release order. A guest that blocks inside a hypercall simply replies later.
/// The agent reads every field once and trusts none of them: a malformed request gets a status, never harm.
#ifndef ASSAY_SIM_GUEST_AGENT_PROTOCOL_H
#define ASSAY_SIM_GUEST_AGENT_PROTOCOL_H

#include <stdint.h>

#define ASSAY_AGENT_MAGIC 0x31544e4547415341ull /* "ASAGENT1" */
#define ASSAY_AGENT_VERSION 3u
#define ASSAY_AGENT_VCPUS_MAX 8u
#define ASSAY_MAILBOX_BYTES 16384u
#define ASSAY_MAILBOX_DATA_BYTES (ASSAY_MAILBOX_BYTES - 256u)

enum assay_op {
  ASSAY_OP_NOP = 0,
  /// arg: number, a1..a6. value[0]: result register. A fault while in the call is reported as status FAULT.
  ASSAY_OP_HYPERCALL = 1,
  /// arg: va, bytes <= ASSAY_MAILBOX_DATA_BYTES. data: what was read. FAULT when unmapped.
  ASSAY_OP_READ = 2,
  ASSAY_OP_WRITE = 3,   /**< arg: va. data, data_bytes: what to write. FAULT when not writable. */
  ASSAY_OP_FILL = 4,    /**< arg: va, bytes, byte value. */
  /// arg: va, width in bytes (1, 2, 4, 8), kind (enum assay_atomic), operand, comparand. value[0]: old value.
  ASSAY_OP_ATOMIC = 5,
  ASSAY_OP_CPUID = 6,   /**< arg: leaf, subleaf. value: eax, ebx, ecx, edx. PV64 uses the forced-emulation prefix. */
  ASSAY_OP_RDMSR = 7,   /**< arg: index. value[0]. FAULT (#GP) when refused. */
  ASSAY_OP_WRMSR = 8,   /**< arg: index, value. */
  ASSAY_OP_TIME = 9,    /**< value: system time in ns by the vCPU's own pvclock record, raw TSC. */
  /// arg: 1 = deliver event upcalls, 0 = hold them. PV64: plain store to evtchn_upcall_mask. PVH: sti/cli.
  ASSAY_OP_UPCALLS = 10,
  /// The handler counts, notes, clears evtchn_upcall_pending and returns; selectors and pending bits stay for the
  /// caller. An entry that finds evtchn_upcall_pending clear is spurious: it is counted apart and notes nothing.
  /// value: count, rflags of the last frame, (evtchn_upcall_mask at entry) | (spurious entries << 8), rip of the frame.
  ASSAY_OP_UPCALL_RECORD = 11,
  /// arg: wanted count, timeout in ns of system time (0 = look once). Spins until the upcall count reaches it.
  /// status OK or TIMED_OUT; value[0]: count.
  ASSAY_OP_WAIT_UPCALL = 12,
  ASSAY_OP_SPIN = 13,   /**< arg: ns of system time to spend in the guest without a hypercall. */
  /// PVH: sti; hlt. PV64: sched_op block. Replies when it runs again; upcalls are then let through or held as before.
  ASSAY_OP_HALT = 14,
  /// arg: va. Calls the code there (on the agent's stack) and replies when it returns; value[0]: rax.
  ASSAY_OP_CALL = 15,
  /// arg: 1 = stop spinning on the mailbox between requests and sleep in the hypervisor until event `arg[1]` (a local
  /// port) becomes pending; 0 = spin (default). An idle vCPU that sleeps leaves the host's CPU to the others.
  ASSAY_OP_PARK = 16,
  /// One instruction in a register state of the caller's choice, and where it led. arg: enum assay_instruction, enum
  /// assay_execute_mode. data: struct assay_registers (exactly). Reply data: struct assay_execution; value[0]: entry.
  /// Then the vCPU serves again, on its own stack, upcalls let through or held as before. BAD_ARGUMENT: another size,
  /// no such instruction or mode, flags beyond ASSAY_EXECUTE_FLAGS. UNSUPPORTED: not on this guest type or mode.
  /// One vCPU of a guest at a time: another one's request waits. An instruction that leads nowhere gets no reply.
  ASSAY_OP_EXECUTE = 17,
  ASSAY_OP_COUNT_ = 18
};

/// The menu of ASSAY_OP_EXECUTE. What is not on it can be written into memory and called or jumped to.
enum assay_instruction {
  ASSAY_INSTRUCTION_NOP = 0,
  ASSAY_INSTRUCTION_SYSCALL = 1, /**< PV64 */
  ASSAY_INSTRUCTION_VMCALL = 2,  /**< PVH: vmcall or vmmcall, whichever the processor has */
  ASSAY_INSTRUCTION_INT3 = 3,
  ASSAY_INSTRUCTION_INT80 = 4,   /**< int $0x80 */
  ASSAY_INSTRUCTION_UD2 = 5,
  ASSAY_INSTRUCTION_LOAD = 6,    /**< mov (%rdi), %rax */
  ASSAY_INSTRUCTION_STORE = 7,   /**< mov %rax, (%rdi) */
  ASSAY_INSTRUCTION_LOAD_FS = 8, /**< mov %fs:(%rdi), %rax */
  ASSAY_INSTRUCTION_LOAD_GS = 9, /**< mov %gs:(%rdi), %rax */
  /// call *%rbx and jmp *%rbx: the hypercall page, or code in memory. In process only what direct_processor.cpp knows.
  ASSAY_INSTRUCTION_CALL = 10,
  ASSAY_INSTRUCTION_JUMP = 11,
  ASSAY_INSTRUCTION_FPU = 12,    /**< fnop */
  ASSAY_INSTRUCTION_COUNT_ = 13
};

enum assay_execute_mode {
  /// Entered without the hypervisor: IF of the flags means nothing to a PV64 guest, and TF and RF cannot be asked for.
  ASSAY_EXECUTE_KERNEL = 0,
  /// PV64: entered by HYPERVISOR_iret, so IF says whether upcalls are let through; needs a user root with the image,
  /// and a kernel stack. PVH: ring 3.
  ASSAY_EXECUTE_USER = 1,
  /// PVH: a 32-bit code segment in ring 0, at the low alias, where rsp must be too. NOP and VMCALL only.
  ASSAY_EXECUTE_KERNEL32 = 2,
  ASSAY_EXECUTE_MODE_COUNT_ = 3
};

/// CF PF AF ZF SF IF DF OF NT AC, and in user mode TF and RF. All others are as the processor has them.
#define ASSAY_EXECUTE_FLAGS 0x44ed5ull
#define ASSAY_EXECUTE_USER_FLAGS 0x54fd5ull

struct assay_registers {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rflags;
  uint64_t rip, cs, ss, ds, es, fs, gs; /**< told, not loaded */
};

/// Places of the agent that take note of who arrives there while an instruction is executed: `trap_handlers` has one
/// stub per number. The agent's own trap table points each exception at its stub; a case may register any of them.
/// Stubs need 1 KiB of stack below the frame.
enum assay_entry {
  /* 0..31: exceptions, but for #OF (4), whose stub the agent does not use */
  ASSAY_ENTRY_EVENT = 32,    /**< not what the agent registers for events: see ASSAY_OP_UPCALL_RECORD */
  ASSAY_ENTRY_FAILSAFE = 33, /**< registered */
  ASSAY_ENTRY_SYSCALL = 34,
  ASSAY_ENTRY_SYSCALL32 = 35,
  ASSAY_ENTRY_SYSENTER = 36,
  ASSAY_ENTRY_NMI = 37,
  ASSAY_ENTRY_LANDING = 38,      /**< behind the instruction, in kernel mode: no stub, reached by a jump */
  ASSAY_ENTRY_USER_LANDING = 39, /**< behind it in the other modes, by `int $4`: registered for that vector */
  ASSAY_ENTRY_SPARE = 40,        /**< 40..47: for cases */
  ASSAY_ENTRY_COUNT_ = 48
};
#define ASSAY_LANDING_VECTOR 4u

#define ASSAY_FRAME_WORDS_MAX 12u

struct assay_execution {
  uint32_t entry;       /**< enum assay_entry */
  uint32_t upcall_mask; /**< PV64: evtchn_upcall_mask at that moment; PVH: 0 */
  struct assay_registers at; /**< on arrival, before the first instruction there; rip: the stub's or the landing's */
  uint64_t cr2;         /**< PV64: what vcpu_info says; PVH: the register */
  uint64_t frame_words; /**< in `frame`: what the stack holds from rsp upwards, in the same page; none on LANDING */
  uint64_t frame[ASSAY_FRAME_WORDS_MAX];
};

enum assay_atomic {
  ASSAY_ATOMIC_XCHG = 0,
  ASSAY_ATOMIC_AND = 1,
  ASSAY_ATOMIC_OR = 2,
  ASSAY_ATOMIC_CMPXCHG = 3,
  ASSAY_ATOMIC_ADD = 4,
};

enum assay_status {
  ASSAY_STATUS_OK = 0,
  ASSAY_STATUS_FAULT = 1,       /**< `fault` says which; the guest goes on */
  ASSAY_STATUS_TIMED_OUT = 2,
  ASSAY_STATUS_BAD_OP = 3,      /**< no such operation */
  ASSAY_STATUS_BAD_ARGUMENT = 4,/**< length, width or kind out of range */
  ASSAY_STATUS_UNSUPPORTED = 5, /**< not on this guest type */
};

struct assay_fault {
  uint32_t vector;     /**< 0..31 */
  uint32_t error_code;
  uint64_t address;    /**< CR2 for vector 14 */
  uint64_t rip;
};

struct assay_mailbox {
  uint64_t magic;      /**< ASSAY_AGENT_MAGIC once the agent listens here */
  uint32_t version;
  uint32_t vcpu_id;
  uint64_t boot_info;  /**< VA of start_info (PV64) or hvm_start_info (PVH); 0 on secondary vCPUs */
  uint32_t reserved[10];
  /* byte 64: written by the host */
  uint32_t request;
  uint32_t op;
  uint32_t data_bytes;
  uint32_t reserved_request;
  uint64_t arg[8];
  /* byte 144: written by the agent */
  uint32_t reply;
  uint32_t status;
  uint64_t value[4];
  struct assay_fault fault;
  uint32_t reply_bytes; /**< of data */
  uint32_t reserved_reply;
  uint8_t reserved_tail[256 - 216];
  uint8_t data[ASSAY_MAILBOX_DATA_BYTES];
};

/// What a vCPU found at its first instruction. The agent writes it once, before it changes anything, and no further
/// vCPU may start while it does. A PVH guest that starts in 32-bit mode has zero in the upper halves and in r8..r15.
struct assay_boot_record {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rip;            /**< of the entry point that was reached */
  uint64_t rflags;
  uint64_t cr0, cr3, cr4;  /**< PVH; zero for PV64 */
  uint16_t cs, ss, ds, es, fs, gs;
  uint32_t upcall_mask;    /**< PV64: evtchn_upcall_mask of its vcpu_info, as soon as that is mapped */
  uint64_t reserved;       /**< zero */
};

/// Placed in ELF section ".assay.layout" of the agent image; read by the host from the file, never from the guest.
/// All are link-time virtual addresses, valid in both guest types: va - virt_base is the pseudo-physical address. A
/// PVH guest runs on static page tables that map its first GiB twice, at 0 and at virt_base.
struct assay_agent_layout {
  uint64_t magic, version;
  uint64_t virt_base;
  uint64_t image_start, image_end;     /**< all of the image, heap included, page-aligned */
  uint64_t pv_entry, pvh_entry;        /**< first vCPU */
  uint64_t pv_secondary, pvh_secondary;/**< further vCPUs, 64-bit; rdi = vcpu id */
  uint64_t event_callback, failsafe_callback;
  uint64_t trap_handlers;              /**< ASSAY_ENTRY_COUNT_ stubs, `trap_handler_stride` bytes apart */
  uint64_t trap_handler_stride;
  /// The menus of ASSAY_OP_EXECUTE: instruction N at + N * menu_stride. Behind an instruction of `menu` is a jump to
  /// `landing`, behind one of `user_menu` a jump to `user_landing`.
  uint64_t menu, user_menu, menu_stride;
  uint64_t landing, user_landing;
  uint64_t pvh_vector;                 /**< interrupt vector the PVH agent asks event upcalls on */
  uint64_t hypercall_page;
  uint64_t shared_info;                /**< where the agent maps shared_info (a page of the image given up for it) */
  uint64_t mailboxes, mailbox_stride;  /**< ASSAY_AGENT_VCPUS_MAX of them */
  uint64_t stacks, stack_bytes;        /**< stack of vCPU i ends at stacks + (i + 1) * stack_bytes */
  uint64_t pvh_page_tables;            /**< static map of the first GiB at 0 and at virt_base: L4 frame */
  uint64_t boot_records, boot_record_stride; /**< struct assay_boot_record, ASSAY_AGENT_VCPUS_MAX of them */
  uint64_t heap_start, heap_end;       /**< memory the agent never touches: the host's to hand out */
  uint64_t idle;                       /**< a function that does nothing, called for as long as there is no request */
};

#endif
