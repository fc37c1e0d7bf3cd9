/// Exceptions and event upcalls, reached from the assembly stubs of both guest types.
#include "sim/guest/agent/agent.hpp"
#include "sim/guest/agent/execute.hpp"
#include "sim/guest/agent/print.hpp"

namespace agent {

namespace {
constexpr uint32_t kPageFault = 14;
}  // namespace

uint64_t fault_address(const State& self) {
  if (!is_pvh) return self.info->arch.cr2;
  uint64_t cr2 = 0;
  asm volatile("mov %%cr2, %0" : "=r"(cr2));
  return cr2;
}

State& state_by_stack(uint64_t stack_pointer) {
  const uint64_t index = (stack_pointer - 1 - address_of(agent_stacks)) / kStackBytes;
  if (index < kVcpusMax) return states[index];
  State* const owner = __atomic_load_n(&executing, __ATOMIC_ACQUIRE);
  return owner == nullptr ? states[0] : *owner;
}

extern "C" {

[[noreturn]] void agent_die(uint32_t vector, uint64_t error_code, uint64_t rip) {
  const State& self = state_by_stack(address_of(__builtin_frame_address(0)));
  Line()
      .text("assay-agent: vcpu ")
      .dec(self.id)
      .text(" died: vector ")
      .dec(vector)
      .text(" error ")
      .hex(error_code)
      .text(" rip ")
      .hex(rip)
      .text(" address ")
      .hex(fault_address(self))
      .print();
  sched_shutdown shutdown{};
  shutdown.reason = SHUTDOWN_crash;
  for (;;) hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, address_of(&shutdown));
}
}

[[noreturn]] void agent_fault(State& self, uint32_t vector, uint64_t error_code, uint64_t rip) {
  if (self.recovery.stack_pointer == 0) agent_die(vector, error_code, rip);
  self.fault.vector = vector;
  self.fault.error_code = static_cast<uint32_t>(error_code);
  self.fault.address = vector == kPageFault ? fault_address(self) : 0;
  self.fault.rip = rip;
  agent_recover(self.recovery.stack_pointer);
}

extern "C" {

void agent_upcall(uint64_t rip, uint64_t rflags) {
  State& self = state_by_stack(address_of(__builtin_frame_address(0)));
  // A vector may be delivered twice (QEMU does it when an exit comes in the middle of a delivery), also into the midst
  // of its own handler: taking the pending bit is one step, and only who takes it counts.
  if (__atomic_exchange_n(&self.info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST) == 0) {
    __atomic_fetch_add(&self.upcalls_spurious, 1, __ATOMIC_RELAXED);
    return;
  }
  self.upcall_mask = self.info->evtchn_upcall_mask;
  self.upcall_rip = rip;
  self.upcall_rflags = rflags;
  __atomic_fetch_add(&self.upcall_count, 1, __ATOMIC_RELAXED);
}
}

}  // namespace agent
