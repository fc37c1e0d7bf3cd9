/// Guest kernels of a few instructions, as ELF files with Xen's notes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <vector>

#include "sim/target/target.hpp"

namespace assay::testing {

/// Code is loaded at this guest-physical address; of a PV64 kernel the virtual one is the same.
constexpr uint64_t kTinyKernelAt = 0x100000;

/// Machine code, put together piece by piece.
class Code {
 public:
  Code& bytes(std::initializer_list<uint8_t> more);
  Code& append(const Code& more);
  Code& imm32(uint32_t value);
  Code& imm64(uint64_t value);
  /// 64-bit: mov $value, %rax / %rbx / %rdi / %rsi.
  Code& rax(uint64_t value) { return bytes({0x48, 0xb8}).imm64(value); }
  Code& rbx(uint64_t value) { return bytes({0x48, 0xbb}).imm64(value); }
  Code& rdi(uint64_t value) { return bytes({0x48, 0xbf}).imm64(value); }
  Code& rsi(uint64_t value) { return bytes({0x48, 0xbe}).imm64(value); }
  Code& syscall() { return bytes({0x0f, 0x05}); }
  /// PV64: sched_op shutdown with this reason; needs the word behind the code.
  Code& shutdown(uint32_t reason);
  [[nodiscard]] std::span<const uint8_t> all() const { return code_; }
  [[nodiscard]] size_t size() const { return code_.size(); }

 private:
  std::vector<uint8_t> code_;
};

/// The file. `memory_bytes`: of the loaded segment, at least the code's.
std::vector<std::byte> tiny_kernel(std::span<const uint8_t> code, GuestType type, uint64_t memory_bytes = 0x4000);
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace assay::testing
