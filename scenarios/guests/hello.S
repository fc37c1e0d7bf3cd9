/* A PV64 kernel for scenarios: computes for a while, writes a line to its console, tells the other end of it, and
   powers off. Offsets are those of public/xen.h, struct start_info, and public/io/console.h, struct xencons_interface. */
#define CONSOLE_MFN 72
#define CONSOLE_PORT 80
#define RING_OUT 1024
#define RING_OUT_MASK 2047
#define RING_OUT_PROD 3084
#define M2P 0xffff800000000000
#define HYPERVISOR_SCHED_OP 29
#define SCHEDOP_SHUTDOWN 2
#define SHUTDOWN_POWEROFF 0
#define HYPERVISOR_EVENT_CHANNEL_OP 32
#define EVTCHNOP_SEND 4
#define ROUNDS 1000000

    .text
    .globl _start
_start:
    mov $ROUNDS, %ecx
0:  dec %ecx
    jnz 0b

    mov CONSOLE_PORT(%rsi), %r12d
    mov CONSOLE_MFN(%rsi), %rax
    movabs $M2P, %rbx
    mov (%rbx, %rax, 8), %rdi
    shl $12, %rdi                 /* it is mapped where it lies: VIRT_BASE is 0 */

    lea text(%rip), %rsi
    mov RING_OUT_PROD(%rdi), %ecx
1:  movzbl (%rsi), %eax
    test %al, %al
    jz 2f
    mov %ecx, %edx
    and $RING_OUT_MASK, %edx
    mov %al, RING_OUT(%rdi, %rdx)
    inc %ecx
    inc %rsi
    jmp 1b
2:  mov %ecx, RING_OUT_PROD(%rdi)

    sub $16, %rsp
    mov %r12d, (%rsp)
    mov %rsp, %rsi
    mov $EVTCHNOP_SEND, %edi
    mov $HYPERVISOR_EVENT_CHANNEL_OP, %eax
    syscall

    movl $SHUTDOWN_POWEROFF, (%rsp)
    mov %rsp, %rsi
    mov $SCHEDOP_SHUTDOWN, %edi
    mov $HYPERVISOR_SCHED_OP, %eax
    syscall
3:  jmp 3b

text:
    .asciz "hello from a guest\n"

    .macro note type, value
    .long 4, 8, \type
    .asciz "Xen"
    .quad \value
    .endm
    .section .note.Xen, "a", @note
    .balign 4
    note 1, _start                /* XEN_ELFNOTE_ENTRY */
    note 3, 0                     /* XEN_ELFNOTE_VIRT_BASE */
    .section .note.GNU-stack, "", @progbits
