/// Registers as gdb sees them: the target description, and values in the order and sizes that it lays down.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/debug/debuggee.hpp"

namespace assay::debug {

/// What gdb reads as target.xml: x86-64 without an operating system. The floating-point registers are in it because gdb
/// refuses a processor without them; their values are unavailable.
/// Source: GDB manual, Target Descriptions, i386 Features.
std::string target_description();

/// All values, as the answer to "g".
std::string encode_registers(const Registers& registers);
/// The value of one register, as the answer to "p". None when gdb has no register of that number.
std::optional<std::string> encode_register(const Registers& registers, uint64_t number);

/// Takes all values over, as "G" sends them; those of registers that we lack are dropped. False when it is not what "g"
/// would look like; then nothing changed.
bool decode_registers(std::string_view digits, Registers& registers);
/// As above for one register and "P". False also for a register that we lack.
bool decode_register(std::string_view digits, uint64_t number, Registers& registers);

}  // namespace assay::debug
