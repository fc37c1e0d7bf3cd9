/// A whole hypercall in words, with what its argument pointer leads to: "EVTCHNOP_send {port 7}".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace assay {

/// "SCHEDOP_poll {...}". `arguments`: the registers behind the number; `argument`: what is at the argument pointer.
/// Without it, or when the call has no structure, the registers are shown.
std::string describe_call(uint64_t number, std::span<const uint64_t> arguments, std::span<const std::byte> argument);

/// How many registers carry arguments; what others hold is nobody's business. 6 for a number that does not exist.
size_t argument_count(uint64_t number);

/// What a call was given behind its argument pointer, or gave back there; of an array the first elements.
std::string describe_argument(uint64_t number, uint64_t command, std::span<const std::byte> bytes);

/// How many bytes at the argument pointer are worth a look. 0: there is no structure whose fields are known.
size_t argument_bytes(uint64_t number, std::span<const uint64_t> arguments);

/// " 1 0x20000": each after a space, zeroes at the end left out.
std::string describe_numbers(std::span<const uint64_t> numbers);

/// "0", "17", "-EINVAL (-22)".
std::string describe_result(int64_t value);

/// "EINVAL" for 22; empty when the public errno.h has no such number.
std::string_view errno_name(int64_t positive);

}  // namespace assay
