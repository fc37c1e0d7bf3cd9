#include "sim/guest/unicorn/processor.hpp"

#include <capstone/capstone.h>
#include <unicorn/unicorn.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "sim/guest/vectors.hpp"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
// Unicorn forgets, when it is closed, what it noted of pages whose code changed.
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier): the sanitizer's name
  return "leak:libunicorn";
}
#endif
#endif

namespace assay::unicorn {

namespace {

constexpr uint64_t kFlagsFixed = 1u << 1;
constexpr unsigned kIoLevelShift = 12;
constexpr uint64_t kIoLevelMask = 3u << kIoLevelShift;
/// What ring 3 may change of the flags itself: the arithmetic ones, DF, AC, ID, NT.
constexpr uint64_t kFlagsNative = 0x244cd5;
constexpr uint64_t kFlagTrap = 1u << 8;

constexpr uint64_t kCr0Paging = 1u << 31, kCr0Protected = 1u << 0;
/// EM and TS: a floating point instruction is an exception.
constexpr uint64_t kCr0Float = 0xc;
constexpr uint64_t kCr4PhysicalExtension = 1u << 5;
constexpr uint64_t kCr4TimeStampDisable = 1u << 2;
constexpr uint64_t kCr4Sse = 3u << 9;

/// For entering ring 3 only: a descriptor table, a frame and code, in the hypervisor's part of the address space.
constexpr uint64_t kEntryPages = 0xffff'8700'0000'0000;
constexpr uint64_t kTableBytes = 0xf000;
constexpr uint64_t kFrameAt = kTableBytes + 0x800;
constexpr uint64_t kCodeAt = kTableBytes + 0x400;
constexpr uint64_t kEntryBytes = kTableBytes + 0x1000;
/// Where the presence tables may be, which takes these addresses from the guest: below 1 TiB (the processor has 40 bits
/// of physical address), and elsewhere as soon as the guest has something there.
constexpr uint64_t kTablesFirst = 0xff'fff0'0000, kTablesStep = 0x40'0000'0000;
// As the hypervisor gives them to PV guests. Source: public/arch-x86/xen-x86_64.h.
constexpr uint16_t kCode32 = 0xe023, kData = 0xe02b, kCode64 = 0xe033;
constexpr uint64_t kCode32Descriptor = 0x00cffb000000ffff;
constexpr uint64_t kDataDescriptor = 0x00cff3000000ffff;
constexpr uint64_t kCode64Descriptor = 0x00affb000000ffff;

constexpr int kGeneral[] = {UC_X86_REG_RAX, UC_X86_REG_RBX,    UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RSI,
                            UC_X86_REG_RDI, UC_X86_REG_RBP,    UC_X86_REG_RSP, UC_X86_REG_R8,  UC_X86_REG_R9,
                            UC_X86_REG_R10, UC_X86_REG_R11,    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14,
                            UC_X86_REG_R15, UC_X86_REG_RFLAGS, UC_X86_REG_RIP};
constexpr size_t kGeneralCount = std::size(kGeneral);
constexpr size_t kFlagsIndex = 16, kRipIndex = 17;

constexpr int vector_register(size_t index) {
  return UC_X86_REG_XMM0 + static_cast<int>(index);
}
constexpr int stack_register(size_t index) {
  return UC_X86_REG_FP0 + static_cast<int>(index);
}
constexpr std::array<int, 4> kFloatControl{UC_X86_REG_FPSW, UC_X86_REG_FPCW, UC_X86_REG_FPTAG, UC_X86_REG_MXCSR};

void must(uc_err error, const char* what) {
  if (error != UC_ERR_OK) throw std::runtime_error(std::string("Unicorn: ") + what + ": " + uc_strerror(error));
}

/// What ring 3 can do unasked and must not do alone.
bool asks_outside(const cs_insn& instruction, bool is_hvm) {
  switch (instruction.id) {
    case X86_INS_CPUID:
    case X86_INS_IN:
    case X86_INS_OUT:
    case X86_INS_INSB:
    case X86_INS_INSW:
    case X86_INS_INSD:
    case X86_INS_OUTSB:
    case X86_INS_OUTSW:
    case X86_INS_OUTSD:
      return true;
    case X86_INS_PUSHF:
    case X86_INS_PUSHFD:
    case X86_INS_PUSHFQ:
    case X86_INS_POPF:
    case X86_INS_POPFD:
    case X86_INS_POPFQ:
      return is_hvm;     // IOPL is not what the guest believes
    case X86_INS_MOV: {  // so are selectors
      constexpr uint8_t kFromSegment = 0x8c, kToSegment = 0x8e;
      const uint8_t* code = instruction.bytes;
      while (*code == 0x66 || (*code & 0xf0) == 0x40) ++code;
      return is_hvm && (*code == kFromSegment || *code == kToSegment);
    }
    default:
      return false;
  }
}

/// What CR0.TS and CR0.EM make an exception, which Unicorn does not: x87, MMX and SSE. Fences and `pause` came with SSE
/// and are none of these, so groups do not tell.
bool is_float(csh decoder, const cs_insn& instruction) {
  switch (instruction.id) {
    case X86_INS_FXSAVE:
    case X86_INS_FXSAVE64:
    case X86_INS_FXRSTOR:
    case X86_INS_FXRSTOR64:
    case X86_INS_LDMXCSR:
    case X86_INS_STMXCSR:
    case X86_INS_EMMS:
      return true;
    default:
      break;
  }
  if (cs_insn_group(decoder, &instruction, X86_GRP_FPU)) return true;
  const cs_x86& detail = instruction.detail->x86;
  return std::any_of(detail.operands, detail.operands + detail.op_count, [](const cs_x86_op& operand) {
    const bool is_vector = operand.reg >= X86_REG_XMM0 && operand.reg <= X86_REG_ZMM31;
    const bool is_mmx = operand.reg >= X86_REG_MM0 && operand.reg <= X86_REG_MM7;
    return operand.type == X86_OP_REG && (is_vector || is_mmx);
  });
}

/// Stands in where memory is missing, until the fault that this is to become.
alignas(ASSAY_PAGE_SIZE) std::array<uint8_t, ASSAY_PAGE_SIZE> nothing;

}  // namespace

const Processor::Block Processor::kNoBlock{};

struct Processor::Engine {
  uc_engine* uc = nullptr;
  csh decoder32 = 0, decoder64 = 0;
  cs_insn* instruction32 = nullptr;
  cs_insn* instruction64 = nullptr;
  uc_context* fresh = nullptr;    ///< as it was opened
  uc_context* clean32 = nullptr;  ///< in ring 3, nothing raised
  uc_context* clean64 = nullptr;
  bool has_flushing_page = false;
  std::vector<uc_hook> hooks;
  std::vector<uint8_t> bytes;  ///< of a block

  ~Engine() {
    if (fresh != nullptr) uc_context_free(fresh);
    if (clean32 != nullptr) uc_context_free(clean32);
    if (clean64 != nullptr) uc_context_free(clean64);
    if (uc != nullptr) uc_close(uc);
    if (instruction32 != nullptr) cs_free(instruction32, 1);
    if (instruction64 != nullptr) cs_free(instruction64, 1);
    if (decoder32 != 0) cs_close(&decoder32);
    if (decoder64 != 0) cs_close(&decoder64);
  }
  uint64_t read(int id) const {
    uint64_t value = 0;
    uc_reg_read(uc, id, &value);
    return value;
  }
  void write(int id, uint64_t value) const { must(uc_reg_write(uc, id, &value), "writing a register"); }
  template <typename Callback>
  void hook(int type, Callback* callback, void* user, uint64_t begin = 1, uint64_t end = 0, int instruction = 0) {
    uc_hook handle{};
    must(uc_hook_add(uc, &handle, type, reinterpret_cast<void*>(callback), user, begin, end, instruction), "a hook");
    hooks.push_back(handle);
  }
};

/// Unicorn's calls, in the terms of the processor.
struct Callbacks {
  static Processor& self(void* user) { return *static_cast<Processor*>(user); }
  static void block(uc_engine*, uint64_t address, uint32_t bytes, void* user) { self(user).on_block(address, bytes); }
  static void interrupt(uc_engine*, uint32_t vector, void* user) { self(user).on_interrupt(vector); }
  static void generated(uc_engine*, uc_tb* block, uc_tb*, void* user) { self(user).on_generated(block->pc); }
  static bool miss(uc_engine*, uc_mem_type type, uint64_t address, int, int64_t, void* user) {
    return self(user).on_miss(type, address);
  }
  static bool invalid(uc_engine*, void* user) {
    self(user).on_invalid();
    return true;
  }
  static void syscall(uc_engine*, void* user) { self(user).on_syscall(); }
  static void code(uc_engine*, uint64_t address, uint32_t, void* user) { self(user).on_code(address); }
  static void access(uc_engine*, uc_mem_type type, uint64_t address, int, int64_t, void* user) {
    self(user).on_access(type == UC_MEM_WRITE, address);
  }
  static void outside(uc_engine*, uint64_t address, uint32_t, void* user) { self(user).on_outside(address); }
};

Processor::Processor(Filler& filler) : filler_(filler), recent_(kRecentBlocks) {
  open();
}

Processor::~Processor() = default;

void Processor::open() {
  engine_ = std::make_unique<Engine>();
  Engine& e = *engine_;
  must(uc_open(UC_ARCH_X86, UC_MODE_64, &e.uc), "opening an engine");
  // With an address to stop at, Unicorn fetches from it after every run, and a fault of that counts as an exception.
  must(uc_ctl_exits_enable(e.uc), "no address to stop at");
  if (cs_open(CS_ARCH_X86, CS_MODE_64, &e.decoder64) != CS_ERR_OK ||
      cs_open(CS_ARCH_X86, CS_MODE_32, &e.decoder32) != CS_ERR_OK) {
    throw std::runtime_error("Capstone cannot be opened");
  }
  cs_option(e.decoder64, CS_OPT_DETAIL, CS_OPT_ON);
  cs_option(e.decoder32, CS_OPT_DETAIL, CS_OPT_ON);
  e.instruction64 = cs_malloc(e.decoder64);
  e.instruction32 = cs_malloc(e.decoder32);
  e.hook(UC_HOOK_BLOCK, Callbacks::block, this);
  e.hook(UC_HOOK_EDGE_GENERATED, Callbacks::generated, this);
  e.hook(UC_HOOK_INTR, Callbacks::interrupt, this);
  e.hook(UC_HOOK_MEM_UNMAPPED | UC_HOOK_MEM_PROT, Callbacks::miss, this);
  e.hook(UC_HOOK_INSN_INVALID, Callbacks::invalid, this);
  e.hook(UC_HOOK_INSN, Callbacks::syscall, this, 1, 0, UC_X86_INS_SYSCALL);

  alignas(4096) static std::array<uint8_t, kEntryBytes> entry;
  const auto descriptor = [](uint16_t selector, uint64_t value) {
    std::memcpy(entry.data() + (selector & ~7u), &value, sizeof value);
  };
  descriptor(kCode32, kCode32Descriptor);
  descriptor(kData, kDataDescriptor);
  descriptor(kCode64, kCode64Descriptor);
  must(uc_mem_map_ptr(e.uc, kEntryPages, kEntryBytes, UC_PROT_ALL, entry.data()), "mapping the way into ring 3");
  e.write(UC_X86_REG_CR4, e.read(UC_X86_REG_CR4) | kCr4TimeStampDisable | kCr4Sse | kCr4PhysicalExtension);
  tables_.move_to(kTablesFirst);
  must(uc_mem_map_ptr(e.uc, tables_.address(), PresenceTables::kBytes, UC_PROT_READ, tables_.host()), "the tables");
  must(uc_context_alloc(e.uc, &e.fresh), "a context");
  must(uc_context_save(e.uc, e.fresh), "saving the fresh context");
  must(uc_context_alloc(e.uc, &e.clean64), "a context");
  must(uc_context_alloc(e.uc, &e.clean32), "a context");
  make_mode(64);
  make_mode(32);
  must(uc_mem_unmap(e.uc, kEntryPages, kEntryBytes), "unmapping the way into ring 3");
  must(uc_context_restore(e.uc, e.clean64), "the clean context");
  code_bits_ = 64;
}

/// An iretq to ring 3 ends at an address where nothing is mapped: then it is there.
void Processor::make_mode(unsigned code_bits) {
  Engine& e = *engine_;
  if (code_bits == 32) must(uc_context_restore(e.uc, e.fresh), "the fresh context");
  uc_x86_mmr table{0, kEntryPages, kTableBytes - 1, 0};
  must(uc_reg_write(e.uc, UC_X86_REG_GDTR, &table), "the descriptor table");
  constexpr uint64_t kAway = 0x1000;
  const std::array<uint64_t, 5> frame{kAway, code_bits == 64 ? kCode64 : kCode32, kFlagsFixed, kAway, kData};
  constexpr std::array<uint8_t, 2> kIretq{0x48, 0xcf};
  must(uc_mem_write(e.uc, kEntryPages + kFrameAt, frame.data(), sizeof frame), "the frame");
  must(uc_mem_write(e.uc, kEntryPages + kCodeAt, kIretq.data(), kIretq.size()), "the code");
  e.write(UC_X86_REG_RSP, kEntryPages + kFrameAt);
  stop_ = Stop{};
  stopped_ = false;
  budget_ = UINT64_MAX;
  limit_ = 0;
  is_stepping_ = true;  // these blocks are not the guest's
  uc_emu_start(e.uc, kEntryPages + kCodeAt, kNowhere, 0, 0);
  is_stepping_ = false;
  if (stop_.why != Stop::Why::kMiss || stop_.address != kAway) {
    throw std::runtime_error("Unicorn cannot be brought into ring 3 with " + std::to_string(code_bits) + "-bit code");
  }
  const uc_x86_mmr none{0, 0, 0, 0};
  must(uc_reg_write(e.uc, UC_X86_REG_GDTR, &none), "no descriptor table");
  e.write(UC_X86_REG_CR3, tables_.address());
  e.write(UC_X86_REG_CR0, e.read(UC_X86_REG_CR0) | kCr0Paging | kCr0Protected);
  must(uc_context_save(e.uc, code_bits == 64 ? e.clean64 : e.clean32), "saving the clean context");
}

/// A second exception in a row would become a double fault: what was raised is forgotten with a clean context, which
/// must not take the floating point state with it.
void Processor::clear_exception() {
  const State kept = state();
  restore_clean();
  write_float(kept);
  had_exception_ = false;
}

void Processor::restore_clean() {
  must(uc_context_restore(engine_->uc, code_bits_ == 64 ? engine_->clean64 : engine_->clean32), "the clean context");
  engine_->write(UC_X86_REG_CR3, tables_.address());  // they may have moved
  fs_base_ = gs_base_ = kNowhere;                     // to be written
}

Processor::State Processor::state() const {
  uc_engine* const uc = engine_->uc;
  State state;
  for (size_t i = 0; i < state.vectors.size(); ++i) uc_reg_read(uc, vector_register(i), &state.vectors[i]);
  for (size_t i = 0; i < state.stack.size(); ++i) uc_reg_read(uc, stack_register(i), &state.stack[i]);
  for (size_t i = 0; i < state.control.size(); ++i) uc_reg_read(uc, kFloatControl[i], &state.control[i]);
  state.shadow = shadow_;
  return state;
}

void Processor::write_float(const State& state) {
  uc_engine* const uc = engine_->uc;
  for (size_t i = 0; i < state.control.size(); ++i) uc_reg_write(uc, kFloatControl[i], &state.control[i]);
  for (size_t i = 0; i < state.vectors.size(); ++i) uc_reg_write(uc, vector_register(i), &state.vectors[i]);
  for (size_t i = 0; i < state.stack.size(); ++i) uc_reg_write(uc, stack_register(i), &state.stack[i]);
}

/// A fresh engine: what Unicorn keeps of code and memory is of another time.
void Processor::set_state(const State& state) {
  reopen();
  write_float(state);
  shadow_ = state.shadow;
}

void Processor::load(const assay_regs& regs, unsigned io_level) {
  if (known_.size() > kBlocksMax) forget_code();
  Engine& e = *engine_;
  const unsigned code_bits = regs.code_bits == 32 ? 32 : 64;
  if (had_exception_ || code_bits != code_bits_) {
    code_bits_ = code_bits;
    clear_exception();
  }
  std::array<uint64_t, kGeneralCount> values{};
  std::memcpy(values.data(), &regs.rax, 16 * sizeof(uint64_t));
  values[kFlagsIndex] =
      (regs.rflags & (kFlagsNative | kFlagInterrupt | kFlagTrap)) | kFlagsFixed | uint64_t{io_level} << kIoLevelShift;
  values[kRipIndex] = regs.rip;
  std::array<void*, kGeneralCount> places{};
  for (size_t i = 0; i < kGeneralCount; ++i) places[i] = &values[i];
  must(uc_reg_write_batch(e.uc, const_cast<int*>(kGeneral), places.data(), static_cast<int>(kGeneralCount)),
       "registers");
  float_control_ = regs.cr0 & kCr0Float;
  rip_ = regs.rip;
  if (regs.fs_base != fs_base_) e.write(UC_X86_REG_FS_BASE, fs_base_ = regs.fs_base);
  if (regs.gs_base != gs_base_) e.write(UC_X86_REG_GS_BASE, gs_base_ = regs.gs_base);
}

void Processor::store(assay_regs& regs) const {
  std::array<uint64_t, kGeneralCount> values{};
  std::array<void*, kGeneralCount> places{};
  for (size_t i = 0; i < kGeneralCount; ++i) places[i] = &values[i];
  must(uc_reg_read_batch(engine_->uc, const_cast<int*>(kGeneral), places.data(), static_cast<int>(kGeneralCount)),
       "registers");
  std::memcpy(&regs.rax, values.data(), 16 * sizeof(uint64_t));
  const bool sets_interrupts = (values[kFlagsIndex] & kIoLevelMask) == kIoLevelMask;
  const uint64_t native = kFlagsNative | (sets_interrupts ? kFlagInterrupt : 0);
  regs.rflags = (regs.rflags & ~(native | kFlagResume)) | (values[kFlagsIndex] & native);
  regs.rip = values[kRipIndex];
}

Stop Processor::run(uint64_t budget, bool continues) {
  Engine& e = *engine_;
  budget_ = budget;
  continues_ = continues;
  limit_ = 0;  // the first block takes the long way
  executed_ = 0;
  block_ = &kNoBlock;
  ++runs_;
  for (;;) {
    stop_ = Stop{};
    stopped_ = retranslate_ = false;
    stopped_before_ = kNowhere;
    const uc_err error = uc_emu_start(e.uc, rip_, kNowhere, 0, 0);
    // Stopped by the hook of a block, Unicorn may still name the block before it.
    if (stopped_before_ != kNowhere) e.write(UC_X86_REG_RIP, rip_ = stopped_before_);
    if (retranslate_ && !stopped_) continue;
    if (!stopped_) {
      throw std::runtime_error(std::string("Unicorn ended without a reason: ") + uc_strerror(error));
    }
    break;
  }
  if (missed_page_ != kNowhere) unmap(std::exchange(missed_page_, kNowhere), kPageBytes);
  const bool midway = stop_.why == Stop::Why::kMiss || stop_.why == Stop::Why::kException ||
                      stop_.why == Stop::Why::kInvalid || stop_.why == Stop::Why::kTraced;
  if (midway) uncount(e.read(UC_X86_REG_RIP));
  if (block_ != &kNoBlock) shadow_ = block_->shadow();
  return stop_;
}

/// Translated code that nothing may be left of goes with the engine: Unicorn's own way takes half a second.
void Processor::forget_code() {
  set_state(state());
}

void Processor::reopen() {
  regions_.clear();
  known_.clear();
  outside_.clear();
  std::ranges::fill(recent_, Block{});
  engine_.reset();
  open();
  restore_clean();
  had_exception_ = false;
  add_tracing();
}

/// What the block was counted for and did not get to.
void Processor::uncount(uint64_t rip) {
  if (rip < block_->address || rip >= block_->end()) return;
  executed_ -= std::min<uint64_t>(executed_, count(rip, block_->end()));
}

void Processor::stop(const Stop& why) {
  limit_ = 0;
  if (!stopped_) stop_ = why;
  stopped_ = true;
  uc_emu_stop(engine_->uc);
}

/// Unicorn has translated the code there anew, because the guest changed it: what was known of it is old.
void Processor::on_generated(uint64_t address) {
  Block& block = recent_[slot_of(address)];
  if (block.address == address) block = Block{};
  known_.erase(key_of(address));
}

void Processor::begin_block(Block& block, uint64_t address, uint32_t bytes) {
  if (stopped_ || is_stepping_) return;
  stopped_before_ = address;  // unless it goes on
  if (!std::exchange(continues_, false) && ends_before(address)) return;
  const bool is_known = block.address == address && block.bytes == bytes && block.run == runs_;
  if (!is_known && region_of(address) == nullptr) return stop({Stop::Why::kMiss, 0, ASSAY_ACCESS_EXECUTE, address});
  if (!is_known && !look_up(block, address, bytes)) {
    continues_ = true;  // the same block comes again
    return retranslate(address, bytes);
  }
  stopped_before_ = kNowhere;
  executed_ += block.instructions;
  block_ = &block;
  limit_ = window_ ? 0 : budget_;
}

/// True when the run ends here, which `stop` was told.
bool Processor::ends_before(uint64_t address) {
  const bool is_shadowed_here = block_ == &kNoBlock ? is_shadowed(address) : block_->shadow() == address;
  const bool may_interrupt = window_ && !is_shadowed_here;
  if (address == watched_ && !std::exchange(passes_watched_, false)) {
    stop({Stop::Why::kWatched});
  } else if (executed_ >= budget_) {
    stop({Stop::Why::kBudget});
  } else if (may_interrupt && (engine_->read(UC_X86_REG_RFLAGS) & kFlagInterrupt) != 0) {
    stop({Stop::Why::kBudget});
  }
  return stopped_;
}

void Processor::trace(Tracer* tracer) {
  const bool changes = (tracer_ == nullptr) != (tracer == nullptr);
  tracer_ = tracer;
  if (changes) forget_code();
}

void Processor::watch_memory(const std::vector<Watched>& ranges) {
  watched_memory_ = ranges;
  forget_code();
}

void Processor::add_tracing() {
  if (tracer_ == nullptr) return;
  engine_->hook(UC_HOOK_CODE, Callbacks::code, this);
  for (const Watched& range : watched_memory_) {
    const int type = (range.reads ? UC_HOOK_MEM_READ : 0) | (range.writes ? UC_HOOK_MEM_WRITE : 0);
    engine_->hook(type, Callbacks::access, this, range.va, range.va + range.bytes - 1);
  }
}

void Processor::on_code(uint64_t address) {
  if (stopped_ || is_stepping_ || tracer_ == nullptr) return;
  if (tracer_->on_instruction(address)) return stop({Stop::Why::kTraced});
  on_outside(address);
}

void Processor::on_access(bool is_write, uint64_t address) {
  if (tracer_ != nullptr) tracer_->on_access(address, is_write);
}

/// Nobody says when code changes: it is looked at once in every run. False when what was translated is not what is
/// there, or when the block needs a hook in its middle.
bool Processor::look_up(Block& block, uint64_t address, uint32_t bytes) {
  const uint8_t* const code = code_at(address, bytes);
  const uint64_t key = key_of(address);
  if (block.key != key) {
    const auto known = known_.find(key);
    block = known != known_.end() ? known->second : known_.emplace(key, learn(address, bytes, code)).first->second;
  }
  if (block.bytes != bytes || XXH3_64bits(code, bytes) != block.digest) return false;
  block.run = runs_;
  if (block.outside == kNowhere || tracer_ != nullptr) return true;  // every instruction has the tracer's hook
  if (std::ranges::find(outside_, block.outside) != outside_.end()) return true;
  stop_before(block.outside);
  return false;
}

/// Unicorn shall translate the block anew, and run it.
void Processor::retranslate(uint64_t address, uint32_t bytes) {
  recent_[slot_of(address)] = Block{};
  const auto known = known_.find(key_of(address));
  const uint32_t all = known == known_.end() ? bytes : std::max(bytes, known->second.bytes);
  known_.erase(key_of(address));
  must(uc_ctl_remove_cache(engine_->uc, address, address + all), "forgetting a block");
  retranslate_ = true;
  limit_ = 0;
  uc_emu_stop(engine_->uc);
}

void Processor::stop_before(uint64_t address) {
  outside_.push_back(address);
  engine_->hook(UC_HOOK_CODE, Callbacks::outside, this, address, address);
}

void Processor::on_outside(uint64_t address) {
  if (address != block_->outside) return;  // a hook for another mode
  if (block_->outside_is_float) return stop({Stop::Why::kException, kVectorNoDevice});
  ++executed_;
  stop({Stop::Why::kOutside});
}

void Processor::on_syscall() {
  stop({Stop::Why::kSyscall});
}

void Processor::on_invalid() {
  stop({Stop::Why::kInvalid});
}

void Processor::on_interrupt(uint32_t vector) {
  had_exception_ = true;
  if (vector == kVectorPageFault) return on_page_fault();
  // The instruction before rip tells a software interrupt from an exception at rip.
  const uint64_t rip = engine_->read(UC_X86_REG_RIP);
  std::array<uint8_t, 2> code{};
  const bool is_read = uc_mem_read(engine_->uc, rip - code.size(), code.data(), code.size()) == UC_ERR_OK;
  const bool is_int = is_read && ((code[0] == 0xcd && code[1] == vector) || (code[1] == 0xcc && vector == 3));
  stop({is_int ? Stop::Why::kTrap : Stop::Why::kException, vector});
}

/// Unicorn does not tell the kind of the access. Where nothing is mapped the hook was told; a page that is allowed at
/// all refuses writes alone; and an instruction of which a part is missing was being fetched.
void Processor::on_page_fault() {
  Stop why{Stop::Why::kMiss};
  why.address = engine_->read(UC_X86_REG_CR2);
  const uint64_t page = why.address & ~(kPageBytes - 1);
  if (page == missed_page_) {
    why.access = missed_access_;
  } else if (tables_.allows(page)) {
    why.access = ASSAY_ACCESS_WRITE;
  } else if (is_cut_short(page)) {
    why.access = ASSAY_ACCESS_EXECUTE;
  } else {
    why.access_is_unknown = true;
  }
  stop(why);
}

/// True when the instruction at rip has bytes on the page.
bool Processor::is_cut_short(uint64_t page) {
  const uint64_t rip = engine_->read(UC_X86_REG_RIP);
  if ((rip & ~(kPageBytes - 1)) == page) return true;
  constexpr uint64_t kLongestInstruction = 15;
  if (page < rip || page - rip >= kLongestInstruction) return false;
  return count(rip, page) == 0 || block_->end() > page;
}

bool Processor::on_miss(int kind, uint64_t address) {
  const bool is_fetch = kind == UC_MEM_FETCH_UNMAPPED || kind == UC_MEM_FETCH_PROT;
  const assay_access access = is_fetch                        ? ASSAY_ACCESS_EXECUTE
                              : kind == UC_MEM_WRITE_UNMAPPED ? ASSAY_ACCESS_WRITE
                                                              : ASSAY_ACCESS_READ;
  if (is_fetch) {
    stop({Stop::Why::kMiss, 0, access, address});
    return false;
  }
  if (filler_.fill(address, access)) return true;
  // With memory there that is not allowed it becomes a page fault, which leaves exact registers.
  const uint64_t page = address & ~(kPageBytes - 1);
  if (missed_page_ != kNowhere) unmap(missed_page_, kPageBytes);
  map(page, nothing.data(), kPageBytes, false);
  missed_page_ = page;
  missed_access_ = access;
  return true;
}

const uint8_t* Processor::code_at(uint64_t address, uint32_t bytes) {
  const Region* const region = region_of(address);
  if (region != nullptr && address - region->va + bytes <= region->bytes) return region->host + (address - region->va);
  Engine& e = *engine_;
  e.bytes.assign(bytes, 0);
  static_cast<void>(uc_mem_read(e.uc, address, e.bytes.data(), bytes));
  return e.bytes.data();
}

Processor::Block Processor::learn(uint64_t address, uint32_t bytes, const uint8_t* code) {
  Block block{.address = address, .key = key_of(address), .bytes = bytes, .digest = XXH3_64bits(code, bytes)};
  Engine& e = *engine_;
  size_t left = bytes;
  uint64_t at = address;
  const csh decoder = code_bits_ == 64 ? e.decoder64 : e.decoder32;
  cs_insn* const instruction = code_bits_ == 64 ? e.instruction64 : e.instruction32;
  while (left != 0) {
    const uint64_t start = at;
    if (!cs_disasm_iter(decoder, &code, &left, &at, instruction)) {
      ++block.instructions;  // not one that Capstone knows: it will be invalid, and end the block
      break;
    }
    block.outside_is_float = traps_float() && is_float(decoder, *instruction);
    if (block.outside_is_float || asks_outside(*instruction, is_hvm_)) {
      block.outside = start;
      break;
    }
    ++block.instructions;
    block.ends_in_sti = instruction->id == X86_INS_STI;
  }
  return block;
}

/// Instructions in [start, end), which lie in a block that was executed.
uint32_t Processor::count(uint64_t start, uint64_t end) {
  Engine& e = *engine_;
  if (start >= end || end - start > e.bytes.max_size()) return 0;
  e.bytes.resize(end - start);
  if (uc_mem_read(e.uc, start, e.bytes.data(), e.bytes.size()) != UC_ERR_OK) return 0;
  const uint8_t* code = e.bytes.data();
  size_t left = e.bytes.size();
  uint32_t found = 0;
  cs_insn* const instruction = code_bits_ == 64 ? e.instruction64 : e.instruction32;
  while (left != 0 && cs_disasm_iter(code_bits_ == 64 ? e.decoder64 : e.decoder32, &code, &left, &start, instruction)) {
    ++found;
  }
  return found;
}

void Processor::map(uint64_t va, uint8_t* host, uint64_t bytes, bool is_executable) {
  Engine& e = *engine_;
  unmap(va, bytes);
  place_tables(va, bytes);
  if (regions_.size() == kRegionsMax) make_room();
  const auto rights = static_cast<uint32_t>(UC_PROT_READ | UC_PROT_WRITE | (is_executable ? UC_PROT_EXEC : 0));
  must(uc_mem_map_ptr(e.uc, va, bytes, rights, host), "mapping a region");
  regions_.push_back({va, bytes, host, is_executable, turn_});
}

/// Those go that were not asked for since longest, without code first; never the one with the code that is executed.
void Processor::make_room() {
  const auto is_needed = [&](const Region& region) { return region.overlaps(block_->address, block_->bytes); };
  const auto value = [&](const Region& region) {
    return std::tuple(is_needed(region), region.asked_for, has_blocks(region));
  };
  while (regions_.size() > kRegionsMax - kRegionsSpare) {
    const auto victim = std::ranges::min_element(regions_, {}, value);
    drop(*victim);
    regions_.erase(victim);
  }
}

/// Away with the tables from where the guest has something.
void Processor::place_tables(uint64_t va, uint64_t bytes) {
  const auto is_in_the_way = [&](uint64_t at) { return at < va + bytes && va < at + PresenceTables::kBytes; };
  if (!is_in_the_way(tables_.address())) return;
  unmap_all();
  must(uc_mem_unmap(engine_->uc, tables_.address(), PresenceTables::kBytes), "moving the tables");
  uint64_t at = kTablesFirst;
  while (is_in_the_way(at)) at -= kTablesStep;
  tables_.move_to(at);
  must(uc_mem_map_ptr(engine_->uc, at, PresenceTables::kBytes, UC_PROT_READ, tables_.host()), "the tables");
  engine_->write(UC_X86_REG_CR3, tables_.address());
}

/// Unicorn's TLB does not care for what is written to control registers; it goes when anything is mapped or unmapped.
void Processor::flush() {
  Engine& e = *engine_;
  if (e.has_flushing_page) {
    must(uc_mem_unmap(e.uc, kNowhere, kPageBytes), "flushing the TLB");
  } else {
    must(uc_mem_map_ptr(e.uc, kNowhere, kPageBytes, UC_PROT_READ, nothing.data()), "flushing the TLB");
  }
  e.has_flushing_page = !e.has_flushing_page;
}

const Processor::Region* Processor::region_of(uint64_t va) const {
  const auto found = std::ranges::find_if(regions_, [&](const Region& region) { return region.contains(va); });
  return found != regions_.end() ? &*found : nullptr;
}

bool Processor::maps(uint64_t page, const uint8_t* host, bool is_executable) const {
  const Region* const region = region_of(page);
  return region != nullptr && region->host + (page - region->va) == host && region->is_executable == is_executable;
}

Processor::Region* Processor::region_of(uint64_t va) {
  return const_cast<Region*>(std::as_const(*this).region_of(va));
}

void Processor::allow(uint64_t va, bool is_writable) {
  if (Region* const region = region_of(va)) region->asked_for = turn_;
  if (tables_.allow(va, is_writable)) return;
  tables_.clear();  // what was allowed before is asked for again
  flush();
  static_cast<void>(tables_.allow(va, is_writable));
}

bool Processor::has_blocks(const Region& region) const {
  const auto first = known_.lower_bound(region.va << kKeyShift);
  return region.is_executable && first != known_.end() && region.contains(first->second.address);
}

/// What is known of blocks that lie in the region, or end there.
std::vector<Processor::Block> Processor::blocks_in(const Region& region) const {
  std::vector<Block> found;
  if (!region.is_executable) return found;
  const uint64_t first = region.va < kPageBytes ? 0 : region.va - kPageBytes;  // no block is longer
  for (auto at = known_.lower_bound(first << kKeyShift); at != known_.end(); ++at) {
    const Block& block = at->second;
    if (at->first >> kKeyShift >= (region.va + region.bytes) << kKeyShift >> kKeyShift) break;
    if (region.overlaps(block.address, block.bytes)) found.push_back(block);
  }
  return found;
}

/// Unicorn keeps translated code by a place of its own for each mapping, and gives the place of one that is gone to the
/// next: what is left there would be executed again, though the code may have become another one.
void Processor::forget_blocks(const Region& region) {
  for (const Block& block : blocks_in(region)) {
    const uint64_t page = block.address & ~(kPageBytes - 1);
    const bool is_allowed = tables_.allows(page);
    if (!is_allowed) allow(page, false);  // else Unicorn does not find it
    must(uc_ctl_remove_cache(engine_->uc, block.address, block.address + block.bytes), "forgetting a block");
    if (!is_allowed) tables_.forbid(page);  // and unmapping is what flushes the TLB
    known_.erase(block.key);
    Block& recent = recent_[slot_of(block.address)];
    if (&recent != block_) recent = Block{};
  }
}

void Processor::drop(const Region& region) {
  if (region.is_executable) forget_blocks(region);
  must(uc_mem_unmap(engine_->uc, region.va, region.bytes), "unmapping a region");
  for (uint64_t page = 0; page < region.bytes; page += kPageBytes) tables_.forbid(region.va + page);
}

void Processor::unmap(uint64_t va, uint64_t bytes) {
  std::erase_if(regions_, [&](const Region& region) {
    if (!region.overlaps(va, bytes)) return false;
    drop(region);
    return true;
  });
}

Stop Processor::run_one() {
  Engine& e = *engine_;
  const uint64_t flags = e.read(UC_X86_REG_RFLAGS);
  e.write(UC_X86_REG_RFLAGS, flags | kFlagTrap);
  stop_ = Stop{};
  stopped_ = false;
  is_stepping_ = true;
  limit_ = 0;
  uc_emu_start(e.uc, e.read(UC_X86_REG_RIP), kNowhere, 0, 0);
  is_stepping_ = false;
  if (missed_page_ != kNowhere) unmap(std::exchange(missed_page_, kNowhere), kPageBytes);
  const bool is_done = stop_.why == Stop::Why::kException && stop_.vector == kVectorDebug;
  executed_ = is_done ? 1 : 0;
  if ((flags & kFlagTrap) == 0) {
    e.write(UC_X86_REG_RFLAGS, e.read(UC_X86_REG_RFLAGS) & ~kFlagTrap);
    if (is_done) stop_ = {Stop::Why::kBudget};
  }
  return stop_;
}

void Processor::forbid_all() {
  ++turn_;
  tables_.clear();
  flush();
}

void Processor::unmap_all() {
  for (const Region& region : regions_) drop(region);
  regions_.clear();
  forbid_all();
}

}  // namespace assay::unicorn
