/// A guest that is a program: x86-64 machine code on a Unicorn processor, behind the port as any vCPU.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/engine/machine.hpp"
#include "sim/guest/memory/guest_memory.hpp"
#include "sim/guest/unicorn/decoder.hpp"
#include "sim/guest/unicorn/processor.hpp"

namespace assay {

class UnicornGuest final : public GuestExecutor, private unicorn::Filler {
 public:
  /// Virtual time that one instruction takes.
  static constexpr uint64_t kInstructionNs = 1;
  /// Reading the time-stamp counter takes as long as so many others: it traps here. A guest that only waits for time to
  /// pass gets there the sooner.
  static constexpr uint64_t kTimeReadInstructions = 500;

  explicit UnicornGuest(Machine& machine);

  /// Asked whenever the guest comes by an address: true when it only spins there until an interrupt comes or the
  /// machine wakes it, so that it need not take time.
  class Spin {
   public:
    virtual ~Spin() = default;
    virtual bool is_idle() = 0;
  };
  /// Sees every instruction, and may hold the guest before any of them.
  class Probe : public unicorn::Tracer {
   public:
    /// A run of instructions begins.
    virtual void on_run(UnicornGuest& guest) = 0;
    /// on_instruction() wanted to stop, and the registers are those of that moment. The guest goes on when this
    /// returns; what it throws leaves the machine in the midst of a step, from which it has to be put back.
    virtual void on_stop(UnicornGuest& guest) = 0;
  };
  /// Null: nobody.
  void set_probe(Probe* probe);
  void watch_memory(const std::vector<unicorn::Processor::Watched>& ranges) { processor_.watch_memory(ranges); }

  /// Of a vCPU between two steps, besides registers and memory.
  struct State;
  [[nodiscard]] State state() const;
  void set_state(const State& state);

  /// As the core has them; null before its first step.
  [[nodiscard]] const assay_regs* registers() const { return regs_; }
  /// Host address of a byte of the guest's memory, which is not touched by this; null when it is not there.
  [[nodiscard]] uint8_t* peek(uint64_t va);

  void spins_at(uint64_t address, Spin& spin) {
    processor_.watch(address);
    spin_ = &spin;
  }
  /// Executed since it was made.
  [[nodiscard]] uint64_t instructions() const { return instructions_; }
  /// Host address of a byte of the guest's memory, as the guest translates it now; null when it is not there.
  uint8_t* reach(uint64_t va, assay_access access);

  GuestStep step(assay_run& run, const StepLimits& limits, assay_exit& exit) override;

 private:
  GuestStep play(assay_run& run, const StepLimits& limits);
  unicorn::Stop run_processor(uint64_t turn);
  GuestStep take(const unicorn::Stop& stop);
  GuestStep leave_for(assay_exit_reason reason, uint64_t instruction_bytes = 0);
  GuestStep exception(uint32_t vector, bool has_code = false, uint32_t code = 0, uint64_t address = 0);
  GuestStep invalid_instruction();
  GuestStep protection();
  GuestStep stage2(const MemoryMiss& miss);
  void read_time(bool with_processor_id, uint64_t instruction_bytes);

  std::optional<unicorn::Instruction> decode();
  GuestStep count_bits(const unicorn::Instruction& instruction);

  // hvm.cpp
  GuestStep emulate();
  GuestStep hvm_exception(uint32_t vector, bool has_code, uint32_t code);
  GuestStep hvm_software_interrupt(uint32_t vector, uint64_t instruction_bytes);
  void note_msr(uint32_t index, uint64_t value);
  GuestStep hvm_syscall();
  GuestStep system_return(const unicorn::Instruction& instruction);
  GuestStep out_string(const unicorn::Instruction& instruction);
  GuestStep hvm_miss(const MemoryMiss& miss);
  GuestStep interrupt_return(const unicorn::Instruction& instruction);
  bool enter_handler(uint32_t vector, bool has_code, uint32_t code);
  bool enter_code(uint16_t selector, uint64_t rip);
  bool descriptor(uint16_t selector, uint64_t& found, MemoryMiss& miss);
  void load_segment(uint8_t segment, uint16_t selector);
  void write_control(uint8_t number, uint64_t value);
  [[nodiscard]] uint64_t read_control(uint8_t number) const;
  bool privileged(const unicorn::Instruction& instruction, MemoryMiss& miss);
  bool operand_value(const unicorn::Instruction& instruction, uint64_t& value, MemoryMiss& miss);
  bool set_operand(const unicorn::Instruction& instruction, uint64_t value, uint64_t bytes, MemoryMiss& miss);
  GuestStep outside();
  GuestStep trap(uint32_t vector);
  /// In the midst of an instruction: makes the page reachable for the processor, if it is for the guest.
  bool fill(uint64_t address, assay_access access) override;
  /// After one that stopped: the same, or what the miss leads to.
  GuestStep missed(uint64_t address, assay_access access);
  void map_around(uint64_t va, const GuestMemory::Translation& page);
  GuestStep access_nothing(uint64_t address);
  [[nodiscard]] bool may_interrupt() const;
  void refresh();
  void load();
  [[nodiscard]] bool is_pv() const { return run_->mode == ASSAY_MODE_PV64; }
  template <size_t kBytes>
  bool code_is(const uint8_t (&bytes)[kBytes]);

  Machine& machine_;
  Probe* probe_ = nullptr;
  GuestMemory memory_;
  unicorn::Decoder decoder_;
  assay_system_regs hvm_{};
  bool absent_device_ = false;  ///< the last exit was a second-stage fault at `absent_address_`
  uint64_t absent_address_ = 0;
  unicorn::Processor processor_;
  uint32_t generation_ = 0;
  Spin* spin_ = nullptr;

  assay_run last_run_{};  ///< as it was when the vCPU ran last: the pCPU's may be another one's by now

  // Of the step in progress.
  assay_run* run_ = nullptr;
  assay_regs* regs_ = nullptr;
  assay_exit* exit_ = nullptr;
  uint64_t start_ns_ = 0;
  uint64_t spent_ = 0;  ///< instructions of this step
  uint64_t instructions_ = 0;
  bool goes_on_ = false;
};

struct UnicornGuest::State {
  unicorn::Processor::State processor;
  assay_system_regs hvm;
  bool absent_device = false;
  uint64_t absent_address = 0;
  uint64_t instructions = 0;
};

}  // namespace assay
