/// What an HVM guest's processor does besides executing: privileged instructions, descriptor tables, entry into
/// handlers. The guest believes to be in ring 0; the processor is in ring 3, so each of these stops it.
#include <array>
#include <bit>
#include <cstring>

#include "sim/guest/unicorn/unicorn_guest.hpp"
#include "sim/guest/vectors.hpp"

namespace assay {

namespace {

using unicorn::Instruction;
using unicorn::Operation;

constexpr uint64_t kFlagFixed = 1u << 1, kFlagTrap = 1u << 8, kFlagNested = 1u << 14;
constexpr uint64_t kFlagDirection = 1u << 10;
constexpr uint64_t kFlagVirtual = 1u << 17;
constexpr uint64_t kCr0Protected = 1u << 0, kCr0TaskSwitched = 1u << 3, kCr0Paging = 1u << 31;
constexpr uint64_t kEferLongMode = 1u << 8, kEferLongActive = 1u << 10;
constexpr unsigned kDescriptorLong = 53, kDescriptorBig = 54, kDescriptorLevel = 45;
constexpr uint64_t kGateBytes = 16;
constexpr uint8_t kInterruptGate = 0xe;
/// Of a 64-bit task state segment. Source: AMD64 manual, volume 2, chapter 12.2.5.
constexpr uint64_t kTaskRsp0 = 4, kTaskStacks = 36;

uint64_t base_of(uint64_t descriptor) {
  return (descriptor >> 16 & 0xffffff) | (descriptor >> 56 & 0xff) << 24;
}

}  // namespace

/// The byte operand of a register form goes to its low part; 32-bit writes clear the rest, as in long mode.
bool UnicornGuest::operand_value(const Instruction& instruction, uint64_t& value, MemoryMiss& miss) {
  value = 0;
  if (instruction.general == nullptr) {
    return memory_.read(instruction.address, &value, instruction.operand_bytes, miss);
  }
  std::memcpy(&value, &(regs_->*instruction.general), instruction.operand_bytes);
  return true;
}

bool UnicornGuest::set_operand(const Instruction& instruction, uint64_t value, uint64_t bytes, MemoryMiss& miss) {
  if (instruction.general == nullptr) return memory_.write(instruction.address, &value, bytes, miss);
  uint64_t& place = regs_->*instruction.general;
  if (bytes >= 4) place = 0;
  std::memcpy(&place, &value, bytes);
  return true;
}

bool UnicornGuest::descriptor(uint16_t selector, uint64_t& found, MemoryMiss& miss) {
  const uint64_t offset = selector & ~7u;
  if (offset + 7 > hvm_.gdt_limit) return false;
  return memory_.load(hvm_.gdt_base + offset, found, miss);
}

bool UnicornGuest::enter_code(uint16_t selector, uint64_t rip) {
  MemoryMiss miss;
  uint64_t code = 0;
  if (!descriptor(selector, code, miss)) return false;
  const bool is_long = (regs_->efer & kEferLongActive) != 0 && (code >> kDescriptorLong & 1) != 0;
  regs_->cs = selector;
  regs_->cpl = selector & 3;
  regs_->code_bits = is_long ? 64 : (code >> kDescriptorBig & 1) != 0 ? 32 : 16;
  regs_->rip = is_long ? rip : static_cast<uint32_t>(rip);
  return true;
}

GuestStep UnicornGuest::hvm_exception(uint32_t vector, bool has_code, uint32_t code) {
  if (!enter_handler(vector, has_code, code)) return leave_for(ASSAY_EXIT_TRIPLE);
  goes_on_ = true;
  return {};
}

GuestStep UnicornGuest::hvm_software_interrupt(uint32_t vector, uint64_t instruction_bytes) {
  MemoryMiss miss;
  std::array<uint64_t, 2> gate{};
  const bool is_there = memory_.load(hvm_.idt_base + vector * kGateBytes, gate, miss);
  if (!is_there || (gate[0] >> kDescriptorLevel & 3) < regs_->cpl) {
    regs_->rip -= instruction_bytes;
    return hvm_exception(kVectorProtection, true, vector * 8 | kErrorFromIdt);
  }
  return hvm_exception(vector, false, 0);
}

/// Through the guest's interrupt descriptor table, in long mode. False: there is no way in.
bool UnicornGuest::enter_handler(uint32_t vector, bool has_code, uint32_t code) {
  if ((regs_->efer & kEferLongActive) == 0 || (vector + 1) * kGateBytes - 1 > hvm_.idt_limit) return false;
  MemoryMiss miss;
  std::array<uint64_t, 2> gate{};
  const uint8_t level = regs_->cpl;
  regs_->cpl = 0;
  memory_.use(*run_);
  if (!memory_.load(hvm_.idt_base + vector * kGateBytes, gate, miss)) return false;
  const uint64_t offset = (gate[0] & 0xffff) | (gate[0] >> 48 & 0xffff) << 16 | gate[1] << 32;
  const auto selector = static_cast<uint16_t>(gate[0] >> 16);
  const uint64_t stack_index = gate[0] >> 32 & 7;
  const bool disables = (gate[0] >> 40 & 0xf) == kInterruptGate;

  uint64_t stack = regs_->rsp;
  if (stack_index != 0 && !memory_.load(hvm_.tr_base + kTaskStacks + (stack_index - 1) * 8, stack, miss)) return false;
  if (stack_index == 0 && level != 0 && !memory_.load(hvm_.tr_base + kTaskRsp0, stack, miss)) return false;
  stack &= ~uint64_t{15};
  std::array<uint64_t, 6> frame{code, regs_->rip, regs_->cs, regs_->rflags, regs_->rsp, regs_->ss};
  const size_t words = has_code ? 6 : 5;
  stack -= words * sizeof(uint64_t);
  if (!memory_.write(stack, frame.data() + (6 - words), words * sizeof(uint64_t), miss)) return false;
  if (!enter_code(static_cast<uint16_t>(selector & ~3u), offset)) return false;
  regs_->rsp = stack;
  if (level != 0) regs_->ss = 0;
  regs_->rflags &= ~(kFlagTrap | kFlagNested | kFlagResume | kFlagVirtual | (disables ? kFlagInterrupt : 0));
  return true;
}

GuestStep UnicornGuest::interrupt_return(const Instruction& instruction) {
  MemoryMiss miss;
  std::array<uint64_t, 5> frame{};
  if (instruction.operand_bytes != 8) return hvm_exception(kVectorProtection, true, 0);
  if (!memory_.read(regs_->rsp, frame.data(), sizeof frame, miss)) return hvm_miss(miss);
  if (!enter_code(static_cast<uint16_t>(frame[1]), frame[0])) {
    return hvm_exception(kVectorProtection, true, static_cast<uint32_t>(frame[1] & 0xfffc));
  }
  regs_->rflags = frame[2] | kFlagFixed;
  regs_->rsp = frame[3];
  regs_->ss = static_cast<uint16_t>(frame[4]);
  goes_on_ = true;
  return {};
}

/// One element; a repeated instruction is met again for the next.
GuestStep UnicornGuest::out_string(const Instruction& instruction) {
  const bool repeats = instruction.number != 0;
  const uint64_t mask = regs_->code_bits == 64 ? ~0ull : 0xffff'ffff;
  if (repeats && (regs_->rcx & mask) == 0) {
    regs_->rip += instruction.bytes;
    goes_on_ = true;
    return {};
  }
  MemoryMiss miss;
  uint64_t value = 0;
  if (!memory_.read(instruction.address, &value, instruction.operand_bytes, miss)) return hvm_miss(miss);
  const bool is_down = (regs_->rflags & kFlagDirection) != 0;
  regs_->rsi = (is_down ? regs_->rsi - instruction.operand_bytes : regs_->rsi + instruction.operand_bytes) & mask;
  if (repeats) regs_->rcx = (regs_->rcx - 1) & mask;
  exit_->index = instruction.port;
  exit_->size = instruction.operand_bytes;
  exit_->is_write = 1;
  exit_->value = value;
  return leave_for(ASSAY_EXIT_IO, repeats && regs_->rcx != 0 ? 0 : instruction.bytes);
}

/// A core may not tell what it keeps of these; then what the guest writes is remembered on its way.
/// Source: AMD64 manual, volume 2, chapter 6.1.
void UnicornGuest::note_msr(uint32_t index, uint64_t value) {
  if (run_->system != nullptr) return;
  constexpr uint32_t kStar = 0xc000'0081, kLstar = 0xc000'0082, kSfmask = 0xc000'0084;
  if (index == kStar) hvm_.star = value;
  if (index == kLstar) hvm_.lstar = value;
  if (index == kSfmask) hvm_.sfmask = value;
}

GuestStep UnicornGuest::hvm_syscall() {
  constexpr uint64_t kEferSyscall = 1;
  if ((regs_->efer & kEferSyscall) == 0) return hvm_exception(kVectorInvalidOpcode, false, 0);
  regs_->rcx = regs_->rip;
  regs_->r11 = regs_->rflags & ~kFlagResume;
  regs_->rflags = (regs_->rflags & ~(hvm_.sfmask | kFlagResume)) | kFlagFixed;
  regs_->cs = static_cast<uint16_t>(hvm_.star >> 32 & 0xfffc);
  regs_->ss = static_cast<uint16_t>(regs_->cs + 8);
  regs_->cpl = 0;
  regs_->code_bits = 64;
  regs_->rip = hvm_.lstar;
  goes_on_ = true;
  return {};
}

GuestStep UnicornGuest::system_return(const Instruction& instruction) {
  constexpr uint16_t kUser = 3;
  const auto base = static_cast<uint16_t>(hvm_.star >> 48);
  const bool is_wide = instruction.operand_bytes == 8;
  regs_->cs = static_cast<uint16_t>((is_wide ? base + 16 : base) | kUser);
  regs_->ss = static_cast<uint16_t>((base + 8) | kUser);
  regs_->cpl = kUser;
  regs_->code_bits = is_wide ? 64 : 32;
  regs_->rip = is_wide ? regs_->rcx : static_cast<uint32_t>(regs_->rcx);
  regs_->rflags = (regs_->r11 & ~(kFlagResume | kFlagVirtual)) | kFlagFixed;
  goes_on_ = true;
  return {};
}

GuestStep UnicornGuest::hvm_miss(const MemoryMiss& miss) {
  if (miss.stage2) return stage2(miss);
  if (miss.vector == kVectorPageFault) regs_->cr2 = miss.address;
  return hvm_exception(miss.vector, true, miss.error_code);
}

void UnicornGuest::load_segment(uint8_t segment, uint16_t selector) {
  constexpr uint16_t assay_regs::*kSelectors[] = {&assay_regs::es, &assay_regs::cs, &assay_regs::ss,
                                                  &assay_regs::ds, &assay_regs::fs, &assay_regs::gs};
  regs_->*kSelectors[segment] = selector;
  MemoryMiss miss;
  uint64_t found = 0;
  const bool is_null = (selector & ~3u) == 0;
  if (!is_null) static_cast<void>(descriptor(selector, found, miss));
  if (segment == unicorn::kFs) regs_->fs_base = base_of(found);
  if (segment == unicorn::kGs) regs_->gs_base = base_of(found);
}

void UnicornGuest::write_control(uint8_t number, uint64_t value) {
  switch (number) {
    case 0: {
      regs_->cr0 = value;
      const bool is_long =
          (value & (kCr0Paging | kCr0Protected)) == (kCr0Paging | kCr0Protected) && (regs_->efer & kEferLongMode) != 0;
      regs_->efer = is_long ? regs_->efer | kEferLongActive : regs_->efer & ~kEferLongActive;
      return;
    }
    case 2:
      regs_->cr2 = value;
      return;
    case 3:
      regs_->cr3 = value;
      memory_.forget();
      return;
    case 4:
      regs_->cr4 = value;
      return;
    default:
      return;
  }
}

uint64_t UnicornGuest::read_control(uint8_t number) const {
  switch (number) {
    case 0:
      return regs_->cr0;
    case 2:
      return regs_->cr2;
    case 3:
      return regs_->cr3;
    case 4:
      return regs_->cr4;
    default:
      return 0;
  }
}

/// One privileged instruction, completed here. Nothing: it leaves to the core, faults, or is none of these.
bool UnicornGuest::privileged(const Instruction& instruction, MemoryMiss& miss) {
  const uint64_t word = regs_->code_bits == 64 ? 8 : 4;
  uint64_t value = 0;
  switch (instruction.operation) {
    case Operation::kReadControl:
      return set_operand(instruction, read_control(instruction.number), word, miss);
    case Operation::kWriteControl:
      if (!operand_value(instruction, value, miss)) return false;
      write_control(instruction.number, value);
      return true;
    case Operation::kReadDebug:
      return set_operand(instruction, regs_->dr[instruction.number & 7], word, miss);
    case Operation::kWriteDebug:
      if (!operand_value(instruction, value, miss)) return false;
      regs_->dr[instruction.number & 7] = value;
      return true;
    case Operation::kLoadSegment:
      if (!operand_value(instruction, value, miss)) return false;
      load_segment(instruction.number, static_cast<uint16_t>(value));
      return true;
    case Operation::kStoreSegment: {
      constexpr uint16_t assay_regs::*kSelectors[] = {&assay_regs::es, &assay_regs::cs, &assay_regs::ss,
                                                      &assay_regs::ds, &assay_regs::fs, &assay_regs::gs};
      const uint64_t bytes = instruction.general == nullptr ? 2 : instruction.operand_bytes;
      return set_operand(instruction, regs_->*kSelectors[instruction.number], bytes, miss);
    }
    case Operation::kPushFlags: {
      const uint64_t flags = regs_->rflags & ~(kFlagResume | kFlagVirtual);
      if (!memory_.write(regs_->rsp - word, &flags, word, miss)) return false;
      regs_->rsp -= word;
      return true;
    }
    case Operation::kPopFlags: {
      if (!memory_.read(regs_->rsp, &value, word, miss)) return false;
      regs_->rsp += word;
      regs_->rflags = (value & 0x254dd5) | kFlagFixed;
      return true;
    }
    case Operation::kLoadGdt:
    case Operation::kLoadIdt: {
      uint16_t limit = 0;
      if (!memory_.load(instruction.address, limit, miss)) return false;
      if (!memory_.read(instruction.address + 2, &value, word, miss)) return false;
      (instruction.operation == Operation::kLoadGdt ? hvm_.gdt_limit : hvm_.idt_limit) = limit;
      (instruction.operation == Operation::kLoadGdt ? hvm_.gdt_base : hvm_.idt_base) = value;
      return true;
    }
    case Operation::kLoadTask: {
      if (!operand_value(instruction, value, miss)) return false;
      std::array<uint64_t, 2> system{};
      const uint64_t at = hvm_.gdt_base + (value & ~7u);
      if (!memory_.load(at, system, miss)) return false;
      hvm_.tr_base = base_of(system[0]) | system[1] << 32;
      return true;
    }
    case Operation::kClearTaskSwitched:
      regs_->cr0 &= ~kCr0TaskSwitched;
      return true;
    case Operation::kInvalidatePage:
      memory_.forget();
      return true;
    case Operation::kWriteBack:
      return true;
    case Operation::kSwapGs:
      std::swap(regs_->gs_base, regs_->gs_base_kernel);
      return true;
    default:
      return false;
  }
}

std::optional<Instruction> UnicornGuest::decode() {
  std::array<uint8_t, 15> code{};
  MemoryMiss miss;
  size_t bytes = 0;
  for (; bytes < code.size(); ++bytes) {
    const uint8_t* const at = memory_.reach(regs_->rip + bytes, ASSAY_ACCESS_EXECUTE, miss);
    if (at == nullptr) break;
    code[bytes] = *at;
  }
  return decoder_.decode(std::span(code).first(bytes), *regs_);
}

GuestStep UnicornGuest::emulate() {
  MemoryMiss miss;
  const std::optional<Instruction> decoded = decode();
  if (!decoded) return hvm_exception(kVectorProtection, true, 0);
  const Instruction& instruction = *decoded;
  const bool is_user = regs_->cpl != 0;
  ++spent_;
  switch (instruction.operation) {
    case Operation::kCpuid:
      return leave_for(ASSAY_EXIT_CPUID, instruction.bytes);
    case Operation::kReadTime:
      read_time(instruction.number != 0, instruction.bytes);
      return {};
    case Operation::kStoreSegment:
    case Operation::kPushFlags:
    case Operation::kLoadSegment:
      break;
    case Operation::kPopFlags:
      if (!is_user) break;
      return hvm_exception(kVectorProtection, true, 0);
    default:
      if (is_user) return hvm_exception(kVectorProtection, true, 0);
  }
  switch (instruction.operation) {
    case Operation::kHalt:
      return leave_for(ASSAY_EXIT_HALT, instruction.bytes);
    case Operation::kReadMsr:
    case Operation::kWriteMsr:
      exit_->index = static_cast<uint32_t>(regs_->rcx);
      exit_->is_write = instruction.operation == Operation::kWriteMsr ? 1 : 0;
      if (exit_->is_write != 0)
        note_msr(static_cast<uint32_t>(exit_->index), regs_->rdx << 32 | (regs_->rax & 0xffff'ffff));
      return leave_for(ASSAY_EXIT_MSR, instruction.bytes);
    case Operation::kIn:
    case Operation::kOut:
      exit_->index = instruction.port;
      exit_->size = instruction.operand_bytes;
      exit_->is_write = instruction.operation == Operation::kOut ? 1 : 0;
      exit_->value = regs_->rax & (~0ull >> (64 - 8 * instruction.operand_bytes));
      return leave_for(ASSAY_EXIT_IO, instruction.bytes);
    case Operation::kSystemReturn:
      return system_return(instruction);
    case Operation::kOutString:
      return out_string(instruction);
    case Operation::kInterruptReturn:
      return interrupt_return(instruction);
    case Operation::kFarReturn: {
      const uint64_t word = instruction.operand_bytes;
      uint64_t rip = 0, selector = 0;
      if (!memory_.read(regs_->rsp, &rip, word, miss) || !memory_.read(regs_->rsp + word, &selector, word, miss)) {
        return hvm_miss(miss);
      }
      if (!enter_code(static_cast<uint16_t>(selector), rip)) return hvm_exception(kVectorProtection, true, 0);
      regs_->rsp += 2 * word;
      goes_on_ = true;
      return {};
    }
    case Operation::kFarJump:
      if (!enter_code(instruction.selector, instruction.target)) return hvm_exception(kVectorProtection, true, 0);
      goes_on_ = true;
      return {};
    case Operation::kOther:
      return hvm_exception(kVectorProtection, true, 0);
    default:
      break;
  }
  if (!privileged(instruction, miss)) return hvm_miss(miss);
  regs_->rip += instruction.bytes;
  goes_on_ = true;
  return {};
}

}  // namespace assay
