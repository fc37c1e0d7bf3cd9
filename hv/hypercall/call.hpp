/// One hypercall being executed: who called, with what, and how to ask to be continued.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "hv/domain/domain.hpp"
#include "hv/mm/guest_access.hpp"
#include "hv/vcpu/vcpu.hpp"

namespace hv {

struct Call {
  Vcpu& vcpu;
  uint32_t number;
  std::array<uint64_t, 6> arg;

  [[nodiscard]] Domain& domain() const { return *vcpu.domain; }
  [[nodiscard]] AddressSpace space() const { return address_space(vcpu); }
  [[nodiscard]] Gva pointer(unsigned index) const { return Gva{arg[index]}; }

  /// True when a long operation should stop here: an event waits for the caller or its time slice is over.
  [[nodiscard]] bool preempt_needed() const;
  /// Arranges that the guest's instruction is executed again with these arguments (in a multicall: that its entry is),
  /// after pending upcalls were delivered. The handler must return what this returns at once.
  int64_t continue_with(std::initializer_list<uint64_t> args) { return continue_as(number, args); }
  /// The same as another hypercall: for an operation that must know its continuation from a call that is new.
  int64_t continue_as(uint32_t other, std::initializer_list<uint64_t> args);
};

using Handler = int64_t (*)(Call&);

// One function per hypercall, one file each in this folder; the dispatch table is made from sim/abi/hypercalls.def.
int64_t do_set_trap_table(Call& call);
int64_t do_mmu_update(Call& call);
int64_t do_set_gdt(Call& call);
int64_t do_stack_switch(Call& call);
int64_t do_set_callbacks(Call& call);
int64_t do_fpu_taskswitch(Call& call);
int64_t do_set_debugreg(Call& call);
int64_t do_get_debugreg(Call& call);
int64_t do_update_descriptor(Call& call);
int64_t do_memory_op(Call& call);
int64_t do_multicall(Call& call);
int64_t do_update_va_mapping(Call& call);
int64_t do_update_va_mapping_otherdomain(Call& call);
int64_t do_set_timer_op(Call& call);
int64_t do_xen_version(Call& call);
int64_t do_console_io(Call& call);
int64_t do_vm_assist(Call& call);
int64_t do_iret(Call& call);
int64_t do_grant_table_op(Call& call);
int64_t do_vcpu_op(Call& call);
int64_t do_set_segment_base(Call& call);
int64_t do_mmuext_op(Call& call);
int64_t do_sched_op_compat(Call& call);
int64_t do_nmi_op(Call& call);
int64_t do_sched_op(Call& call);
int64_t do_callback_op(Call& call);
int64_t do_event_channel_op_compat(Call& call);
int64_t do_event_channel_op(Call& call);
int64_t do_physdev_op(Call& call);
int64_t do_hvm_op(Call& call);
int64_t do_platform_op(Call& call);
int64_t do_sysctl(Call& call);
int64_t do_domctl(Call& call);
int64_t do_dm_op(Call& call);
int64_t do_hypfs_op(Call& call);
int64_t do_arch_1(Call& call);

}  // namespace hv
