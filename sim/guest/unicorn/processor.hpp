/// One x86-64 processor, executed by Unicorn: registers in, instructions, and why it stopped.
///
/// It is always in ring 3, whatever the guest believes to be, and Unicorn's own paging stays off: what is privileged
/// stops it, and so does an address for which nothing was mapped. See README.md for what Unicorn can and cannot do.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/port/port.h"

namespace assay::unicorn {

/// Why it stopped. `regs.rip` is at the instruction that could not be completed, but for kSyscall and kTrap.
struct Stop {
  enum class Why : uint8_t {
    kBudget,     ///< before a block that begins beyond the budget
    kWatched,    ///< before the block at the watched address
    kSyscall,    ///< `syscall`; rip is behind it
    kTrap,       ///< int3, int n: `vector`; rip is behind it
    kException,  ///< any other exception: `vector`
    kInvalid,    ///< no instruction of this processor: also vmcall, vmmcall, sysenter
    kOutside,    ///< cpuid, in, out: what asks the world outside
    kMiss,       ///< nothing is mapped at `address` for `access`
  };
  Why why = Why::kBudget;
  uint32_t vector = 0;
  assay_access access = ASSAY_ACCESS_READ;
  uint64_t address = 0;
};

/// What is not visible at the port: carried from stop to stop by whoever owns the processor.
class Processor {
 public:
  /// Of mapped memory. Unicorn slows down with their number.
  static constexpr size_t kRegionsMax = 48;
  static constexpr uint64_t kNowhere = 0x0000'9000'0000'0000;  ///< not canonical

  Processor();
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;
  ~Processor();

  /// As new: no memory, no code translated, no floating point state.
  void reset();

  /// From the port's registers and back. `io_level`: IOPL that it runs with; 3 lets it change IF by itself.
  void load(const assay_regs& regs, unsigned io_level);
  void store(assay_regs& regs) const;

  /// Runs until something stops it, at the earliest before the first block that begins after `budget` instructions.
  Stop run(uint64_t budget);
  /// One instruction, whatever it does; what would stop it is lost.
  void run_one();
  /// Instructions that the last run completed; one that trapped or left counts.
  [[nodiscard]] uint64_t executed() const { return executed_; }
  /// Stops before the block there; kNowhere: none.
  void watch(uint64_t address) { watched_ = address; }
  /// The next run begins with the watched block instead of stopping there.
  void pass_watched() { passes_watched_ = true; }
  /// Stops before any block while the guest's IF is set and this is asked for.
  void set_window(bool wanted, bool is_hvm) {
    window_ = wanted;
    is_hvm_ = is_hvm;
  }

  /// Maps host memory. What was there before goes; the oldest region goes when there are too many.
  void map(uint64_t va, uint8_t* host, uint64_t bytes, bool is_writable, bool is_executable);
  void unmap(uint64_t va, uint64_t bytes);
  void unmap_all();
  /// Forgets what was translated of code that may have changed behind its back.
  void forget_code();

 private:
  struct Engine;  // Unicorn's handles
  struct Region {
    uint64_t va = 0, bytes = 0;
    [[nodiscard]] bool overlaps(uint64_t start, uint64_t length) const {
      return va < start + length && start < va + bytes;
    }
  };
  /// What is known of the code of a block.
  struct Block {
    uint64_t address = kNowhere;
    uint32_t bytes = 0;
    uint32_t instructions = 0;    ///< before `outside`
    uint64_t outside = kNowhere;  ///< first instruction in it that asks the world outside
  };
  static constexpr size_t kBlocks = 4096;

  void open();
  void make_mode(unsigned code_bits);
  void clear_exception();
  void on_block(uint64_t address, uint32_t bytes);
  void on_interrupt(uint32_t vector);
  bool on_miss(int kind, uint64_t address);
  void on_invalid();
  void on_syscall();
  void on_outside();
  void stop(const Stop& why);
  const Block& block_at(uint64_t address, uint32_t bytes);
  void stop_before(uint64_t address);
  [[nodiscard]] uint32_t count(uint64_t start, uint64_t end);
  friend struct Callbacks;

  std::unique_ptr<Engine> engine_;
  std::vector<Region> regions_;
  std::vector<Block> blocks_;
  std::vector<uint64_t> outside_;  ///< instructions with a hook of their own
  unsigned code_bits_ = 64;
  bool had_exception_ = false;

  // Of the run in progress.
  Stop stop_;
  bool stopped_ = false;
  bool retranslate_ = false;
  uint64_t budget_ = 0;
  uint64_t executed_ = 0;
  uint64_t block_end_ = 0;  ///< of what is counted of the block that is executed
  uint64_t watched_ = kNowhere;
  bool passes_watched_ = false;
  bool window_ = false;
  bool is_hvm_ = false;  ///< more instructions must not be done by ring 3 alone
};

}  // namespace assay::unicorn
