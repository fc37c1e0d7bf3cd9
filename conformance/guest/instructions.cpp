#include "conformance/guest/instructions.hpp"

#include <string>

#include "conformance/guest/page_tables.hpp"
#include "conformance/guest/shutdown_state.hpp"

namespace assay {

BounceFrame bounce_frame(const assay_execution& execution, bool has_error) {
  const uint64_t* word = execution.frame;
  BounceFrame frame{};
  frame.rcx = *word++;
  frame.r11 = *word++;
  if (has_error) frame.error = *word++;
  frame.rip = *word++;
  frame.cs = *word++;
  frame.rflags = *word++;
  frame.rsp = *word++;
  frame.ss = *word++;
  return frame;
}

Instructions::Instructions(CaseContext& c, Vcpu& vcpu) : c_(&c), vcpu_(&vcpu), stack_(vcpu, 4), arguments_(vcpu) {
  if (vcpu.domain().type() == GuestType::kPv64) c.require_eq(stack_switch(kernel_stack()), 0, "stack_switch");
}

assay_registers Instructions::registers() const {
  assay_registers registers{};
  uint64_t low = 0;
  for (uint64_t* word = &registers.rax; word != &registers.rflags; ++word) *word = kMarked + ++low;
  registers.rsp = stack();
  registers.rflags = kFlagInterrupt;
  return registers;
}

uint64_t Instructions::at(assay_instruction instruction, assay_execute_mode mode) const {
  const assay_agent_layout& layout = vcpu_->domain().space().layout;
  return (mode == ASSAY_EXECUTE_KERNEL ? layout.menu : layout.user_menu) + uint64_t{instruction} * layout.menu_stride;
}

uint64_t Instructions::stub(uint32_t entry) const {
  const assay_agent_layout& layout = vcpu_->domain().space().layout;
  return layout.trap_handlers + entry * layout.trap_handler_stride;
}

uint64_t Instructions::page_entry(uint32_t number) const {
  constexpr uint64_t kEntryBytes = 32;
  return vcpu_->domain().space().layout.hypercall_page + number * kEntryBytes;
}

int64_t Instructions::set_trap(uint8_t vector, uint64_t address, uint8_t flags, uint16_t selector) {
  struct {
    trap_info_t entry, end;
  } table{};
  table.entry = {vector, flags, selector, address};
  return vcpu_->hypercall(__HYPERVISOR_set_trap_table, {arguments_.put(table).raw()});
}

int64_t Instructions::register_callback(uint16_t type, uint64_t address, uint16_t flags) {
  callback_register_t argument{};
  argument.type = type;
  argument.flags = flags;
  argument.address = address;
  return vcpu_->hypercall(__HYPERVISOR_callback_op, {CALLBACKOP_register, arguments_.put(argument).raw()});
}

int64_t Instructions::unregister_callback(uint16_t type) {
  callback_unregister_t argument{};
  argument.type = type;
  return vcpu_->hypercall(__HYPERVISOR_callback_op, {CALLBACKOP_unregister, arguments_.put(argument).raw()});
}

int64_t Instructions::stack_switch(uint64_t stack_pointer) {
  return vcpu_->hypercall(__HYPERVISOR_stack_switch, {FLAT_KERNEL_SS, stack_pointer});
}

void Instructions::allow_user_mode() {
  const Gfn root = root_table(vcpu_->domain()).frame;
  c_->require_eq(MmuOps(*vcpu_).ext(MMUEXT_NEW_USER_BASEPTR, root.raw()), 0, "a user root");
}

void Instructions::prepare_iret(const iret_context& frame, assay_registers& registers) {
  // The entry of the hypercall page pushes the first three words itself.
  constexpr uint64_t kOwnWords = offsetof(iret_context, flags);
  const auto* bytes = reinterpret_cast<const std::byte*>(&frame) + kOwnWords;
  registers.rsp = stack();
  registers.rax = frame.rax, registers.rcx = frame.rcx, registers.r11 = frame.r11;
  registers.rbx = page_entry(__HYPERVISOR_iret);
  c_->require(!vcpu_->write_bytes(Gva{registers.rsp}, {bytes, sizeof frame - kOwnWords}).has_value(), "the frame");
}

assay_execution Instructions::iret(const iret_context& frame, const assay_registers& before) {
  assay_registers registers = before;
  prepare_iret(frame, registers);
  return run(ASSAY_INSTRUCTION_JUMP, registers);
}

iret_context Instructions::kernel_frame(uint64_t rip) const {
  return {.rax = kMarked + 1,
          .r11 = kMarked + 12,
          .rcx = kMarked + 3,
          .flags = 0,
          .rip = rip,
          .cs = FLAT_KERNEL_CS & ~3u,
          .rflags = kFlagInterrupt,
          .rsp = stack(),
          .ss = FLAT_KERNEL_SS};
}

iret_context Instructions::user_frame(uint64_t rip) const {
  iret_context frame = kernel_frame(rip);
  frame.cs = FLAT_USER_CS;
  frame.ss = FLAT_USER_SS;
  return frame;
}

void check_ends_domain(CaseContext& c, Instructions& cpu, assay_instruction instruction,
                       const assay_registers& registers, assay_execute_mode mode, std::string_view what) {
  DomctlOps control(c.dom0().vcpu(0));
  const DomId dom = cpu.vcpu().domain().id();
  cpu.vcpu().start_instruction(instruction, registers, mode);
  if (c.check(wait_shut_down(c, control, dom), std::string(what) + ": the domain has ended")) {
    c.check_eq(shutdown_state(control, dom).code, SHUTDOWN_crash, std::string(what) + ": the reason");
  }
}

}  // namespace assay
