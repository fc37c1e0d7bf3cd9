/// ASSAY_OP_EXECUTE in the steps of a case: which instruction, and where it led.
#pragma once

#include <span>
#include <string>

#include "sim/target/target.hpp"

namespace assay {

/// "syscall in user mode, rax 0x5a..., rip ...".
std::string show_instruction(const GuestRequest& request);

/// "entry 34 (syscall) at 0x..., cs 0xe033, rflags ..., frame [...]"; `bytes`: a struct assay_execution.
std::string show_execution(std::span<const std::byte> bytes);

}  // namespace assay
