#include "sim/guest/unicorn/decoder.hpp"

#include <capstone/capstone.h>

#include <stdexcept>

namespace assay::unicorn {

namespace {

struct Named {
  x86_reg id;
  uint64_t assay_regs::*place;
  uint8_t bytes;
};
constexpr Named kRegisters[] = {
    {X86_REG_RAX, &assay_regs::rax, 8},  {X86_REG_EAX, &assay_regs::rax, 4}, {X86_REG_AX, &assay_regs::rax, 2},
    {X86_REG_AL, &assay_regs::rax, 1},   {X86_REG_RBX, &assay_regs::rbx, 8}, {X86_REG_EBX, &assay_regs::rbx, 4},
    {X86_REG_BX, &assay_regs::rbx, 2},   {X86_REG_RCX, &assay_regs::rcx, 8}, {X86_REG_ECX, &assay_regs::rcx, 4},
    {X86_REG_CX, &assay_regs::rcx, 2},   {X86_REG_RDX, &assay_regs::rdx, 8}, {X86_REG_EDX, &assay_regs::rdx, 4},
    {X86_REG_DX, &assay_regs::rdx, 2},   {X86_REG_RSI, &assay_regs::rsi, 8}, {X86_REG_ESI, &assay_regs::rsi, 4},
    {X86_REG_SI, &assay_regs::rsi, 2},   {X86_REG_RDI, &assay_regs::rdi, 8}, {X86_REG_EDI, &assay_regs::rdi, 4},
    {X86_REG_DI, &assay_regs::rdi, 2},   {X86_REG_RBP, &assay_regs::rbp, 8}, {X86_REG_EBP, &assay_regs::rbp, 4},
    {X86_REG_BP, &assay_regs::rbp, 2},   {X86_REG_RSP, &assay_regs::rsp, 8}, {X86_REG_ESP, &assay_regs::rsp, 4},
    {X86_REG_SP, &assay_regs::rsp, 2},   {X86_REG_R8, &assay_regs::r8, 8},   {X86_REG_R8D, &assay_regs::r8, 4},
    {X86_REG_R8W, &assay_regs::r8, 2},   {X86_REG_R9, &assay_regs::r9, 8},   {X86_REG_R9D, &assay_regs::r9, 4},
    {X86_REG_R9W, &assay_regs::r9, 2},   {X86_REG_R10, &assay_regs::r10, 8}, {X86_REG_R10D, &assay_regs::r10, 4},
    {X86_REG_R10W, &assay_regs::r10, 2}, {X86_REG_R11, &assay_regs::r11, 8}, {X86_REG_R11D, &assay_regs::r11, 4},
    {X86_REG_R11W, &assay_regs::r11, 2}, {X86_REG_R12, &assay_regs::r12, 8}, {X86_REG_R12D, &assay_regs::r12, 4},
    {X86_REG_R12W, &assay_regs::r12, 2}, {X86_REG_R13, &assay_regs::r13, 8}, {X86_REG_R13D, &assay_regs::r13, 4},
    {X86_REG_R13W, &assay_regs::r13, 2}, {X86_REG_R14, &assay_regs::r14, 8}, {X86_REG_R14D, &assay_regs::r14, 4},
    {X86_REG_R14W, &assay_regs::r14, 2}, {X86_REG_R15, &assay_regs::r15, 8}, {X86_REG_R15D, &assay_regs::r15, 4},
    {X86_REG_R15W, &assay_regs::r15, 2}};

const Named* general(unsigned id) {
  for (const Named& named : kRegisters) {
    if (named.id == static_cast<x86_reg>(id)) return &named;
  }
  return nullptr;
}

std::optional<uint8_t> segment(unsigned id) {
  switch (id) {
    case X86_REG_ES:
      return kEs;
    case X86_REG_CS:
      return kCs;
    case X86_REG_SS:
      return kSs;
    case X86_REG_DS:
      return kDs;
    case X86_REG_FS:
      return kFs;
    case X86_REG_GS:
      return kGs;
    default:
      return std::nullopt;
  }
}

bool is_control(unsigned id) {
  return id >= X86_REG_CR0 && id <= X86_REG_CR15;
}
bool is_debug(unsigned id) {
  return id >= X86_REG_DR0 && id <= X86_REG_DR15;
}

uint64_t address_of(const x86_op_mem& memory, const assay_regs& regs, unsigned instruction_bytes) {
  uint64_t address = static_cast<uint64_t>(memory.disp);
  if (memory.base == X86_REG_RIP) address += regs.rip + instruction_bytes;
  if (const Named* base = general(memory.base)) address += regs.*base->place;
  if (const Named* index = general(memory.index)) address += regs.*index->place * static_cast<uint64_t>(memory.scale);
  if (memory.segment == X86_REG_FS) address += regs.fs_base;
  if (memory.segment == X86_REG_GS) address += regs.gs_base;
  return regs.code_bits == 32 ? static_cast<uint32_t>(address) : address;
}

void take_operand(Instruction& made, const cs_x86_op& operand, const assay_regs& regs) {
  made.operand_bytes = operand.size;
  if (operand.type == X86_OP_REG) {
    const Named* named = general(operand.reg);
    made.general = named != nullptr ? named->place : nullptr;
  } else if (operand.type == X86_OP_MEM) {
    made.address = address_of(operand.mem, regs, made.bytes);
  }
}

/// mov to and from what is not a general register.
void take_move(Instruction& made, const cs_x86& x86, const assay_regs& regs) {
  const cs_x86_op& to = x86.operands[0];
  const cs_x86_op& from = x86.operands[1];
  const bool to_register = to.type == X86_OP_REG, from_register = from.type == X86_OP_REG;
  if (to_register && is_control(to.reg)) {
    made.operation = Operation::kWriteControl;
    made.number = static_cast<uint8_t>(to.reg - X86_REG_CR0);
    take_operand(made, from, regs);
  } else if (from_register && is_control(from.reg)) {
    made.operation = Operation::kReadControl;
    made.number = static_cast<uint8_t>(from.reg - X86_REG_CR0);
    take_operand(made, to, regs);
  } else if (to_register && is_debug(to.reg)) {
    made.operation = Operation::kWriteDebug;
    made.number = static_cast<uint8_t>(to.reg - X86_REG_DR0);
    take_operand(made, from, regs);
  } else if (from_register && is_debug(from.reg)) {
    made.operation = Operation::kReadDebug;
    made.number = static_cast<uint8_t>(from.reg - X86_REG_DR0);
    take_operand(made, to, regs);
  } else if (to_register && segment(to.reg)) {
    made.operation = Operation::kLoadSegment;
    made.number = *segment(to.reg);
    take_operand(made, from, regs);
  } else if (from_register && segment(from.reg)) {
    made.operation = Operation::kStoreSegment;
    made.number = *segment(from.reg);
    take_operand(made, to, regs);
  }
}

void take_port(Instruction& made, Operation operation, const cs_x86_op& port, const cs_x86_op& data,
               const assay_regs& regs) {
  made.operation = operation;
  made.operand_bytes = data.size;
  made.port = static_cast<uint16_t>(port.type == X86_OP_IMM ? static_cast<uint64_t>(port.imm) : regs.rdx);
}

Operation simple(unsigned id) {
  switch (id) {
    case X86_INS_PUSHFQ:
    case X86_INS_PUSHFD:
    case X86_INS_PUSHF:
      return Operation::kPushFlags;
    case X86_INS_POPFQ:
    case X86_INS_POPFD:
    case X86_INS_POPF:
      return Operation::kPopFlags;
    case X86_INS_IRET:
    case X86_INS_IRETD:
    case X86_INS_IRETQ:
      return Operation::kInterruptReturn;
    case X86_INS_RETF:
    case X86_INS_RETFQ:
      return Operation::kFarReturn;
    case X86_INS_HLT:
      return Operation::kHalt;
    case X86_INS_CLTS:
      return Operation::kClearTaskSwitched;
    case X86_INS_INVLPG:
      return Operation::kInvalidatePage;
    case X86_INS_LLDT:
    case X86_INS_WBINVD:
    case X86_INS_INVD:
      return Operation::kWriteBack;
    case X86_INS_RDMSR:
      return Operation::kReadMsr;
    case X86_INS_WRMSR:
      return Operation::kWriteMsr;
    case X86_INS_RDTSC:
    case X86_INS_RDTSCP:
      return Operation::kReadTime;
    case X86_INS_SWAPGS:
      return Operation::kSwapGs;
    case X86_INS_CPUID:
      return Operation::kCpuid;
    default:
      return Operation::kOther;
  }
}

}  // namespace

struct Decoder::Engine {
  csh handle32 = 0, handle64 = 0;
  cs_insn* instruction32 = nullptr;
  cs_insn* instruction64 = nullptr;
};

Decoder::Decoder() : engine_(std::make_unique<Engine>()) {
  Engine& e = *engine_;
  if (cs_open(CS_ARCH_X86, CS_MODE_64, &e.handle64) != CS_ERR_OK ||
      cs_open(CS_ARCH_X86, CS_MODE_32, &e.handle32) != CS_ERR_OK) {
    throw std::runtime_error("Capstone cannot be opened");
  }
  cs_option(e.handle64, CS_OPT_DETAIL, CS_OPT_ON);
  cs_option(e.handle32, CS_OPT_DETAIL, CS_OPT_ON);
  e.instruction64 = cs_malloc(e.handle64);
  e.instruction32 = cs_malloc(e.handle32);
}

Decoder::~Decoder() {
  cs_free(engine_->instruction32, 1);
  cs_free(engine_->instruction64, 1);
  cs_close(&engine_->handle32);
  cs_close(&engine_->handle64);
}

std::optional<Instruction> Decoder::decode(std::span<const uint8_t> code, const assay_regs& regs) {
  const bool is_32 = regs.code_bits == 32;
  cs_insn* const found = is_32 ? engine_->instruction32 : engine_->instruction64;
  const uint8_t* bytes = code.data();
  size_t left = code.size();
  uint64_t at = regs.rip;
  if (!cs_disasm_iter(is_32 ? engine_->handle32 : engine_->handle64, &bytes, &left, &at, found)) return std::nullopt;
  const cs_x86& x86 = found->detail->x86;
  Instruction made;
  made.bytes = static_cast<uint8_t>(found->size);
  made.operation = simple(found->id);
  switch (found->id) {
    case X86_INS_MOV:
      take_move(made, x86, regs);
      break;
    case X86_INS_LGDT:
    case X86_INS_LIDT:
      made.operation = found->id == X86_INS_LGDT ? Operation::kLoadGdt : Operation::kLoadIdt;
      take_operand(made, x86.operands[0], regs);
      break;
    case X86_INS_LTR:
      made.operation = Operation::kLoadTask;
      take_operand(made, x86.operands[0], regs);
      break;
    case X86_INS_LJMP:
      if (x86.op_count != 2) break;
      made.operation = Operation::kFarJump;
      made.selector = static_cast<uint16_t>(x86.operands[0].imm);
      made.target = static_cast<uint64_t>(x86.operands[1].imm);
      break;
    case X86_INS_RDTSCP:
      made.number = 1;
      break;
    case X86_INS_IN:
      take_port(made, Operation::kIn, x86.operands[1], x86.operands[0], regs);
      break;
    case X86_INS_OUT:
      take_port(made, Operation::kOut, x86.operands[0], x86.operands[1], regs);
      break;
    case X86_INS_SYSRET: {
      constexpr uint8_t kRexWide = 8;
      made.operation = Operation::kSystemReturn;
      made.operand_bytes = (x86.rex & kRexWide) != 0 ? 8 : 4;
      break;
    }
    case X86_INS_POPCNT:
      take_operand(made, x86.operands[1], regs);
      made.source = made.general;
      take_operand(made, x86.operands[0], regs);
      made.operation = Operation::kPopCount;
      break;
    case X86_INS_OUTSB:
    case X86_INS_OUTSW:
    case X86_INS_OUTSD: {
      constexpr uint8_t kRepeat = 0xf3;
      made.operation = Operation::kOutString;
      made.operand_bytes = found->id == X86_INS_OUTSB ? 1 : found->id == X86_INS_OUTSW ? 2 : 4;
      made.port = static_cast<uint16_t>(regs.rdx);
      made.number = x86.prefix[0] == kRepeat ? 1 : 0;
      made.address = regs.code_bits == 32 ? static_cast<uint32_t>(regs.rsi) : regs.rsi;
      break;
    }
    case X86_INS_IRETQ:
    case X86_INS_RETFQ:
      made.operand_bytes = 8;
      break;
    case X86_INS_IRETD:
    case X86_INS_RETF:
      made.operand_bytes = 4;
      break;
    case X86_INS_PUSHFQ:
    case X86_INS_POPFQ:
      made.operand_bytes = 8;
      break;
    case X86_INS_PUSHFD:
    case X86_INS_POPFD:
      made.operand_bytes = 4;
      break;
    default:
      break;
  }
  return made;
}

}  // namespace assay::unicorn
