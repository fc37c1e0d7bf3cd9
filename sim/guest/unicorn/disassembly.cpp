#include "sim/guest/unicorn/disassembly.hpp"

#include <capstone/capstone.h>

#include <stdexcept>

namespace assay::unicorn {
namespace {

cs_mode mode_of(unsigned code_bits) {
  if (code_bits == 16) return CS_MODE_16;
  return code_bits == 32 ? CS_MODE_32 : CS_MODE_64;
}

/// Capstone's handle and the instruction it writes to.
class Handle {
 public:
  explicit Handle(cs_mode mode) {
    if (cs_open(CS_ARCH_X86, mode, &handle_) != CS_ERR_OK) throw std::runtime_error("Capstone cannot be opened");
    instruction_ = cs_malloc(handle_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    cs_free(instruction_, 1);
    cs_close(&handle_);
  }
  const cs_insn* next(const uint8_t*& code, size_t& left, uint64_t& address) {
    return cs_disasm_iter(handle_, &code, &left, &address, instruction_) ? instruction_ : nullptr;
  }

 private:
  csh handle_ = 0;
  cs_insn* instruction_ = nullptr;
};

}  // namespace

std::vector<TextInstruction> disassemble(std::span<const std::byte> code, uint64_t address, unsigned code_bits) {
  Handle handle(mode_of(code_bits));
  std::vector<TextInstruction> all;
  const auto* at = reinterpret_cast<const uint8_t*>(code.data());
  size_t left = code.size();
  while (const cs_insn* const one = handle.next(at, left, address)) {
    std::string text = one->mnemonic;
    if (one->op_str[0] != '\0') text += std::string(" ") + one->op_str;
    all.push_back({one->address, static_cast<uint8_t>(one->size), std::move(text)});
  }
  return all;
}

}  // namespace assay::unicorn
