#include "conformance/show_instruction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace assay {
namespace {

constexpr std::array<std::string_view, ASSAY_INSTRUCTION_COUNT_> kInstructions{
    "nop",           "syscall",           "vmcall",            "int3",       "int $0x80",  "ud2", "mov (%rdi), %rax",
    "mov %rax, (%rdi)", "mov %fs:(%rdi), %rax", "mov %gs:(%rdi), %rax", "call *%rbx", "jmp *%rbx", "fnop"};
constexpr std::array<std::string_view, ASSAY_EXECUTE_MODE_COUNT_> kModes{"kernel", "user", "32-bit kernel"};
constexpr std::array<std::string_view, ASSAY_ENTRY_COUNT_ - ASSAY_ENTRY_EVENT> kEntries{
    "event", "failsafe", "syscall", "32-bit syscall", "sysenter", "nmi", "landing", "user landing"};

template <size_t kCount>
std::string named(const std::array<std::string_view, kCount>& names, uint64_t index) {
  if (index < kCount && !names[index].empty()) return std::string(names[index]);
  return fmt::format("number {}", index);
}

std::string entry_name(uint32_t entry) {
  if (entry < ASSAY_ENTRY_EVENT) return fmt::format("exception {}", entry);
  return named(kEntries, entry - ASSAY_ENTRY_EVENT);
}

template <typename T>
T load(std::span<const std::byte> bytes) {
  T value{};
  if (!bytes.empty()) std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

}  // namespace

std::string show_instruction(const GuestRequest& request) {
  const auto registers = load<assay_registers>(request.in);
  return fmt::format("{} in {} mode, rax {:#x} rbx {:#x} rdi {:#x} rsp {:#x} rflags {:#x}",
                     named(kInstructions, request.arg[0]), named(kModes, request.arg[1]), registers.rax, registers.rbx,
                     registers.rdi, registers.rsp, registers.rflags);
}

std::string show_execution(std::span<const std::byte> bytes) {
  const auto execution = load<assay_execution>(bytes);
  const assay_registers& at = execution.at;
  std::string text = fmt::format("{} at {:#x}: rax {:#x} rsp {:#x} rflags {:#x} cs {:#x} ss {:#x} cr2 {:#x}",
                                 entry_name(execution.entry), at.rip, at.rax, at.rsp, at.rflags, at.cs, at.ss,
                                 execution.cr2);
  const uint64_t words = std::min<uint64_t>(execution.frame_words, ASSAY_FRAME_WORDS_MAX);
  for (uint64_t i = 0; i < words; ++i) text += fmt::format("{}{:#x}", i == 0 ? "; frame " : " ", execution.frame[i]);
  return text;
}

}  // namespace assay
