/// What the parts of the agent that take exceptions and execute instructions share.
#pragma once

#include "sim/guest/agent/agent.hpp"

namespace agent {

/// #DF #TS #NP #SS #GP #PF #AC #CP push an error code.
constexpr uint32_t kVectorsWithCode = 0x227d00;

/// The vCPU that executes an instruction, null when none does: there is one landing, and its stack may be anywhere, so
/// whoever arrives on a strange stack is that one.
extern State* executing;

void do_execute(State& self, const Request& request, Reply& reply, uint8_t* data);
/// CR2 as the last page fault left it.
uint64_t fault_address(const State& self);
/// An exception in an operation ends it; elsewhere it is the end of the domain.
[[noreturn]] void agent_fault(State& self, uint32_t vector, uint64_t error_code, uint64_t rip);

extern "C" {
extern uint8_t agent_entries[], agent_menu[], agent_user_menu[], agent_landing[];
void agent_enter(const assay_registers* registers, uint64_t rip, uint64_t cs, uint64_t ss, uint32_t way);
}

}  // namespace agent
