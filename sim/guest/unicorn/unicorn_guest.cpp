#include "sim/guest/unicorn/unicorn_guest.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "sim/guest/vectors.hpp"

namespace assay {

namespace {

using unicorn::Stop;

/// A region that is mapped at once reaches at most so far in either direction.
constexpr uint64_t kSpanPages = 128;
constexpr uint64_t kPageBytes = ASSAY_PAGE_SIZE;

/// `ud2; .ascii "xen"`: the instruction behind is to be emulated. Source: public/arch-x86/xen.h, XEN_EMULATE_PREFIX.
constexpr uint8_t kPrefixedCpuid[] = {0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2};
constexpr uint8_t kVmcall[] = {0x0f, 0x01, 0xc1};
constexpr uint8_t kVmmcall[] = {0x0f, 0x01, 0xd9};
constexpr uint8_t kCpuid[] = {0x0f, 0xa2};
constexpr uint8_t kRdmsr[] = {0x0f, 0x32};
constexpr uint8_t kWrmsr[] = {0x0f, 0x30};
constexpr uint8_t kRdtsc[] = {0x0f, 0x31};
constexpr uint8_t kRdtscp[] = {0x0f, 0x01, 0xf9};

}  // namespace

UnicornGuest::UnicornGuest(Machine& machine)
    : machine_(machine), memory_(machine.memory(), machine.frames()), processor_(*this) {}

uint8_t* UnicornGuest::reach(uint64_t va, assay_access access) {
  MemoryMiss miss;
  return memory_.reach(va, access, miss);
}

template <size_t kBytes>
bool UnicornGuest::code_is(const uint8_t (&bytes)[kBytes]) {
  std::array<uint8_t, kBytes> code{};
  MemoryMiss miss;
  for (size_t i = 0; i < kBytes; ++i) {
    const uint8_t* const at = memory_.reach(regs_->rip + i, ASSAY_ACCESS_EXECUTE, miss);
    if (at == nullptr) return false;
    code[i] = *at;
  }
  return std::equal(code.begin(), code.end(), bytes);
}

GuestStep UnicornGuest::step(assay_run& run, const StepLimits& limits, assay_exit& exit) {
  run_ = &run;
  regs_ = run.regs;
  exit_ = &exit;
  start_ns_ = limits.now_ns;
  spent_ = 0;
  refresh();
  if (run.system != nullptr) hvm_ = *run.system;
  const GuestStep step = play(run, limits);
  if (run.system != nullptr) *run.system = hvm_;
  return step;
}

GuestStep UnicornGuest::play(assay_run& run, const StepLimits& limits) {
  const uint64_t turn = limits.until_ns > limits.now_ns ? (limits.until_ns - limits.now_ns) / kInstructionNs + 1 : 1;
  if (run.inject != 0) {
    run.inject = 0;
    if (!enter_handler(run.inject_vector, has_error_code(run.inject_vector), 0)) return leave_for(ASSAY_EXIT_TRIPLE);
  }
  if (may_interrupt()) return leave_for(ASSAY_EXIT_PREEMPTED);
  processor_.set_window(run.window != 0, !is_pv());
  GuestStep step{};
  do {
    goes_on_ = false;
    const Stop stop = run_processor(turn);
    const uint64_t rip = regs_->rip;
    step = take(stop);
    // What the processor did not complete and was done here.
    const bool was_emulated = stop.why == Stop::Why::kException || stop.why == Stop::Why::kInvalid;
    if (was_emulated && regs_->rip != rip) ++instructions_;
    if (goes_on_) refresh();
  } while (goes_on_);
  step.spent_ns = spent_ * kInstructionNs;
  last_run_ = run;
  return step;
}

/// The processor's next run within this turn, with stops for the probe as if they were not there.
Stop UnicornGuest::run_processor(uint64_t turn) {
  for (bool continues = false;; continues = true) {
    load();
    if (probe_ != nullptr) probe_->on_run(*this);
    const Stop stop = processor_.run(turn > spent_ ? turn - spent_ : 0, continues);
    spent_ += processor_.executed();
    instructions_ += processor_.executed();
    processor_.store(*regs_);
    last_run_ = *run_;
    if (stop.why != Stop::Why::kTraced) return stop;
    probe_->on_stop(*this);
    refresh();
  }
}

void UnicornGuest::set_probe(Probe* probe) {
  probe_ = probe;
  processor_.trace(probe);
}

UnicornGuest::State UnicornGuest::state() const {
  return {processor_.state(), hvm_, absent_device_, absent_address_, instructions_};
}

void UnicornGuest::set_state(const State& state) {
  memory_.forget();
  processor_.set_state(state.processor);
  generation_ = 0;
  hvm_ = state.hvm;
  absent_device_ = state.absent_device;
  absent_address_ = state.absent_address;
  instructions_ = state.instructions;
}

uint8_t* UnicornGuest::peek(uint64_t va) {
  if (last_run_.regs == nullptr) return nullptr;
  memory_.use(last_run_);
  const GuestMemory::Translation found = memory_.translation(va);
  return found.host == nullptr ? nullptr : found.host + va % kPageBytes;
}

/// The address space may have become another one.
void UnicornGuest::refresh() {
  memory_.use(*run_);
  if (memory_.generation() == generation_) return;
  processor_.forbid_all();
  generation_ = memory_.generation();
}

/// The core wants to be told, and the guest takes interrupts.
bool UnicornGuest::may_interrupt() const {
  return run_->window != 0 && (regs_->rflags & kFlagInterrupt) != 0 && !processor_.is_shadowed(regs_->rip);
}

/// An HVM guest in ring 0 may change its interrupt flag, which IOPL 3 lets ring 3 do.
void UnicornGuest::load() {
  constexpr unsigned kEverything = 3;
  processor_.load(*regs_, !is_pv() && regs_->cpl == 0 ? kEverything : 0);
}

GuestStep UnicornGuest::take(const Stop& stop) {
  switch (stop.why) {
    case Stop::Why::kBudget:
      if (may_interrupt()) return leave_for(ASSAY_EXIT_PREEMPTED);
      return {GuestStep::Kind::kTurn};
    case Stop::Why::kWatched:
      if (spin_ != nullptr && spin_->is_idle()) return {GuestStep::Kind::kIdle};
      processor_.pass_watched();
      goes_on_ = true;
      return {};
    case Stop::Why::kTraced:
      break;  // does not get here
    case Stop::Why::kSyscall:
      if (!is_pv()) return hvm_syscall();
      regs_->rcx = regs_->rip;
      regs_->r11 = regs_->rflags & ~kFlagResume;
      return leave_for(ASSAY_EXIT_HYPERCALL);
    case Stop::Why::kTrap:
      return trap(stop.vector);
    case Stop::Why::kException:
      if (stop.vector == kVectorProtection) return protection();
      return stop.vector == kVectorInvalidOpcode ? invalid_instruction() : exception(stop.vector);
    case Stop::Why::kInvalid:
      return invalid_instruction();
    case Stop::Why::kOutside:
      return outside();
    case Stop::Why::kMiss:
      if (stop.access_is_unknown && !fill(stop.address, stop.access)) {
        processor_.unmap(stop.address & ~(kPageBytes - 1), kPageBytes);  // with nothing there, Unicorn tells
        goes_on_ = true;
        return {};
      }
      return missed(stop.address, stop.access);
  }
  return {};
}

GuestStep UnicornGuest::leave_for(assay_exit_reason reason, uint64_t instruction_bytes) {
  regs_->rip += instruction_bytes;
  exit_->reason = reason;
  return {GuestStep::Kind::kExit};
}

GuestStep UnicornGuest::exception(uint32_t vector, bool has_code, uint32_t code, uint64_t address) {
  if (!is_pv()) return hvm_exception(vector, has_code, code);
  exit_->vector = vector;
  exit_->has_error_code = has_code ? 1 : 0;
  exit_->error_code = code;
  exit_->address = address;
  return leave_for(ASSAY_EXIT_EXCEPTION);
}

/// Of the hypervisor's gates ring 3 may use those for int3 and into.
GuestStep UnicornGuest::trap(uint32_t vector) {
  if (!is_pv()) return hvm_software_interrupt(vector, vector == kVectorBreakpoint ? 1 : 2);
  if (vector == kVectorBreakpoint || vector == kVectorOverflow) return exception(vector);
  regs_->rip -= 2;
  return exception(kVectorProtection, true, vector * 8 | kErrorFromIdt);
}

GuestStep UnicornGuest::invalid_instruction() {
  if (is_pv() && code_is(kPrefixedCpuid)) return leave_for(ASSAY_EXIT_CPUID, sizeof kPrefixedCpuid);
  if (!is_pv() && (code_is(kVmcall) || code_is(kVmmcall))) return leave_for(ASSAY_EXIT_HYPERCALL, sizeof kVmcall);
  const auto instruction = decode();
  const auto is = [&](unicorn::Operation operation) { return instruction && instruction->operation == operation; };
  if (is(unicorn::Operation::kPopCount)) return count_bits(*instruction);
  if (!is_pv() && is(unicorn::Operation::kSystemReturn)) return emulate();
  return exception(kVectorInvalidOpcode);
}

/// popcnt, which Unicorn's processor does not have and CPUID promises.
GuestStep UnicornGuest::count_bits(const unicorn::Instruction& instruction) {
  constexpr uint64_t kArithmeticFlags = 0x8d5, kFlagZero = 1u << 6;
  uint64_t value = 0;
  if (instruction.source != nullptr) {
    std::memcpy(&value, &(regs_->*instruction.source), instruction.operand_bytes);
  } else {
    MemoryMiss miss;
    if (!memory_.read(instruction.address, &value, instruction.operand_bytes, miss)) {
      return missed(instruction.address, ASSAY_ACCESS_READ);
    }
  }
  uint64_t& place = regs_->*instruction.general;
  const auto count = static_cast<uint64_t>(std::popcount(value));
  if (instruction.operand_bytes >= 4) place = 0;
  std::memcpy(&place, &count, instruction.operand_bytes);
  regs_->rflags = (regs_->rflags & ~kArithmeticFlags) | (value == 0 ? kFlagZero : 0);
  regs_->rip += instruction.bytes;
  ++spent_;
  goes_on_ = true;
  return {};
}

GuestStep UnicornGuest::outside() {
  if (!is_pv()) return emulate();
  if (code_is(kCpuid)) return leave_for(ASSAY_EXIT_CPUID, sizeof kCpuid);
  return exception(kVectorProtection, true);
}

/// What ring 3 may not do, and the hypervisor or hardware does for a guest.
GuestStep UnicornGuest::protection() {
  if (!is_pv()) return emulate();
  const bool with_processor_id = code_is(kRdtscp);
  if (with_processor_id || code_is(kRdtsc)) {
    read_time(with_processor_id, with_processor_id ? sizeof kRdtscp : sizeof kRdtsc);
    return {};
  }
  const bool is_write = code_is(kWrmsr);
  if (is_write || code_is(kRdmsr)) {
    exit_->index = static_cast<uint32_t>(regs_->rcx);
    exit_->is_write = is_write ? 1 : 0;
    return leave_for(ASSAY_EXIT_MSR, sizeof kRdmsr);
  }
  return exception(kVectorProtection, true);
}

void UnicornGuest::read_time(bool with_processor_id, uint64_t instruction_bytes) {
  spent_ += kTimeReadInstructions;
  const uint64_t now = start_ns_ + spent_ * kInstructionNs;
  const uint32_t khz = run_->tsc_khz != 0 ? run_->tsc_khz : machine_.config().tsc_khz;
  constexpr uint64_t kNsPerMs = 1'000'000;
  const uint64_t tsc = now / kNsPerMs * khz + now % kNsPerMs * khz / kNsPerMs + run_->tsc_offset;
  regs_->rax = static_cast<uint32_t>(tsc);
  regs_->rdx = tsc >> 32;
  if (with_processor_id) regs_->rcx = 0;
  regs_->rip += instruction_bytes;
  goes_on_ = true;
}

GuestStep UnicornGuest::stage2(const MemoryMiss& miss) {
  absent_device_ = true;
  absent_address_ = miss.address;
  exit_->address = miss.address;
  exit_->access = miss.access;
  return leave_for(ASSAY_EXIT_STAGE2);
}

bool UnicornGuest::fill(uint64_t address, assay_access access) {
  MemoryMiss miss;
  if (memory_.reach(address, access, miss) == nullptr) return false;
  const uint64_t page = address & ~(kPageBytes - 1);
  const GuestMemory::Translation found = memory_.translation(page);
  if (!processor_.maps(page, found.host, found.is_executable)) map_around(page, found);
  processor_.allow(page, found.is_writable);
  return true;
}

GuestStep UnicornGuest::missed(uint64_t address, assay_access access) {
  if (fill(address, access)) {
    goes_on_ = true;
    return {};
  }
  MemoryMiss miss;
  static_cast<void>(memory_.reach(address, access, miss));
  if (miss.stage2) {
    // The core saw this fault and let the guest go on: nobody is there, as on an empty bus.
    if (absent_device_ && absent_address_ == miss.address && miss.access != ASSAY_ACCESS_EXECUTE) {
      absent_device_ = false;
      return access_nothing(address);
    }
    return stage2(miss);
  }
  if (!is_pv() && miss.vector == kVectorPageFault) regs_->cr2 = miss.address;
  return exception(miss.vector, true, miss.error_code, miss.address);
}

/// One instruction with a page of ones in the place of the memory that is not there.
GuestStep UnicornGuest::access_nothing(uint64_t address) {
  alignas(ASSAY_PAGE_SIZE) static std::array<uint8_t, ASSAY_PAGE_SIZE> ones;
  ones.fill(0xff);
  const uint64_t page = address & ~(kPageBytes - 1);
  processor_.map(page, ones.data(), kPageBytes, false);
  processor_.allow(page, true);
  load();
  const Stop stop = processor_.run_one();
  spent_ += processor_.executed();
  processor_.store(*regs_);
  processor_.unmap(page, kPageBytes);
  if (stop.why != Stop::Why::kBudget) return take(stop);
  goes_on_ = true;
  return {};
}

/// One region for the page and its neighbours that are translated to memory that lies alike. Those of them that the
/// guest has accessed already are allowed at once.
void UnicornGuest::map_around(uint64_t va, const GuestMemory::Translation& page) {
  struct Neighbour {
    uint64_t va;
    bool is_writable;
  };
  std::vector<Neighbour> allowed;
  const auto joins = [&](uint64_t at, const uint8_t* host) {
    const GuestMemory::Translation other = memory_.translation(at);
    if (other.host != host || other.is_executable != page.is_executable) return false;
    if (!processor_.is_free(at)) return false;
    if (other.is_accessed) allowed.push_back({at, other.is_writable});
    return true;
  };
  uint64_t before = 0, behind = 1;
  while (before < kSpanPages && joins(va - (before + 1) * kPageBytes, page.host - (before + 1) * kPageBytes)) ++before;
  while (behind < kSpanPages && joins(va + behind * kPageBytes, page.host + behind * kPageBytes)) ++behind;
  processor_.map(va - before * kPageBytes, page.host - before * kPageBytes, (before + behind) * kPageBytes,
                 page.is_executable);
  for (const Neighbour& neighbour : allowed) processor_.allow(neighbour.va, neighbour.is_writable);
}

}  // namespace assay
