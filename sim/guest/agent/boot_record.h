/// Assembly macros that fill a struct assay_boot_record, field by field.
.set RECORD_BYTES, 192                // struct assay_boot_record, field by field

// Keeps what the registers hold in the record that rax points to; rax itself has been kept. Clobbers rax, rbx.
.macro record_registers entry
  mov %rbx, 8(%rax)
  mov %rcx, 16(%rax)
  mov %rdx, 24(%rax)
  mov %rsi, 32(%rax)
  mov %rdi, 40(%rax)
  mov %rbp, 48(%rax)
  mov %rsp, 56(%rax)
  mov %r8, 64(%rax)
  mov %r9, 72(%rax)
  mov %r10, 80(%rax)
  mov %r11, 88(%rax)
  mov %r12, 96(%rax)
  mov %r13, 104(%rax)
  mov %r14, 112(%rax)
  mov %r15, 120(%rax)
  lea \entry(%rip), %rbx
  mov %rbx, 128(%rax)
  mov %cs, 168(%rax)
  mov %ss, 170(%rax)
  mov %ds, 172(%rax)
  mov %es, 174(%rax)
  mov %fs, 176(%rax)
  mov %gs, 178(%rax)
.endm

// The flags too; rsp is the agent's own by now, and no instruction in between changed them.
.macro record_flags
  pushfq
  pop %rbx
  mov %rbx, 136(%rax)
.endm

// Of a further vCPU, whose number is in rdi: all of the above. Clobbers rax, rbx, rsp.
.macro record_further entry
  mov %rax, agent_first_rax(%rip)
  mov %rsp, agent_first_rsp(%rip)
  lea agent_early_stack_end(%rip), %rsp
  pushfq
  pop %rax
  mov %rax, agent_first_flags(%rip)
  mov %rdi, %rax
  and $7, %eax
  imul $RECORD_BYTES, %rax, %rax
  push %rbx
  lea agent_boot_records(%rip), %rbx
  add %rbx, %rax
  pop %rbx
  record_registers \entry
  mov agent_first_rax(%rip), %rbx
  mov %rbx, (%rax)
  mov agent_first_rsp(%rip), %rbx
  mov %rbx, 56(%rax)
  mov agent_first_flags(%rip), %rbx
  mov %rbx, 136(%rax)
.endm
