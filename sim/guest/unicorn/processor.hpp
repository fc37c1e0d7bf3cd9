/// One x86-64 processor, executed by Unicorn: registers in, instructions, and why it stopped.
///
/// It is always in ring 3, whatever the guest believes to be: what is privileged stops it, and so does an access that
/// nothing was mapped and allowed for. See README.md for what Unicorn can and cannot do.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "sim/guest/unicorn/presence_tables.hpp"
#include "sim/port/port.h"

namespace assay::unicorn {

/// Why it stopped. `regs.rip` is at the instruction that could not be completed, but for kSyscall and kTrap.
struct Stop {
  enum class Why : uint8_t {
    kBudget,     ///< before a block that begins beyond the budget
    kWatched,    ///< before the block at the watched address
    kTraced,     ///< before an instruction at which the tracer wanted to stop
    kSyscall,    ///< `syscall`; rip is behind it
    kTrap,       ///< int3, int n: `vector`; rip is behind it
    kException,  ///< any other exception: `vector`
    kInvalid,    ///< no instruction of this processor: also vmcall, vmmcall, sysenter
    kOutside,    ///< cpuid, in, out: what asks the world outside
    kMiss,       ///< `access` at `address` was not allowed
  };
  Why why = Why::kBudget;
  uint32_t vector = 0;
  assay_access access = ASSAY_ACCESS_READ;
  uint64_t address = 0;
  bool access_is_unknown = false;  ///< of kMiss: memory is mapped there, and READ stands for any access to it
};

/// Who knows what lies behind addresses.
class Filler {
 public:
  virtual ~Filler() = default;
  /// Asked in the midst of an instruction whose access nothing is mapped for: maps and allows the page and returns
  /// true, so that the instruction goes on, or returns false, and it stops as a miss. Must not touch registers.
  virtual bool fill(uint64_t address, assay_access access) = 0;
};

/// Who wants to see every instruction. It costs two thirds of the speed.
class Tracer {
 public:
  virtual ~Tracer() = default;
  /// Before the instruction at `address`: true stops there.
  virtual bool on_instruction(uint64_t address) = 0;
  /// The instruction before the next one has used memory that is watched.
  virtual void on_access(uint64_t address, bool is_write) = 0;
};

class Processor {
 public:
  /// Of mapped memory. Unicorn slows down with their number.
  static constexpr size_t kRegionsMax = 48;
  static constexpr uint64_t kNowhere = 0x0000'9000'0000'0000;  ///< not canonical

  explicit Processor(Filler& filler);
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;
  ~Processor();

  /// From the port's registers and back. `io_level`: IOPL that it runs with; 3 lets it change IF by itself.
  void load(const assay_regs& regs, unsigned io_level);
  void store(assay_regs& regs) const;

  /// Runs until something stops it, at the earliest before the first block that begins after `budget` instructions.
  /// After load(). `continues`: from a stop for the tracer, as if that had not been; what ends a run at the start of a
  /// block has been looked at already.
  Stop run(uint64_t budget, bool continues = false);
  /// One instruction, or one turn of a repeated one, by the processor's own trap flag. kBudget: it is done. kException
  /// with vector 1: likewise, and the guest had set the flag itself. Anything else: it was not completed, as with
  /// run().
  Stop run_one();
  /// Instructions that the last run completed; one that trapped or left counts.
  [[nodiscard]] uint64_t executed() const { return executed_; }
  /// From now on, or (null) no more.
  void trace(Tracer* tracer);
  /// Bytes whose use the tracer is told of.
  struct Watched {
    uint64_t va, bytes;
    bool reads, writes;
  };
  void watch_memory(const std::vector<Watched>& ranges);

  /// What a moment consists of that `load` does not set: floating point registers, and where the shadow of `sti` lies.
  struct State {
    std::array<std::array<uint64_t, 2>, 16> vectors{};
    std::array<std::array<uint8_t, 16>, 8> stack{};
    std::array<uint64_t, 4> control{};
    uint64_t shadow = kNowhere;
  };
  [[nodiscard]] State state() const;
  /// As new, but for that.
  void set_state(const State& state);

  /// Stops before the block there; kNowhere: none.
  void watch(uint64_t address) { watched_ = address; }
  /// The next run begins with the watched block instead of stopping there.
  void pass_watched() { passes_watched_ = true; }
  /// Stops before any block while the guest's IF is set and this is asked for.
  void set_window(bool wanted, bool is_hvm) {
    window_ = wanted;
    is_hvm_ = is_hvm;
  }

  /// True when `sti` was the instruction before: none is interrupted behind it.
  [[nodiscard]] bool is_shadowed(uint64_t rip) const { return rip == shadow_; }

  /// Host memory for a range of addresses; nothing of it is allowed yet. What was there before goes; others go when
  /// there are too many.
  void map(uint64_t va, uint8_t* host, uint64_t bytes, bool is_executable);
  /// True when the page is mapped to that memory already, with that right.
  [[nodiscard]] bool maps(uint64_t page, const uint8_t* host, bool is_executable) const;
  /// The page may be read, and executed where its region may.
  void allow(uint64_t va, bool is_writable);
  /// A new region may cover the page.
  [[nodiscard]] bool is_free(uint64_t page) const { return !tables_.allows(page); }
  /// Nothing is allowed any more. What is mapped stays, for most of it is asked for again.
  void forbid_all();
  /// The regions that overlap, each as a whole, and what was translated of their code.
  void unmap(uint64_t va, uint64_t bytes);

 private:
  struct Engine;  // Unicorn's handles
  struct Region {
    uint64_t va = 0, bytes = 0;
    uint8_t* host = nullptr;
    bool is_executable = false;
    uint64_t asked_for = 0;  ///< the turn in which a page of it was allowed last
    [[nodiscard]] bool contains(uint64_t at) const { return at - va < bytes; }
    [[nodiscard]] bool overlaps(uint64_t start, uint64_t length) const {
      return va < start + length && start < va + bytes;
    }
  };
  /// What is known of the code of a block.
  struct Block {
    uint64_t address = kNowhere;
    uint64_t key = kNowhere;
    uint32_t bytes = 0;
    uint32_t instructions = 0;      ///< before `outside`
    uint64_t outside = kNowhere;    ///< first instruction in it that asks the world outside
    bool outside_is_float = false;  ///< an exception, of a task that was switched
    bool ends_in_sti = false;
    uint64_t digest = 0;  ///< of its code
    uint64_t run = 0;     ///< in which the code was last looked at

    /// Where what is counted ends, and where nothing interrupts because of what was executed last.
    [[nodiscard]] uint64_t end() const { return outside == kNowhere ? address + bytes : outside; }
    [[nodiscard]] uint64_t shadow() const { return ends_in_sti ? end() : kNowhere; }
  };
  static const Block kNoBlock;
  static size_t slot_of(uint64_t address) { return (address ^ address >> 12) % kRecentBlocks; }
  static constexpr size_t kRecentBlocks = 4096;
  static constexpr size_t kBlocksMax = 1u << 16;
  static constexpr unsigned kKeyShift = 2;
  static constexpr size_t kRegionsSpare = 4;  ///< that go together

  void open();
  void make_mode(unsigned code_bits);
  void clear_exception();
  void restore_clean();
  void uncount(uint64_t rip);
  void write_float(const State& state);
  void on_code(uint64_t address);
  void on_access(bool is_write, uint64_t address);
  void on_generated(uint64_t address);
  void begin_block(Block& block, uint64_t address, uint32_t bytes);
  bool ends_before(uint64_t address);
  void on_interrupt(uint32_t vector);
  bool on_miss(int kind, uint64_t address);
  void on_invalid();
  void on_syscall();
  void on_outside(uint64_t address);
  void on_page_fault();
  void stop(const Stop& why);
  void forget_code();
  void reopen();
  void add_tracing();
  void retranslate(uint64_t address, uint32_t bytes);
  [[nodiscard]] bool traps_float() const { return float_control_ != 0; }
  /// The same bytes are another block in another mode; the upper bits of an address repeat each other.
  [[nodiscard]] uint64_t key_of(uint64_t address) const {
    return address << kKeyShift | (code_bits_ == 32 ? 1 : 0) | (traps_float() ? 2 : 0);
  }
  bool look_up(Block& block, uint64_t address, uint32_t bytes);
  [[nodiscard]] const uint8_t* code_at(uint64_t address, uint32_t bytes);
  Block learn(uint64_t address, uint32_t bytes, const uint8_t* code);
  void place_tables(uint64_t va, uint64_t bytes);
  void flush();
  void unmap_all();
  void drop(const Region& region);
  void make_room();
  [[nodiscard]] std::vector<Block> blocks_in(const Region& region) const;
  void forget_blocks(const Region& region);
  [[nodiscard]] const Region* region_of(uint64_t va) const;
  [[nodiscard]] Region* region_of(uint64_t va);
  [[nodiscard]] bool has_blocks(const Region& region) const;
  [[nodiscard]] bool is_cut_short(uint64_t address);
  void stop_before(uint64_t address);
  [[nodiscard]] uint32_t count(uint64_t start, uint64_t end);
  friend struct Callbacks;

  Filler& filler_;
  std::unique_ptr<Engine> engine_;
  PresenceTables tables_;
  std::vector<Region> regions_;
  std::vector<Block> recent_;  ///< by a part of the address
  /// Of everything that is translated: what Unicorn keeps must not be older than what is known of it.
  std::map<uint64_t, Block> known_;
  std::vector<uint64_t> outside_;  ///< instructions with a hook of their own
  unsigned code_bits_ = 64;
  uint64_t turn_ = 0;  ///< grows whenever everything is forbidden
  bool had_exception_ = false;
  uint64_t rip_ = 0;
  uint64_t fs_base_ = kNowhere, gs_base_ = kNowhere;  ///< as the engine has them; kNowhere: not known
  uint64_t float_control_ = 0;                        ///< of CR0, what makes floating point instructions an exception

  // Of the run in progress.
  Stop stop_;
  bool stopped_ = false;
  bool retranslate_ = false;
  uint64_t stopped_before_ = kNowhere;  ///< the block whose hook ended the run
  uint64_t budget_ = 0;
  uint64_t limit_ = 0;  ///< the budget, or 0 when a block needs a closer look
  uint64_t executed_ = 0;
  uint64_t runs_ = 0;
  const Block* block_ = &kNoBlock;   ///< that is executed
  uint64_t missed_page_ = kNowhere;  ///< where the filler had nothing, and a page stands in until the fault
  assay_access missed_access_ = ASSAY_ACCESS_READ;
  bool continues_ = false;
  Tracer* tracer_ = nullptr;
  std::vector<Watched> watched_memory_;
  uint64_t watched_ = kNowhere;
  bool passes_watched_ = false;
  bool window_ = false;
  uint64_t shadow_ = kNowhere;  ///< behind the `sti` that was executed last
  bool is_stepping_ = false;
  bool is_hvm_ = false;  ///< more instructions must not be done by ring 3 alone

  /// What a guest that computes spends its time with, so it is here, where it can be inlined.
  void on_block(uint64_t address, uint32_t bytes) {
    Block& block = recent_[slot_of(address)];
    const bool is_known = block.address == address && block.bytes == bytes && block.run == runs_;
    if (is_known && executed_ < limit_ && address != watched_) [[likely]] {
      executed_ += block.instructions;
      block_ = &block;
      return;
    }
    begin_block(block, address, bytes);
  }
};

}  // namespace assay::unicorn
