#include "sim/abi/describe_call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

#include "sim/abi/describe.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

/// Arguments of each hypercall. Source: the prototypes of public/xen.h and its kin, x86 with 64 bits.
struct CountRow {
  std::string_view name;
  size_t arguments;
};
constexpr CountRow kCounts[] = {
    {"iret", 0},
    {"set_trap_table", 1},
    {"fpu_taskswitch", 1},
    {"platform_op", 1},
    {"get_debugreg", 1},
    {"set_timer_op", 1},
    {"event_channel_op_compat", 1},
    {"physdev_op_compat", 1},
    {"xsm_op", 1},
    {"sysctl", 1},
    {"domctl", 1},
    {"tmem_op", 1},
    {"mca", 1},
    {"arch_1", 1},
    {"set_gdt", 2},
    {"stack_switch", 2},
    {"sched_op_compat", 2},
    {"set_debugreg", 2},
    {"update_descriptor", 2},
    {"memory_op", 2},
    {"multicall", 2},
    {"xen_version", 2},
    {"vm_assist", 2},
    {"set_segment_base", 2},
    {"nmi_op", 2},
    {"sched_op", 2},
    {"callback_op", 2},
    {"xenoprof_op", 2},
    {"event_channel_op", 2},
    {"physdev_op", 2},
    {"hvm_op", 2},
    {"kexec_op", 2},
    {"xenpmu_op", 2},
    {"set_callbacks", 3},
    {"update_va_mapping", 3},
    {"console_io", 3},
    {"grant_table_op", 3},
    {"vcpu_op", 3},
    {"dm_op", 3},
    {"mmu_update", 4},
    {"update_va_mapping_otherdomain", 4},
    {"mmuext_op", 4},
    {"argo_op", 5},
    {"hypfs_op", 5},
};

constexpr uint64_t kShownElements = 3;
constexpr int64_t kErrnoMax = 4095;  // results from -4095 to -1 are errors

struct Errno {
  std::string_view name;
  int64_t value;
};

// The public header lists every value through this macro, and undefines it.
#define XEN_ERRNO(name, value) {#name, value},
constexpr Errno kErrnos[] = {
#include <xen/errno.h>
};

/// domctl, sysctl and platform_op keep the operation inside their argument, before the structure that goes with it.
size_t payload_offset(uint64_t number) {
  switch (number) {
    case __HYPERVISOR_domctl:
      return offsetof(xen_domctl, u);
    case __HYPERVISOR_sysctl:
      return offsetof(xen_sysctl, u);
    default:
      return 0;
  }
}

uint32_t first_word(std::span<const std::byte> bytes) {
  uint32_t word = 0;
  if (bytes.size() >= sizeof word) std::memcpy(&word, bytes.data(), sizeof word);
  return word;
}

std::string describe_control(uint64_t number, std::span<const std::byte> bytes) {
  const auto names = operation_name(number, first_word(bytes));
  const size_t offset = payload_offset(number);
  std::string text = names ? std::string(names->name) : fmt::format("command {}", first_word(bytes));
  if (number == __HYPERVISOR_domctl && bytes.size() >= offset) {
    domid_t domain = 0;
    std::memcpy(&domain, bytes.data() + offsetof(xen_domctl, domain), sizeof domain);
    text += fmt::format(" d{}", domain);
  }
  if (names && names->argument != "void" && bytes.size() > offset) {
    text += " " + describe_structure(names->argument, bytes.subspan(offset));
  }
  return text;
}

std::string describe_multicall_entry(std::span<const std::byte> bytes) {
  multicall_entry_t entry{};
  std::memcpy(&entry, bytes.data(), sizeof entry);
  const auto name = hypercall_name(entry.op);
  const auto names = operation_name(entry.op, entry.args[0]);
  const std::string what =
      names ? std::string(names->name) : (name ? std::string(*name) : fmt::format("hypercall {}", entry.op));
  return fmt::format("{} = {}", what, describe_result(static_cast<int64_t>(entry.result)));
}

/// One element of an array argument.
std::string describe_element(uint64_t number, std::string_view structure, std::span<const std::byte> bytes) {
  if (number == __HYPERVISOR_multicall) return describe_multicall_entry(bytes);
  if (number != __HYPERVISOR_mmuext_op) return describe_structure(structure, bytes);
  const auto names = operation_name(number, first_word(bytes));
  return (names ? std::string(names->name) + " " : "") + describe_structure(structure, bytes);
}

std::string_view structure_of(uint64_t number, uint64_t command) {
  switch (number) {
    case __HYPERVISOR_mmu_update:
      return "mmu_update";
    case __HYPERVISOR_mmuext_op:
      return "mmuext_op";
    case __HYPERVISOR_multicall:
      return "multicall_entry";
    default: {
      const auto names = operation_name(number, command);
      return names ? names->argument : "void";
    }
  }
}

uint64_t command_of(const CallShape& shape, std::span<const uint64_t> arguments) {
  const bool is_there = shape.command >= 0 && static_cast<size_t>(shape.command) < arguments.size();
  return is_there ? arguments[static_cast<size_t>(shape.command)] : 0;
}

}  // namespace

std::string describe_argument(uint64_t number, uint64_t command, std::span<const std::byte> bytes) {
  if (payload_offset(number) != 0) return describe_control(number, bytes);
  const std::string_view structure = structure_of(number, command);
  const size_t each = structure_bytes(structure);
  if (each == 0) return describe_structure(structure, bytes);
  std::string text;
  uint64_t shown = 0;
  for (size_t at = 0; at + each <= bytes.size() && shown < kShownElements; at += each, ++shown) {
    text += (shown == 0 ? "" : ", ") + describe_element(number, structure, bytes.subspan(at, each));
  }
  return text + (bytes.size() >= (shown + 1) * each ? ", ..." : "");
}

size_t argument_count(uint64_t number) {
  constexpr size_t kAll = 6;
  const auto name = hypercall_name(number);
  const auto* const row =
      std::find_if(std::begin(kCounts), std::end(kCounts), [&](const CountRow& one) { return name == one.name; });
  return row == std::end(kCounts) ? kAll : row->arguments;
}

std::string describe_numbers(std::span<const uint64_t> numbers) {
  while (!numbers.empty() && numbers.back() == 0) numbers = numbers.first(numbers.size() - 1);
  std::string text;
  for (const uint64_t number : numbers) text += " " + describe_number(number);
  return text;
}

std::string describe_call(uint64_t number, std::span<const uint64_t> arguments, std::span<const std::byte> argument) {
  const CallShape shape = call_shape(number);
  const uint64_t command = command_of(shape, arguments);
  const auto name = hypercall_name(number);
  const bool has_command = shape.command >= 0 && !arguments.empty();
  const auto operation = has_command ? operation_name(number, command) : std::optional<OperationName>();
  std::string text = name ? std::string(*name) : fmt::format("hypercall {}", describe_number(number));
  if (operation) text = operation->name;
  const bool has_structure = payload_offset(number) != 0 || structure_of(number, command) != "void";
  if (!has_structure || argument.empty()) {
    return text + describe_numbers(operation ? arguments.subspan(1) : arguments);
  }
  std::string others;  // such as the vcpu of a vcpu_op
  for (size_t i = operation ? 1 : 0; i < arguments.size(); ++i) {
    if (static_cast<int>(i) != shape.argument && arguments[i] != 0) others += " " + describe_number(arguments[i]);
  }
  return text + others + " " + describe_argument(number, command, argument);
}

size_t argument_bytes(uint64_t number, std::span<const uint64_t> arguments) {
  switch (number) {
    case __HYPERVISOR_domctl:
      return sizeof(xen_domctl);
    case __HYPERVISOR_sysctl:
      return sizeof(xen_sysctl);
    default:
      break;
  }
  const CallShape shape = call_shape(number);
  if (shape.argument < 0) return 0;
  const size_t each = structure_bytes(structure_of(number, command_of(shape, arguments)));
  const auto count = static_cast<size_t>(std::max(shape.count, 0));
  const uint64_t elements = shape.count >= 0 && count < arguments.size() ? arguments[count] : 1;
  return each * std::min(elements, kShownElements + 1);  // one more: that there are more is said, too
}

std::string describe_result(int64_t value) {
  if (value >= 0 || value < -kErrnoMax) return fmt::format("{}", value);
  const std::string_view name = errno_name(-value);
  return name.empty() ? fmt::format("{}", value) : fmt::format("-{} ({})", name, value);
}

std::string_view errno_name(int64_t positive) {
  // EAGAIN and EWOULDBLOCK share a number: the first name wins.
  const auto* found =
      std::find_if(std::begin(kErrnos), std::end(kErrnos), [&](const Errno& entry) { return entry.value == positive; });
  return found == std::end(kErrnos) ? std::string_view{} : found->name;
}

}  // namespace assay
