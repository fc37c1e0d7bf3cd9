/// One vCPU that executes single instructions in states of the case's choice, and what it registers to be entered at.
#pragma once

#include "conformance/case.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

/// In every general register before an instruction, each with its own low byte: what came through unchanged shows.
constexpr uint64_t kMarked = 0x5a5a'0000'1234'0000;

/// Flags of struct assay_registers.
constexpr uint64_t kFlagCarry = 1u << 0;
constexpr uint64_t kFlagTrap = 1u << 8;
constexpr uint64_t kFlagInterrupt = 1u << 9;
constexpr uint64_t kFlagDirection = 1u << 10;
constexpr uint64_t kFlagIopl = 3u << 12;
constexpr uint64_t kFlagNested = 1u << 14;
constexpr uint64_t kFlagResume = 1u << 16;
constexpr uint64_t kFlagVirtual8086 = 1u << 17;
constexpr uint64_t kFlagAlignment = 1u << 18;

/// What a PV64 kernel finds on its stack for an exception, an event or a system call.
/// Source: public/arch-x86/xen-x86_64.h, struct iret_context and its comments.
struct BounceFrame {
  uint64_t rcx, r11;
  uint64_t error = 0;  ///< only with an error code
  uint64_t rip, cs, rflags, rsp, ss;
  [[nodiscard]] uint16_t selector() const { return static_cast<uint16_t>(cs); }
  [[nodiscard]] uint8_t saved_mask() const { return static_cast<uint8_t>(cs >> 32); }
};
BounceFrame bounce_frame(const assay_execution& execution, bool has_error = false);

class Instructions {
 public:
  /// Pages for a stack of its own; a PV64 vCPU gets its kernel stack there too, for entries from user mode.
  explicit Instructions(CaseContext& c, Vcpu& vcpu);

  [[nodiscard]] Vcpu& vcpu() const { return *vcpu_; }
  /// Marked registers, the stack pointer at stack(), upcalls let through.
  [[nodiscard]] assay_registers registers() const;
  /// Stack pointer of registers(); not on a 16-byte boundary.
  [[nodiscard]] uint64_t stack() const { return stack_.va(kStackAt).raw(); }
  /// Where a PV64 vCPU is entered from user mode: 16-byte aligned.
  [[nodiscard]] uint64_t kernel_stack() const { return stack_.va(kKernelStackAt).raw(); }
  /// Address of an instruction of the menu.
  [[nodiscard]] uint64_t at(assay_instruction instruction, assay_execute_mode mode = ASSAY_EXECUTE_KERNEL) const;
  /// Address of a stub that takes note, see enum assay_entry.
  [[nodiscard]] uint64_t stub(uint32_t entry) const;
  [[nodiscard]] uint64_t landing() const { return vcpu_->domain().space().layout.landing; }
  [[nodiscard]] uint64_t user_landing() const { return vcpu_->domain().space().layout.user_landing; }
  /// Address of an entry of the hypercall page.
  [[nodiscard]] uint64_t page_entry(uint32_t number) const;

  assay_execution run(assay_instruction instruction, const assay_registers& registers,
                      assay_execute_mode mode = ASSAY_EXECUTE_KERNEL) {
    return vcpu_->instruction(instruction, registers, mode);
  }
  assay_execution run(assay_instruction instruction, assay_execute_mode mode = ASSAY_EXECUTE_KERNEL) {
    return run(instruction, registers(), mode);
  }

  // PV64. Each is one hypercall.
  /// One entry of the trap table. `flags`: privilege in bits 0..1, bit 2 masks events.
  int64_t set_trap(uint8_t vector, uint64_t address, uint8_t flags = 0, uint16_t selector = FLAT_KERNEL_CS);
  int64_t register_callback(uint16_t type, uint64_t address, uint16_t flags = 0);
  int64_t unregister_callback(uint16_t type);
  int64_t stack_switch(uint64_t stack_pointer);
  /// User mode on the kernel's own page tables, as all of a PV64 guest runs in ring 3. A failure ends the case.
  void allow_user_mode();
  /// HYPERVISOR_iret with `frame` on the stack, through the hypercall page; `registers` are those before it, and rax,
  /// rcx and r11 of the frame come from them.
  assay_execution iret(const iret_context& frame, const assay_registers& before);
  /// Writes the frame where `registers.rsp` will point, and says how to start that: for calls that need not come back.
  void prepare_iret(const iret_context& frame, assay_registers& registers);
  /// To `rip` in kernel mode, with the stack of registers() and events let through.
  [[nodiscard]] iret_context kernel_frame(uint64_t rip) const;
  [[nodiscard]] iret_context user_frame(uint64_t rip) const;

 private:
  static constexpr uint64_t kStackAt = 0x1808;
  static constexpr uint64_t kKernelStackAt = 0x3800;
  CaseContext* c_;
  Vcpu* vcpu_;
  Scratch stack_;
  Scratch arguments_;
};

/// Starts an instruction that must be the end of its domain, and checks that it was: shut down with reason crash, as
/// dom0 sees it.
void check_ends_domain(CaseContext& c, Instructions& cpu, assay_instruction instruction,
                       const assay_registers& registers, assay_execute_mode mode, std::string_view what);

}  // namespace assay
