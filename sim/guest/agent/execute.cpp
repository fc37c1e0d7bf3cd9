/// ASSAY_OP_EXECUTE: enters a register state, and takes note of where that leads.
#include "sim/guest/agent/execute.hpp"

#include "sim/guest/agent/agent.hpp"

namespace agent {

State* executing;

namespace {

constexpr uint64_t kStride = 16;
constexpr uint64_t kFlagAlwaysOne = 2;
constexpr uint64_t kPvKernelCs = FLAT_KERNEL_CS;
constexpr uint64_t kPvKernelSs = FLAT_KERNEL_SS;
// PVH: see the descriptor table in entry_pvh.S.
constexpr uint64_t kKernelCode = 0x08;
constexpr uint64_t kKernelData = 0x10;
constexpr uint64_t kUserCode = 0x18 | 3;
constexpr uint64_t kUserData = 0x20 | 3;
constexpr uint64_t kKernelCode32 = 0x28;
/// Behind the menu: the other processors' word for ASSAY_INSTRUCTION_VMCALL.
constexpr uint64_t kIntelVmcall = ASSAY_INSTRUCTION_COUNT_;

/// As save_registers of execute.S leaves it.
struct Saved {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rflags;
  uint64_t entry;
};

/// How a state is entered. A PV64 kernel goes to itself by a jump: iretq of ring 3 reads its frame as ring 0 in QEMU,
/// which SMAP forbids.
enum Way : uint32_t { kByJump = 0, kByIretq = 1, kByHypervisor = 2 };

struct Start {
  assay_registers registers;
  uint64_t rip, cs, ss;
  Way way;
};

void begin(State& self) {
  State* nobody = nullptr;
  while (!__atomic_compare_exchange_n(&executing, &nobody, &self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
    nobody = nullptr;
    asm volatile("pause" ::: "memory");
  }
}

void copy_bytes(void* to, const void* from, uint64_t bytes) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
}

uint32_t check(const Request& request, const assay_registers& registers) {
  const uint64_t instruction = request.arg[0];
  const uint64_t mode = request.arg[1];
  if (instruction >= ASSAY_INSTRUCTION_COUNT_ || mode >= ASSAY_EXECUTE_MODE_COUNT_) return ASSAY_STATUS_BAD_ARGUMENT;
  const uint64_t flags = mode == ASSAY_EXECUTE_USER ? ASSAY_EXECUTE_USER_FLAGS : ASSAY_EXECUTE_FLAGS;
  if ((registers.rflags & ~(flags | kFlagAlwaysOne)) != 0) return ASSAY_STATUS_BAD_ARGUMENT;
  if (instruction == (is_pvh ? ASSAY_INSTRUCTION_SYSCALL : ASSAY_INSTRUCTION_VMCALL)) return ASSAY_STATUS_UNSUPPORTED;
  if (mode != ASSAY_EXECUTE_KERNEL32) return ASSAY_STATUS_OK;
  const bool known = instruction == ASSAY_INSTRUCTION_NOP || instruction == ASSAY_INSTRUCTION_VMCALL;
  return is_pvh && known ? ASSAY_STATUS_OK : ASSAY_STATUS_UNSUPPORTED;
}

Start start_for(const Request& request, const assay_registers& registers) {
  uint64_t item = request.arg[0];
  if (item == ASSAY_INSTRUCTION_VMCALL && !is_amd) item = kIntelVmcall;
  const uint64_t mode = request.arg[1];
  Start start{registers, 0, kPvKernelCs, kPvKernelSs, is_pvh ? kByIretq : kByJump};
  start.registers.rflags |= kFlagAlwaysOne;
  start.rip = address_of(mode == ASSAY_EXECUTE_KERNEL ? agent_menu : agent_user_menu) + item * kStride;
  if (!is_pvh) {
    if (mode == ASSAY_EXECUTE_USER) start.cs = FLAT_USER_CS, start.ss = FLAT_USER_SS, start.way = kByHypervisor;
    return start;
  }
  start.cs = mode == ASSAY_EXECUTE_USER ? kUserCode : kKernelCode;
  start.ss = mode == ASSAY_EXECUTE_USER ? kUserData : kKernelData;
  if (mode == ASSAY_EXECUTE_KERNEL32) start.cs = kKernelCode32, start.rip -= kVirtBase;
  return start;
}

void enter(void* argument) {
  const auto* start = static_cast<const Start*>(argument);
  agent_enter(&start->registers, start->rip, start->cs, start->ss, start->way);
}

void read_selectors(assay_registers& registers) {
  asm volatile("mov %%cs, %0" : "=r"(registers.cs));
  asm volatile("mov %%ss, %0" : "=r"(registers.ss));
  asm volatile("mov %%ds, %0" : "=r"(registers.ds));
  asm volatile("mov %%es, %0" : "=r"(registers.es));
  asm volatile("mov %%fs, %0" : "=r"(registers.fs));
  asm volatile("mov %%gs, %0" : "=r"(registers.gs));
}

void note(State& self, const Saved& saved, uint64_t stack_pointer) {
  assay_execution& execution = self.execution;
  execution.entry = static_cast<uint32_t>(saved.entry);
  execution.upcall_mask = is_pvh ? 0 : self.info->evtchn_upcall_mask;
  execution.cr2 = fault_address(self);
  copy_bytes(&execution.at, &saved, sizeof saved - sizeof saved.entry);
  execution.at.rsp = stack_pointer;
  const bool landed = saved.entry == ASSAY_ENTRY_LANDING;
  execution.at.rip = landed ? address_of(agent_landing) : address_of(agent_entries) + saved.entry * kStride;
  read_selectors(execution.at);
  // The page that holds the frame is there; the next one need not be.
  const uint64_t room = (kPageBytes - stack_pointer % kPageBytes) / sizeof(uint64_t);
  execution.frame_words = room < ASSAY_FRAME_WORDS_MAX ? room : ASSAY_FRAME_WORDS_MAX;
  if (landed) execution.frame_words = 0;
  copy_bytes(execution.frame, reinterpret_cast<const void*>(stack_pointer), execution.frame_words * sizeof(uint64_t));
}

}  // namespace

void do_execute(State& self, const Request& request, Reply& reply, uint8_t* data) {
  assay_registers registers{};
  if (request.data_bytes != sizeof registers) {
    reply.status = ASSAY_STATUS_BAD_ARGUMENT;
    return;
  }
  copy_bytes(&registers, data, sizeof registers);
  reply.status = check(request, registers);
  if (reply.status != ASSAY_STATUS_OK) return;
  Start start = start_for(request, registers);
  const bool enabled = upcalls_enabled(self);
  begin(self);
  self.execution = assay_execution{};
  agent_protected(&self.execution_recovery, enter, &start);
  __atomic_store_n(&executing, static_cast<State*>(nullptr), __ATOMIC_RELEASE);
  set_upcalls(self, enabled);
  copy_bytes(data, &self.execution, sizeof self.execution);
  reply.data_bytes = sizeof self.execution;
  reply.value[0] = self.execution.entry;
}

extern "C" [[noreturn]] void agent_entered(const Saved* saved, uint64_t stack_pointer) {
  State& self = state_by_stack(stack_pointer);
  if (self.execution_recovery.stack_pointer != 0) {
    note(self, *saved, stack_pointer);
    agent_recover(self.execution_recovery.stack_pointer);
  }
  // rcx and r11 come first in the hypervisor's frame, and nothing does in the processor's.
  const auto* frame = reinterpret_cast<const uint64_t*>(stack_pointer) + (is_pvh ? 0 : 2);
  const bool has_code = saved->entry < 32 && (kVectorsWithCode >> saved->entry & 1) != 0;
  agent_fault(self, static_cast<uint32_t>(saved->entry), has_code ? frame[0] : 0, frame[has_code ? 1 : 0]);
}

}  // namespace agent
