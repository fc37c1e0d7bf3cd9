/// Hypercalls and their arguments in words: "EVTCHNOP_send", "{dom 2, port 7}". For reports and traces; decides
/// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace assay {

/// Where a hypercall keeps what it is to do and on what: index of the register argument, -1 = it has none.
struct CallShape {
  int command = 0;   ///< sub-operation
  int argument = 1;  ///< pointer to the argument structure, or to the first of an array
  int count = -1;    ///< elements of that array
};

/// "event_channel_op" for 32; nothing for a number without a row in hypercalls.def.
std::optional<std::string_view> hypercall_name(uint64_t number);
CallShape call_shape(uint64_t number);

/// A row of hypercalls.def.
struct OperationName {
  std::string_view name;      ///< "EVTCHNOP_send"
  std::string_view argument;  ///< "evtchn_send"; "void" when there is no structure
};
/// Nothing when the hypercall has no such sub-operation.
std::optional<OperationName> operation_name(uint64_t number, uint64_t command);

/// Bytes of one structure; 0 when its fields are not known (sim/abi/fields.def).
size_t structure_bytes(std::string_view structure);
/// "{dom 2, port 7}". Bytes that are missing at the end leave fields out; a structure that is not known is shown as
/// text when it looks like text and as bytes otherwise.
std::string describe_structure(std::string_view structure, std::span<const std::byte> bytes);

/// "9", "0x12345": small numbers decimal, others hexadecimal.
std::string describe_number(uint64_t value);

}  // namespace assay
