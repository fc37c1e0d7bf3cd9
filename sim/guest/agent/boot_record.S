// Where the boot records of the vCPUs lie.
#include "sim/guest/agent/boot_record.h"

// One record for each vCPU, and what a further vCPU needs while it fills its own.
.section .bss.agent_boot_records, "aw", @nobits
.balign 64
.globl agent_boot_records
agent_boot_records:
  .skip 8 * RECORD_BYTES
.globl agent_first_rax
agent_first_rax:
  .skip 8
.globl agent_first_rsp
agent_first_rsp:
  .skip 8
.globl agent_first_flags
agent_first_flags:
  .skip 8
agent_early_stack:
  .skip 64
.globl agent_early_stack_end
agent_early_stack_end:

.section .note.GNU-stack, "", @progbits
