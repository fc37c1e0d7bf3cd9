// Entry points of a PVH guest: 32-bit start, long mode, descriptor tables, exceptions, event upcalls.
#include "sim/guest/agent/boot_record.h"

.set VIRT_BASE, 0xffffffff80000000
.set STACK_BYTES, 16384
.set RECORD, agent_boot_records - VIRT_BASE // of vCPU 0, at its physical address
.set CODE_SELECTOR, 0x08
.set DATA_SELECTOR, 0x10
.set PAGE_ATTRIBUTES, 0x67            // present, writable, user, accessed, dirty
.set PAGE_2M, 0x80
.set CR4_PAE, 0x20
.set MSR_EFER, 0xc0000080
.set EFER_LME, 0x100
.set CR0_BOOT, 0x80010033             // PG, WP, NE, ET, MP, PE

.text
.code32
// Places that the host knows by address lie alike whichever assembler made the code before them: digests tell.
.balign 256
.globl agent_pvh_entry
agent_pvh_entry:                      // ebx = physical address of hvm_start_info
  mov %eax, RECORD + 0
  mov %ebx, RECORD + 8
  mov %ecx, RECORD + 16
  mov %edx, RECORD + 24
  mov %esi, RECORD + 32
  mov %edi, RECORD + 40
  mov %ebp, RECORD + 48
  mov %esp, RECORD + 56
  movl $(agent_pvh_entry - VIRT_BASE), RECORD + 128
  mov $(agent_stacks + STACK_BYTES - VIRT_BASE), %esp
  pushf
  pop %eax
  mov %eax, RECORD + 136
  mov %cr0, %eax
  mov %eax, RECORD + 144
  mov %cr3, %eax
  mov %eax, RECORD + 152
  mov %cr4, %eax
  mov %eax, RECORD + 160
  mov %cs, RECORD + 168
  mov %ss, RECORD + 170
  mov %ds, RECORD + 172
  mov %es, RECORD + 174
  mov %fs, RECORD + 176
  mov %gs, RECORD + 178
  cld
  mov $(agent_pvh_l4 - VIRT_BASE), %eax
  mov %eax, %cr3
  mov $CR4_PAE, %eax
  mov %eax, %cr4
  mov $MSR_EFER, %ecx
  rdmsr
  or $EFER_LME, %eax
  wrmsr
  mov $CR0_BOOT, %eax
  mov %eax, %cr0
  lgdt gdt_pointer_low - VIRT_BASE
  ljmp $CODE_SELECTOR, $(pvh_long_mode - VIRT_BASE)

.code64
pvh_long_mode:                        // still at the low alias
  movabs $pvh_high, %rax
  jmp *%rax
pvh_high:
  lea agent_stacks + STACK_BYTES(%rip), %rsp
  mov %ebx, %ebx
  call load_tables
  mov %rbx, %rdi
  call agent_pvh_main
  ud2

.balign 256
.globl agent_pvh_secondary
agent_pvh_secondary:                  // long mode on agent_pvh_l4; rdi = vcpu id
  record_further agent_pvh_secondary
  mov %cr0, %rbx
  mov %rbx, 144(%rax)
  mov %cr3, %rbx
  mov %rbx, 152(%rax)
  mov %cr4, %rbx
  mov %rbx, 160(%rax)
  cld
  lea 1(%rdi), %rax
  imul $STACK_BYTES, %rax, %rax
  lea agent_stacks(%rip), %rsp
  add %rax, %rsp
  call load_tables
  call agent_pvh_secondary_main
  ud2

load_tables:
  lgdt gdt_pointer(%rip)
  pop %rax
  push $CODE_SELECTOR
  push %rax
  mov $DATA_SELECTOR, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  xor %eax, %eax
  mov %eax, %fs
  mov %eax, %gs
  xor %ebp, %ebp
  lretq

.globl agent_pvh_event
agent_pvh_event:                      // frame: rip, cs, rflags, rsp, ss
  push %rax
  push %rcx
  push %rdx
  push %rsi
  push %rdi
  push %r8
  push %r9
  push %r10
  push %r11
  push %rbp
  mov %rsp, %rbp
  cld
  mov 8*10(%rsp), %rdi
  mov 8*10+16(%rsp), %rsi
  and $-16, %rsp
  call agent_upcall
  mov %rbp, %rsp
  pop %rbp
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rdi
  pop %rsi
  pop %rdx
  pop %rcx
  pop %rax
  iretq

.globl agent_pvh_spurious
agent_pvh_spurious:
  iretq

.section .data.page_aligned, "aw", @progbits
.balign 4096
.globl agent_pvh_l4
agent_pvh_l4:
  .quad pvh_l3_low - VIRT_BASE + PAGE_ATTRIBUTES
  .fill 510, 8, 0
  .quad pvh_l3_high - VIRT_BASE + PAGE_ATTRIBUTES
pvh_l3_low:
  .quad pvh_l2 - VIRT_BASE + PAGE_ATTRIBUTES
  .fill 511, 8, 0
pvh_l3_high:
  .fill 510, 8, 0
  .quad pvh_l2 - VIRT_BASE + PAGE_ATTRIBUTES
  .quad 0
pvh_l2:
.set frame_address, 0
.rept 512
  .quad frame_address + PAGE_ATTRIBUTES + PAGE_2M
  .set frame_address, frame_address + 0x200000
.endr

.data
.balign 8
gdt:
  .quad 0
  .quad 0x00af9b000000ffff            // 64-bit code, ring 0
  .quad 0x00cf93000000ffff            // data, ring 0
  .quad 0x00affb000000ffff            // 64-bit code, ring 3
  .quad 0x00cff3000000ffff            // data, ring 3
  .quad 0x00cf9b000000ffff            // 32-bit code, ring 0
.globl agent_task_descriptors
agent_task_descriptors:               // one for each vCPU, as loading one marks it busy; pvh.cpp fills them
  .fill 16, 8, 0
gdt_end:
gdt_pointer_low:
  .word gdt_end - gdt - 1
  .long gdt - VIRT_BASE
gdt_pointer:
  .word gdt_end - gdt - 1
  .quad gdt

// Where ring 0 finds a stack when ring 3 is left.
.section .bss.agent_entry_stack, "aw", @nobits
.balign 4096
.globl agent_entry_stack
agent_entry_stack:
  .skip 4096

.section .note.GNU-stack, "", @progbits
