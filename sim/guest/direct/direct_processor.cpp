/// ASSAY_OP_EXECUTE in process: a processor for the few instructions of the agent's menu and of hypercall pages. It
/// fetches them from the guest's memory, so what a core wrote there and where it let the guest go on is what runs.
#include <algorithm>
#include <bit>
#include <cstring>

#include "sim/abi/xen.hpp"
#include "sim/guest/direct/direct_guest.hpp"
#include "sim/guest/vectors.hpp"

namespace assay {

namespace {

constexpr uint64_t kFlagAlwaysOne = 1u << 1;
constexpr uint64_t kFlagTrap = 1u << 8;
constexpr uint64_t kCr0TaskSwitched = 1u << 3;
constexpr uint64_t kDr6SingleStep = 1u << 14;
constexpr uint64_t kIretBytes = 2;
/// More than any way through the menu and a hypercall page has.
constexpr unsigned kInstructionsMax = 64;

// PVH: selectors of the agent's descriptor table.
constexpr uint16_t kKernelCode = 0x08, kKernelData = 0x10, kUserCode = 0x1b, kUserData = 0x23, kKernelCode32 = 0x28;

using Register = uint64_t assay_regs::*;
constexpr Register kRegisters[16] = {&assay_regs::rax, &assay_regs::rcx, &assay_regs::rdx, &assay_regs::rbx,
                                     &assay_regs::rsp, &assay_regs::rbp, &assay_regs::rsi, &assay_regs::rdi,
                                     &assay_regs::r8,  &assay_regs::r9,  &assay_regs::r10, &assay_regs::r11,
                                     &assay_regs::r12, &assay_regs::r13, &assay_regs::r14, &assay_regs::r15};
/// In the order of struct assay_registers.
constexpr Register kTold[17] = {
    &assay_regs::rax, &assay_regs::rbx, &assay_regs::rcx, &assay_regs::rdx, &assay_regs::rsi,   &assay_regs::rdi,
    &assay_regs::rbp, &assay_regs::rsp, &assay_regs::r8,  &assay_regs::r9,  &assay_regs::r10,   &assay_regs::r11,
    &assay_regs::r12, &assay_regs::r13, &assay_regs::r14, &assay_regs::r15, &assay_regs::rflags};
static_assert(offsetof(assay_registers, rflags) == 16 * sizeof(uint64_t));

}  // namespace

/// Enters the state as the agent does: through the hypervisor where that takes one.
GuestStep DirectGuest::execute() {
  assay_registers wanted{};
  const uint64_t instruction = request_->arg[0];
  const uint64_t mode = request_->arg[1];
  const bool known = instruction < ASSAY_INSTRUCTION_COUNT_ && mode < ASSAY_EXECUTE_MODE_COUNT_;
  if (request_->in.size() != sizeof wanted || !known) return finish(ASSAY_STATUS_BAD_ARGUMENT);
  std::memcpy(&wanted, request_->in.data(), sizeof wanted);
  const uint64_t flags = mode == ASSAY_EXECUTE_USER ? ASSAY_EXECUTE_USER_FLAGS : ASSAY_EXECUTE_FLAGS;
  if ((wanted.rflags & ~(flags | kFlagAlwaysOne)) != 0) return finish(ASSAY_STATUS_BAD_ARGUMENT);
  if (instruction == (is_pv() ? ASSAY_INSTRUCTION_VMCALL : ASSAY_INSTRUCTION_SYSCALL)) {
    return finish(ASSAY_STATUS_UNSUPPORTED);
  }
  const bool small = instruction == ASSAY_INSTRUCTION_NOP || instruction == ASSAY_INSTRUCTION_VMCALL;
  if (mode == ASSAY_EXECUTE_KERNEL32 && (is_pv() || !small)) return finish(ASSAY_STATUS_UNSUPPORTED);

  state_.phase = DirectState::Phase::kExecute;
  state_.upcalls_before = upcalls_enabled();
  const uint64_t* word = &wanted.rax;
  for (const Register reg : kTold) regs_->*reg = *word++;
  regs_->rflags |= kFlagAlwaysOne;
  const uint64_t menu = mode == ASSAY_EXECUTE_KERNEL ? layout_.menu : layout_.user_menu;
  regs_->rip = menu + instruction * layout_.menu_stride;
  if (is_pv()) return mode == ASSAY_EXECUTE_USER ? enter_user() : run_instructions();
  regs_->cpl = mode == ASSAY_EXECUTE_USER ? 3 : 0;
  regs_->cs = mode == ASSAY_EXECUTE_USER ? kUserCode : kKernelCode;
  regs_->ss = mode == ASSAY_EXECUTE_USER ? kUserData : kKernelData;
  if (mode == ASSAY_EXECUTE_KERNEL32) {
    regs_->cs = kKernelCode32;
    regs_->code_bits = 32;
    regs_->rip -= layout_.virt_base;
  }
  return run_instructions();
}

GuestStep DirectGuest::enter_user() {
  const iret_context frame{.rax = regs_->rax,
                           .r11 = regs_->r11,
                           .rcx = regs_->rcx,
                           .flags = 0,
                           .rip = regs_->rip,
                           .cs = FLAT_USER_CS,
                           .rflags = regs_->rflags,
                           .rsp = regs_->rsp,
                           .ss = FLAT_USER_SS};
  regs_->rsp = stack_top() - 512;
  put(regs_->rsp, frame);
  regs_->rflags = kFlagInterrupt | kFlagAlwaysOne;
  regs_->rax = __HYPERVISOR_iret;
  regs_->rcx = regs_->rip = layout_.hypercall_page + __HYPERVISOR_iret * 32 + 8 + kIretBytes;
  regs_->r11 = regs_->rflags;
  return leave_for(ASSAY_EXIT_HYPERCALL);
}

/// Until something happens that the core has to see, or somebody takes note.
GuestStep DirectGuest::run_instructions() {
  for (unsigned done = 0; done < kInstructionsMax; ++done) {
    const uint64_t rip = regs_->rip;
    if (rip == layout_.landing) return arrived(ASSAY_ENTRY_LANDING);
    if (rip == layout_.event_callback && is_pv()) return event_callback();
    const uint64_t offset = rip - layout_.trap_handlers;
    if (offset % layout_.trap_handler_stride == 0 && offset / layout_.trap_handler_stride < ASSAY_ENTRY_COUNT_) {
      return arrived(static_cast<uint32_t>(offset / layout_.trap_handler_stride));
    }
    const bool stepping = (regs_->rflags & kFlagTrap) != 0;
    GuestStep step{};
    if (one_instruction(step)) return step;
    if (stepping) {
      regs_->dr[6] |= kDr6SingleStep;
      return exception(kVectorDebug);
    }
  }
  return finish_execution(ASSAY_STATUS_TIMED_OUT);
}

/// The bytes at rip. False: `step` says what fetching them led to.
bool DirectGuest::fetch(std::array<uint8_t, 8>& code, GuestStep& step) {
  MemoryMiss miss;
  for (size_t i = 0; i < code.size(); ++i) {
    const uint8_t* const at = memory_.reach(regs_->rip + i, ASSAY_ACCESS_EXECUTE, miss);
    if (at == nullptr) {
      if (i != 0) return true;
      step = access_failed(miss);
      return false;
    }
    code[i] = *at;
  }
  return true;
}

/// True when the guest leaves or is done.
bool DirectGuest::one_instruction(GuestStep& step) {
  std::array<uint8_t, 8> code{};
  if (!fetch(code, step)) return true;
  // A prefix that reaches r8..r15 is a bit more of the register's number.
  const bool extended = code[0] == 0x41;
  const size_t at = extended ? 1 : 0;
  const uint8_t op = code[at];
  const Register reg = kRegisters[(op & 7) + (extended ? 8 : 0)];
  if ((op & 0xf8) == 0x50) return push(regs_->*reg, at + 1, step);
  if ((op & 0xf8) == 0x58) return pop(regs_->*reg, at + 1, step);
  if (extended) return unknown_instruction(step);
  const auto displacement = std::bit_cast<int32_t>(std::array<uint8_t, 4>{code[1], code[2], code[3], code[4]});
  switch (op) {
    case 0x90:
      regs_->rip += 1;
      return false;
    case 0xb8:
      regs_->rax = static_cast<uint32_t>(displacement);
      regs_->rip += 5;
      return false;
    case 0xe9:
      regs_->rip += 5 + static_cast<uint64_t>(int64_t{displacement});
      return false;
    case 0xeb:
      regs_->rip += 2 + static_cast<uint64_t>(int64_t{static_cast<int8_t>(code[1])});
      return false;
    case 0xc3:
      return pop(regs_->rip, 0, step);
    case 0xcc:
      regs_->rip += 1;
      step = exception(kVectorBreakpoint);
      return true;
    case 0xcd:
      step = software_interrupt(code[1]);
      return true;
    case 0xff:
      return go_to(code[1], step);
    default:
      return longer_instruction(code, step);
  }
}

bool DirectGuest::longer_instruction(const std::array<uint8_t, 8>& code, GuestStep& step) {
  const auto starts = [&](std::initializer_list<uint8_t> bytes) {
    return std::equal(bytes.begin(), bytes.end(), code.begin());
  };
  if (is_pv() && starts({0x0f, 0x05})) {
    regs_->rip += 2;
    regs_->rcx = regs_->rip;
    regs_->r11 = regs_->rflags & ~kFlagResume;
    step = leave_for(ASSAY_EXIT_HYPERCALL);
    return true;
  }
  if (!is_pv() && (starts({0x0f, 0x01, 0xd9}) || starts({0x0f, 0x01, 0xc1}))) {
    regs_->rip += 3;
    step = leave_for(ASSAY_EXIT_HYPERCALL);
    return true;
  }
  if (starts({0x0f, 0x0b})) {
    step = exception(kVectorInvalidOpcode);
    return true;
  }
  if (starts({0xd9, 0xd0})) {
    if ((regs_->cr0 & kCr0TaskSwitched) != 0) {
      step = exception(kVectorNoDevice);
      return true;
    }
    regs_->rip += 2;
    return false;
  }
  if (starts({0x48, 0x8b, 0x07})) return load(regs_->rdi, 3, step);
  if (starts({0x64, 0x48, 0x8b, 0x07})) return load(regs_->fs_base + regs_->rdi, 4, step);
  if (starts({0x65, 0x48, 0x8b, 0x07})) return load(regs_->gs_base + regs_->rdi, 4, step);
  if (starts({0x48, 0x89, 0x07})) return store(regs_->rdi, regs_->rax, 3, step);
  return unknown_instruction(step);
}

bool DirectGuest::unknown_instruction(GuestStep& step) {
  step = finish_execution(ASSAY_STATUS_UNSUPPORTED);
  return true;
}

bool DirectGuest::load(uint64_t va, uint64_t length, GuestStep& step) {
  MemoryMiss miss;
  uint64_t value = 0;
  if (!memory_.load(va, value, miss)) {
    if (!is_absent_device(miss)) {
      step = access_failed(miss);
      return true;
    }
    value = ~uint64_t{0};
  }
  regs_->rax = value;
  regs_->rip += length;
  return false;
}

bool DirectGuest::store(uint64_t va, uint64_t value, uint64_t length, GuestStep& step) {
  MemoryMiss miss;
  if (!memory_.store(va, value, miss) && !is_absent_device(miss)) {
    step = access_failed(miss);
    return true;
  }
  regs_->rip += length;
  return false;
}

bool DirectGuest::push(uint64_t value, uint64_t length, GuestStep& step) {
  if (store(regs_->rsp - sizeof value, value, length, step)) return true;
  regs_->rsp -= sizeof value;
  return false;
}

bool DirectGuest::pop(uint64_t& to, uint64_t length, GuestStep& step) {
  MemoryMiss miss;
  uint64_t value = 0;
  if (!memory_.load(regs_->rsp, value, miss)) {
    step = access_failed(miss);
    return true;
  }
  regs_->rsp += sizeof value;
  regs_->rip += length;
  to = value;
  return false;
}

/// call *%rbx and jmp *%rbx.
bool DirectGuest::go_to(uint8_t form, GuestStep& step) {
  constexpr uint64_t kBytes = 2;
  if (form != 0xd3 && form != 0xe3) return unknown_instruction(step);
  if (form == 0xd3 && push(regs_->rip + kBytes, 0, step)) return true;
  regs_->rip = regs_->rbx;
  return false;
}

GuestStep DirectGuest::software_interrupt(uint8_t vector) {
  constexpr uint64_t kBytes = 2;
  // Of the gates that ring 3 may use, in the hypervisor's table or the agent's, instructions here name one only.
  if (vector != ASSAY_LANDING_VECTOR) return exception(kVectorProtection, true, vector * 8u | kErrorFromIdt);
  regs_->rip += kBytes;
  return is_pv() ? exception(vector) : hvm_entry(ASSAY_ENTRY_USER_LANDING, false, 0);
}

GuestStep DirectGuest::exception(uint32_t vector, bool has_code, uint32_t code, uint64_t address) {
  if (!is_pv()) return hvm_entry(vector, has_code, code);
  exit_->vector = vector;
  exit_->error_code = code;
  exit_->has_error_code = has_code ? 1 : 0;
  exit_->address = address;
  return leave_for(ASSAY_EXIT_EXCEPTION);
}

GuestStep DirectGuest::access_failed(const MemoryMiss& miss) {
  if (miss.stage2) return missed(miss);
  if (!is_pv() && miss.vector == 14) regs_->cr2 = miss.address;
  return exception(miss.vector, true, miss.error_code, miss.address);
}

/// PVH: the processor itself enters the guest's handler. The frame is told and not written.
GuestStep DirectGuest::hvm_entry(uint32_t entry, bool has_code, uint32_t code) {
  assay_execution told{};
  uint64_t words = 0;
  if (has_code) told.frame[words++] = code;
  for (const uint64_t word : {regs_->rip, uint64_t{regs_->cs}, regs_->rflags, regs_->rsp, uint64_t{regs_->ss}}) {
    told.frame[words++] = word;
  }
  told.frame_words = words;
  regs_->rip = layout_.trap_handlers + entry * layout_.trap_handler_stride;
  regs_->rsp = (regs_->rsp & ~uint64_t{15}) - words * sizeof(uint64_t);
  regs_->rflags &= ~(kFlagTrap | kFlagInterrupt);
  regs_->cs = kKernelCode;
  if (regs_->cpl == 3) regs_->ss = 0;
  regs_->cpl = 0;
  regs_->code_bits = 64;
  return tell(entry, told);
}

GuestStep DirectGuest::arrived(uint32_t entry) {
  assay_execution told{};
  if (entry != ASSAY_ENTRY_LANDING) {
    const uint64_t room = (ASSAY_PAGE_SIZE - (regs_->rsp & GuestMemory::kOffsetMask)) / sizeof(uint64_t);
    told.frame_words = std::min<uint64_t>(room, ASSAY_FRAME_WORDS_MAX);
    for (uint64_t i = 0; i < told.frame_words; ++i) told.frame[i] = get<uint64_t>(regs_->rsp + i * sizeof(uint64_t));
  }
  return tell(entry, told);
}

GuestStep DirectGuest::tell(uint32_t entry, assay_execution& told) {
  told.entry = entry;
  if (is_pv()) told.upcall_mask = get<uint8_t>(state_.info_va + offsetof(vcpu_info_t, evtchn_upcall_mask));
  told.cr2 = is_pv() ? get<uint64_t>(state_.info_va + offsetof(vcpu_info_t, arch.cr2)) : regs_->cr2;
  uint64_t* word = &told.at.rax;
  for (const Register reg : kTold) *word++ = regs_->*reg;
  told.at.rip = regs_->rip;
  told.at.cs = regs_->cs, told.at.ss = regs_->ss, told.at.ds = regs_->ds;
  told.at.es = regs_->es, told.at.fs = regs_->fs, told.at.gs = regs_->gs;
  const size_t bytes = std::min(request_->out.size(), sizeof told);
  std::memcpy(request_->out.data(), &told, bytes);
  machine_.fold_bytes(request_->out.first(bytes));
  reply_->value[0] = entry;
  return finish_execution(ASSAY_STATUS_OK);
}

/// Back to the agent's own stack and interrupt state.
GuestStep DirectGuest::finish_execution(assay_status status) {
  regs_->rsp = stack_top() - 256;
  regs_->rflags = kFlagAlwaysOne | (is_pv() ? kFlagInterrupt : 0);
  if (!is_pv()) {
    regs_->cpl = 0;
    regs_->code_bits = 64;
    regs_->cs = kKernelCode;
    regs_->ss = kKernelData;
  }
  set_upcalls(state_.upcalls_before);
  return finish(status);
}

}  // namespace assay
