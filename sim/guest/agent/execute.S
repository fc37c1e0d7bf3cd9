// ASSAY_OP_EXECUTE: into a register state, the menu of instructions, and the places that take note of who arrives.

.set HYPERCALL_IRET, 23
.set ENTRY_COUNT, 48
.set ENTRY_LANDING, 38
.set LANDING_VECTOR, 4
.set STRIDE, 16

.text
// One stub per number. What is on the stack there is the hypervisor's frame (PV64: rcx, r11, [error code,] rip, cs,
// rflags, rsp, ss) or the processor's (PVH: [error code,] rip, cs, rflags, rsp, ss).
.globl agent_entries
.balign STRIDE
agent_entries:
.set entry, 0
.rept ENTRY_COUNT
  .balign STRIDE, 0xcc
  push $entry
  jmp entered
  .set entry, entry + 1
.endr
.balign STRIDE, 0xcc

.macro save_registers                 // struct Saved of execute.cpp
  pushfq
  push %r15
  push %r14
  push %r13
  push %r12
  push %r11
  push %r10
  push %r9
  push %r8
  push %rsp                           // a place: agent_entered is told
  push %rbp
  push %rdi
  push %rsi
  push %rdx
  push %rcx
  push %rbx
  push %rax
.endm

entered:
  save_registers
  lea 18*8(%rsp), %rsi                // rsp on arrival: the frame
note:
  cld
  mov %rsp, %rdi
  and $-16, %rsp
  call agent_entered
  ud2

.globl agent_landing
agent_landing:                        // kernel mode; the stack pointer may be anything
  mov %rsp, landing_rsp(%rip)
  lea landing_stack + 1024(%rip), %rsp
  push $ENTRY_LANDING
  save_registers
  push $2
  popfq                               // no trap, no alignment checks, no nested task from here on
  mov landing_rsp(%rip), %rsi
  jmp note

.globl agent_user_landing
agent_user_landing:
  int $LANDING_VECTOR

.macro menu landing
  .macro item instruction:vararg
    .balign STRIDE, 0xcc
    \instruction
    jmp \landing
  .endm
  item nop
  item syscall
  item vmmcall
  item int3
  item int $0x80
  item ud2
  item mov (%rdi), %rax
  item mov %rax, (%rdi)
  item mov %fs:(%rdi), %rax
  item mov %gs:(%rdi), %rax
  item call *%rbx
  item jmp *%rbx
  item fnop
  item vmcall
  .balign STRIDE, 0xcc
  .purgem item
.endm

.globl agent_menu
.balign STRIDE, 0xcc
agent_menu:
  menu agent_landing

.globl agent_user_menu
agent_user_menu:
  menu agent_user_landing

// void agent_enter(const assay_registers* registers, uint64_t rip, uint64_t cs, uint64_t ss, uint32_t way)
// Leaves for that state; what comes of it arrives in agent_entered. way: enum class Way of execute.cpp.
.globl agent_enter
agent_enter:
  test %r8d, %r8d
  jz by_jump
  push %rcx
  pushq 7*8(%rdi)                     // rsp
  pushq 16*8(%rdi)                    // rflags
  push %rdx
  push %rsi
  cmp $1, %r8d
  je 1f
  push $0                             // iret_context.flags
1:
.macro load_registers                 // changes no flags
  mov 0*8(%rdi), %rax
  mov 1*8(%rdi), %rbx
  mov 2*8(%rdi), %rcx
  mov 3*8(%rdi), %rdx
  mov 4*8(%rdi), %rsi
  mov 6*8(%rdi), %rbp
  mov 8*8(%rdi), %r8
  mov 9*8(%rdi), %r9
  mov 10*8(%rdi), %r10
  mov 11*8(%rdi), %r11
  mov 12*8(%rdi), %r12
  mov 13*8(%rdi), %r13
  mov 14*8(%rdi), %r14
  mov 15*8(%rdi), %r15
  mov 5*8(%rdi), %rdi
.endm
  load_registers
  jne 2f
  iretq
2:
  jmp hypercall_page + HYPERCALL_IRET * 32
by_jump:
  mov %rsi, start_rip(%rip)
  mov 7*8(%rdi), %rax
  mov %rax, start_rsp(%rip)
  pushq 16*8(%rdi)
  load_registers
  popfq
  mov start_rsp(%rip), %rsp
  jmp *start_rip(%rip)

.bss
.balign 16
landing_stack:
  .skip 1024
landing_rsp:
  .skip 8
start_rip:
  .skip 8
start_rsp:
  .skip 8

.section .note.GNU-stack, "", @progbits
