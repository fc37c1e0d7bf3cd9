#include "sim/abi/describe.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <type_traits>
#include <vector>

#include "sim/abi/xen.hpp"

namespace assay {
namespace {

struct HypercallRow {
  uint64_t number;
  std::string_view name;
};
constexpr HypercallRow kHypercalls[] = {
#define ASSAY_HYPERCALL(number, name, guests, callers, continuable, state) HypercallRow{number, #name},
#include "sim/abi/hypercalls.def"
};

struct OperationRow {
  std::string_view hypercall;
  uint64_t number;
  OperationName names;
};
constexpr OperationRow kOperations[] = {
#define ASSAY_SUBOP(hypercall, number, name, argument, callers, copy_back, state) \
  OperationRow{#hypercall, number, {#name, #argument}},
#define ASSAY_SUBOP_UNNAMED(hypercall, number, name, argument, callers, copy_back, state) \
  OperationRow{#hypercall, number, {#name, #argument}},
#include "sim/abi/hypercalls.def"
};

struct Field {
  std::string_view structure;
  std::string_view name;
  size_t structure_bytes;
  size_t offset;
  size_t bytes;
  bool is_number;
  bool is_signed;
};

template <typename T>
constexpr Field make_field(std::string_view structure, std::string_view name, size_t structure_bytes, size_t offset) {
  return {structure, name, structure_bytes, offset, sizeof(T), std::is_integral_v<T>, std::is_signed_v<T>};
}

constexpr Field kFields[] = {
#define ASSAY_FIELD(structure, field)                                                   \
  make_field<std::remove_cvref_t<decltype((std::declval<struct structure&>().field))>>( \
      #structure, #field, sizeof(struct structure), offsetof(struct structure, field)),
#include "sim/abi/fields.def"
};

uint64_t load(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

std::string hexadecimal(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string hex_bytes(std::span<const std::byte> bytes) {
  constexpr size_t kShown = 16;
  std::string text;
  for (const std::byte byte : bytes.first(std::min(bytes.size(), kShown))) {
    char pair[4];
    std::snprintf(pair, sizeof pair, "%02x", static_cast<unsigned>(byte));
    text += pair;
  }
  return text + (bytes.size() > kShown ? "..." : "");
}

/// A domain id has names for what is no domain.
std::string domain_name(uint64_t value) {
  switch (value) {
    case DOMID_SELF:
      return "DOMID_SELF";
    case DOMID_IO:
      return "DOMID_IO";
    case DOMID_XEN:
      return "DOMID_XEN";
    case DOMID_INVALID:
      return "DOMID_INVALID";
    default:
      return std::to_string(value);
  }
}

int64_t sign_extended(uint64_t value, size_t bytes) {
  const unsigned unused = static_cast<unsigned>(64 - 8 * bytes);
  return static_cast<int64_t>(value << unused) >> unused;
}

std::string describe_field(const Field& field, std::span<const std::byte> bytes) {
  const uint64_t value = load(bytes);
  if (field.bytes > sizeof value) return hex_bytes(bytes);
  if (!field.is_number) return hexadecimal(value);  // a handle, or a small array
  if (field.bytes == sizeof(domid_t) && field.name.find("dom") != std::string_view::npos) return domain_name(value);
  if (field.is_signed) return std::to_string(sign_extended(value, field.bytes));
  return describe_number(value);
}

bool looks_like_text(std::span<const std::byte> bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), std::byte{0});
  return end != bytes.begin() && std::all_of(bytes.begin(), end, [](std::byte byte) {
           return byte >= std::byte{' '} && byte < std::byte{0x7f};
         });
}

std::string describe_unknown(std::span<const std::byte> bytes) {
  if (!looks_like_text(bytes)) return hex_bytes(bytes);
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return "\"" + text.substr(0, text.find('\0')) + "\"";
}

}  // namespace

std::optional<std::string_view> hypercall_name(uint64_t number) {
  const auto found = std::find_if(std::begin(kHypercalls), std::end(kHypercalls),
                                  [&](const HypercallRow& row) { return row.number == number; });
  if (found == std::end(kHypercalls)) return std::nullopt;
  return found->name;
}

CallShape call_shape(uint64_t number) {
  switch (number) {
    case __HYPERVISOR_vcpu_op:
      return {.command = 0, .argument = 2};
    case __HYPERVISOR_console_io:
      return {.command = 0, .argument = 2};
    case __HYPERVISOR_grant_table_op:
      return {.command = 0, .argument = 1, .count = 2};
    case __HYPERVISOR_mmu_update:
    case __HYPERVISOR_mmuext_op:
    case __HYPERVISOR_multicall:
      return {.command = -1, .argument = 0, .count = 1};
    case __HYPERVISOR_domctl:
    case __HYPERVISOR_sysctl:
    case __HYPERVISOR_platform_op:
    case __HYPERVISOR_set_trap_table:
    case __HYPERVISOR_set_gdt:
      return {.command = -1, .argument = 0};
    case __HYPERVISOR_set_timer_op:
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_update_va_mapping_otherdomain:
    case __HYPERVISOR_update_descriptor:
    case __HYPERVISOR_set_debugreg:
    case __HYPERVISOR_get_debugreg:
    case __HYPERVISOR_stack_switch:
    case __HYPERVISOR_fpu_taskswitch:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_iret:
      return {.command = -1, .argument = -1};
    case __HYPERVISOR_vm_assist:
    case __HYPERVISOR_set_segment_base:
      return {.command = 0, .argument = -1};
    default:
      return {};
  }
}

std::optional<OperationName> operation_name(uint64_t number, uint64_t command) {
  const auto hypercall = hypercall_name(number);
  if (!hypercall) return std::nullopt;
  // The upper bits of a memory_op command say where a preempted call is to go on. Source: public/memory.h.
  constexpr uint64_t kMemoryCommandMask = 0x3f;
  const uint64_t wanted = number == __HYPERVISOR_memory_op ? command & kMemoryCommandMask : command;
  const auto found = std::find_if(std::begin(kOperations), std::end(kOperations), [&](const OperationRow& row) {
    return row.hypercall == *hypercall && row.number == wanted;
  });
  if (found == std::end(kOperations)) return std::nullopt;
  return found->names;
}

size_t structure_bytes(std::string_view structure) {
  const auto found = std::find_if(std::begin(kFields), std::end(kFields),
                                  [&](const Field& field) { return field.structure == structure; });
  return found == std::end(kFields) ? 0 : found->structure_bytes;
}

std::string describe_structure(std::string_view structure, std::span<const std::byte> bytes) {
  if (structure_bytes(structure) == 0) return describe_unknown(bytes);
  std::string text;
  for (const Field& field : kFields) {
    if (field.structure != structure || field.offset + field.bytes > bytes.size()) continue;
    text += text.empty() ? "{" : ", ";
    const size_t prefix = field.name.rfind("u.", 0) == 0 ? 2 : 0;
    text +=
        std::string(field.name.substr(prefix)) + " " + describe_field(field, bytes.subspan(field.offset, field.bytes));
  }
  return text.empty() ? "{}" : text + "}";
}

std::string describe_number(uint64_t value) {
  constexpr uint64_t kDecimalMax = 0xffff;
  return value <= kDecimalMax ? std::to_string(value) : hexadecimal(value);
}

}  // namespace assay
