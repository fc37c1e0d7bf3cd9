// What C++ cannot say: the recovery point of an operation, calls with a given stack discipline, memory primitives.

.text
// bool agent_protected(Recovery* recovery, void (*run)(void*), void* argument)
// Runs it; returns 0 when it returned and 1 when it faulted. The recovery point is armed in between.
.globl agent_protected
agent_protected:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  push %rdi
  mov %rsp, (%rdi)
  mov %rsi, %rax
  mov %rdx, %rdi
  call *%rax
  xor %eax, %eax
protected_leave:
  pop %rdi
  movq $0, (%rdi)
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret

// void agent_recover(uint64_t stack_pointer): resumes at the recovery point armed there.
.globl agent_recover
agent_recover:
  mov %rdi, %rsp
  mov $1, %eax
  jmp protected_leave

// uint64_t agent_call(uint64_t address): calls code that may clobber any general register but rsp.
.globl agent_call
agent_call:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  push %rax
  call *%rdi
  pop %rcx
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  cld
  ret

// void agent_idle(): where a vCPU comes by for as long as nothing asks it for anything.
.globl agent_idle
.balign 256
agent_idle:
  pause
  ret

// By words: emulators do a store at a time.
.globl memcpy
memcpy:
  mov %rdi, %rax
  mov %rdx, %rcx
  shr $3, %rcx
  rep movsq
  mov %edx, %ecx
  and $7, %ecx
  rep movsb
  ret

.globl memset
memset:
  mov %rdi, %r8
  movzbl %sil, %eax
  movabs $0x0101010101010101, %rcx
  imul %rcx, %rax
  mov %rdx, %rcx
  shr $3, %rcx
  rep stosq
  mov %edx, %ecx
  and $7, %ecx
  rep stosb
  mov %r8, %rax
  ret

.section .note.GNU-stack, "", @progbits
