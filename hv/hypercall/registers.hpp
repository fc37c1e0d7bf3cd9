/// Which registers carry a hypercall. Source: public/arch-x86/xen-x86_64.h, public/arch-x86/xen-x86_32.h.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv {

constexpr uint64_t kPvInstructionBytes = 2;   ///< syscall
constexpr uint64_t kHvmInstructionBytes = 3;  ///< vmcall and vmmcall

/// PV64 and HVM in a 64-bit code segment; everything else uses the 32-bit convention.
[[nodiscard]] bool is_long_mode(const Vcpu& vcpu);
/// Number and arguments of the call that a guest has just made.
[[nodiscard]] Call read_call(Vcpu& vcpu);
void write_result(Vcpu& vcpu, int64_t result);
/// Back to the instruction, with other arguments in the first registers.
void rewind_call(Vcpu& vcpu, uint64_t number, std::initializer_list<uint64_t> args);

/// Runs the handler of a call for the caller's guest type; -ENOSYS when there is none.
int64_t hypercall_dispatch(Call& call);

}  // namespace hv
