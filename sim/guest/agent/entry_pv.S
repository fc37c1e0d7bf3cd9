// Entry points of a PV64 guest: first and further vCPUs, exceptions, event upcalls.
#include "sim/guest/agent/boot_record.h"

.set STACK_BYTES, 16384
.set HYPERCALL_IRET, 23

.text
.globl agent_pv_entry
agent_pv_entry:                       // rsi = start_info
  mov %rax, agent_boot_records(%rip)
  lea agent_boot_records(%rip), %rax
  record_registers agent_pv_entry
  lea agent_stacks + STACK_BYTES(%rip), %rsp
  record_flags
  cld
  xor %ebp, %ebp
  mov %rsi, %rdi
  call agent_pv_main
  ud2

.globl agent_pv_secondary
agent_pv_secondary:                   // rdi = vcpu id; rsp is set here too, so that a loader need not get it right
  record_further agent_pv_secondary
  cld
  lea 1(%rdi), %rax
  imul $STACK_BYTES, %rax, %rax
  lea agent_stacks(%rip), %rsp
  add %rax, %rsp
  xor %ebp, %ebp
  call agent_pv_secondary_main
  ud2

.globl agent_pv_event
agent_pv_event:                       // frame: rcx, r11, rip, cs, rflags, rsp, ss
  push %rax
  push %rdx
  push %rsi
  push %rdi
  push %r8
  push %r9
  push %r10
  push %rbp
  mov %rsp, %rbp
  cld
  mov 8*8+16+0(%rsp), %rdi            // rip
  mov 8*8+16+16(%rsp), %rsi           // rflags
  and $-16, %rsp
  call agent_upcall
  mov %rbp, %rsp
  pop %rbp
  pop %r10
  pop %r9
  pop %r8
  pop %rdi
  pop %rsi
  pop %rdx
  pop %rax
  pop %rcx
  pop %r11
  push $0                             // iret_context.flags
  jmp hypercall_page + HYPERCALL_IRET * 32

.section .note.GNU-stack, "", @progbits
