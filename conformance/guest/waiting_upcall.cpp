#include "conformance/guest/waiting_upcall.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace assay {
namespace {

/// Lets upcalls through at the last moment, where none can come before the hypercall has begun.
constexpr std::array<uint8_t, 10> kCode{
    0x48, 0x89, 0x07,  // mov %rax, (%rdi): the first word of vcpu_info
    0x58,              // pop %rax
    0x5f,              // pop %rdi
    0x5b,              // pop %rbx
    0x0f, 0x05,        // syscall
    0xff, 0xe3,        // jmp *%rbx
};

constexpr uint64_t kSyscallAt = 6;

/// As a word: evtchn_upcall_pending is set, evtchn_upcall_mask is not.
constexpr uint64_t kWaiting = 1;

}  // namespace

WaitingUpcall::WaitingUpcall(CaseContext& c, Vcpu& vcpu) : c_(&c), vcpu_(&vcpu), cpu_(c, vcpu), code_(vcpu) {
  static_assert(offsetof(vcpu_info, evtchn_upcall_pending) == 0 && offsetof(vcpu_info, evtchn_upcall_mask) == 1);
  vcpu.set_upcalls(false);
  code_.put(kCode);
  c.require_eq(cpu_.register_callback(CALLBACKTYPE_event, cpu_.stub(ASSAY_ENTRY_SPARE)), 0, "the event callback");
}

Interrupted WaitingUpcall::call(uint32_t number, uint64_t argument) {
  const std::array<uint64_t, 3> popped{number, argument, cpu_.landing()};
  assay_registers registers = cpu_.registers();
  registers.rbx = code_.va().raw();
  registers.rax = kWaiting;
  registers.rdi = vcpu_->domain().vcpu_info(vcpu_->id()).raw();
  registers.rsp = cpu_.stack();
  c_->require(!vcpu_->write_bytes(Gva{registers.rsp}, std::as_bytes(std::span(popped))), "what the code pops");
  const assay_execution led = cpu_.run(ASSAY_INSTRUCTION_JUMP, registers);
  vcpu_->set_upcalls(false);
  vcpu_->write(vcpu_->domain().vcpu_info(vcpu_->id()), uint8_t{0});
  c_->require_eq(led.entry, ASSAY_ENTRY_SPARE, "the upcall came");
  if (bounce_frame(led).rip != code_.va(kSyscallAt).raw()) {
    return {.was_preempted = false, .result = static_cast<int64_t>(led.at.rax)};
  }
  return {.was_preempted = true, .next_number = static_cast<uint32_t>(led.at.rax), .next_argument = led.at.rdi};
}

}  // namespace assay
