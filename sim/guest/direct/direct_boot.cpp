/// What a guest sets up before it serves: the calls of the agent's boot, in its order.
#include "sim/abi/xen.hpp"
#include "sim/guest/direct/direct_guest.hpp"
#include "sim/guest/vectors.hpp"

namespace assay {

namespace {

constexpr uint64_t kPteAttributes = 0x67;  // present, writable, user, accessed, dirty
constexpr uint8_t kAnyPrivilege = 3;
constexpr uint64_t kRedZone = 256;

// PVH: processor state of the agent in long mode.
constexpr uint64_t kCr0 = 0x80010033;
constexpr uint64_t kCr4 = 0x20;
constexpr uint64_t kEferLongMode = 0x500;
constexpr uint16_t kCodeSelector = 0x08;
constexpr uint16_t kDataSelector = 0x10;

constexpr uint32_t kXenLeavesFirst = 0x40000000;
constexpr uint32_t kXenLeavesEnd = 0x40010000;
constexpr uint32_t kXenLeavesStep = 0x100;
constexpr uint32_t kSignatureXenV = 0x566e6558;
/// HVM_PARAM_CALLBACK_IRQ: bits 63..56 say how events arrive; 2 = by a vector.
constexpr uint64_t kCallbackByVector = 2ull << 56;

enum PvBoot : uint8_t { kPvMap, kPvTraps, kPvEvent, kPvFailsafe, kPvDone };
enum PvhBoot : uint8_t { kPvhLeaves, kPvhPageMsr, kPvhWritePage, kPvhMap, kPvhVector, kPvhDone };

}  // namespace

void DirectGuest::note_boot_result(const char* what) {
  const auto result = static_cast<int64_t>(regs_->rax);
  if (result == 0) return;
  state_.trouble +=
      "boot of vcpu " + std::to_string(vcpu_id_) + ": " + what + " returned " + std::to_string(result) + "\n";
}

/// As the agent's entry code: what the registers held. Without paging the image is at its physical addresses.
void DirectGuest::record_boot(const assay_regs& at_entry) {
  assay_boot_record record{};
  record.rax = at_entry.rax, record.rbx = at_entry.rbx, record.rcx = at_entry.rcx, record.rdx = at_entry.rdx;
  record.rsi = at_entry.rsi, record.rdi = at_entry.rdi, record.rbp = at_entry.rbp, record.rsp = at_entry.rsp;
  record.r8 = at_entry.r8, record.r9 = at_entry.r9, record.r10 = at_entry.r10, record.r11 = at_entry.r11;
  record.r12 = at_entry.r12, record.r13 = at_entry.r13, record.r14 = at_entry.r14, record.r15 = at_entry.r15;
  record.rip = at_entry.rip, record.rflags = at_entry.rflags;
  if (!is_pv()) record.cr0 = at_entry.cr0, record.cr3 = at_entry.cr3, record.cr4 = at_entry.cr4;
  record.cs = at_entry.cs, record.ss = at_entry.ss, record.ds = at_entry.ds;
  record.es = at_entry.es, record.fs = at_entry.fs, record.gs = at_entry.gs;
  constexpr uint64_t kPaging = 1u << 31;
  const bool physical = !is_pv() && (at_entry.cr0 & kPaging) == 0;
  put(layout_.boot_records + vcpu_id_ * layout_.boot_record_stride - (physical ? layout_.virt_base : 0), record);
}

void DirectGuest::record_upcall_mask() {
  const uint64_t record = layout_.boot_records + vcpu_id_ * layout_.boot_record_stride;
  const auto mask = get<uint8_t>(state_.info_va + offsetof(vcpu_info_t, evtchn_upcall_mask));
  put<uint32_t>(record + offsetof(assay_boot_record, upcall_mask), mask);
}

GuestStep DirectGuest::begin_pv(uint64_t start_info) {
  record_boot(*regs_);
  state_.phase = DirectState::Phase::kBoot;
  state_.start_info_va = start_info;
  state_.boot_step = kPvMap;
  regs_->rsp = stack_top() - kRedZone;
  regs_->rip = serve_rip_;
  const bool is_secondary = start_info == 0;
  if (is_secondary) {
    state_.boot_step = kPvTraps;
    record_upcall_mask();
    put<uint8_t>(state_.info_va + offsetof(vcpu_info_t, evtchn_upcall_mask), 1);
    return set_trap_table();
  }
  const auto shared_info = get<uint64_t>(start_info + offsetof(start_info_t, shared_info));
  return call(__HYPERVISOR_update_va_mapping, layout_.shared_info, shared_info | kPteAttributes, UVMF_INVLPG);
}

/// Called when the step before has returned.
GuestStep DirectGuest::boot_pv() {
  switch (state_.boot_step++) {
    case kPvMap:
      note_boot_result("update_va_mapping of shared_info");
      record_upcall_mask();
      put<uint8_t>(state_.info_va + offsetof(vcpu_info_t, evtchn_upcall_mask), 1);
      return set_trap_table();
    case kPvTraps:
      note_boot_result("set_trap_table");
      return register_callback(CALLBACKTYPE_event, layout_.event_callback);
    case kPvEvent:
      note_boot_result("callback_op register event");
      return register_callback(CALLBACKTYPE_failsafe, layout_.failsafe_callback);
    default:
      note_boot_result("callback_op register failsafe");
      return booted();
  }
}

GuestStep DirectGuest::booted() {
  state_.phase = DirectState::Phase::kServe;
  state_.is_booted = true;
  regs_->rip = serve_rip_;
  return serve();
}

GuestStep DirectGuest::set_trap_table() {
  std::array<trap_info_t, kExceptionVectors + 1> table{};
  for (uint32_t vector = 0; vector < kExceptionVectors; ++vector) {
    table[vector].vector = static_cast<uint8_t>(vector);
    table[vector].flags = vector == 3 || vector == 4 ? kAnyPrivilege : 0;
    table[vector].cs = FLAT_KERNEL_CS;
    table[vector].address = layout_.trap_handlers + vector * layout_.trap_handler_stride;
  }
  table[ASSAY_LANDING_VECTOR].address = layout_.trap_handlers + ASSAY_ENTRY_USER_LANDING * layout_.trap_handler_stride;
  put(scratch(), table);
  return call(__HYPERVISOR_set_trap_table, scratch());
}

GuestStep DirectGuest::register_callback(uint16_t type, uint64_t address) {
  callback_register_t entry{};
  entry.type = type;
  entry.address = address;
  put(scratch(), entry);
  return call(__HYPERVISOR_callback_op, CALLBACKOP_register, scratch());
}

GuestStep DirectGuest::begin_pvh(uint64_t start_info) {
  record_boot(*regs_);
  state_.phase = DirectState::Phase::kBoot;
  state_.start_info_va = start_info;
  regs_->rsp = stack_top() - kRedZone;
  regs_->rip = serve_rip_;
  regs_->cr3 = layout_.pvh_page_tables - layout_.virt_base;
  regs_->cr4 |= kCr4;
  regs_->efer |= kEferLongMode;
  regs_->cr0 = kCr0;
  regs_->cs = kCodeSelector;
  regs_->ss = regs_->ds = regs_->es = kDataSelector;
  regs_->fs = regs_->gs = 0;
  regs_->code_bits = 64;
  regs_->cpl = 0;
  memory_.forget();
  if (start_info == 0) return booted();
  state_.boot_step = kPvhLeaves;
  state_.xen_leaves = kXenLeavesFirst;
  return cpuid(kXenLeavesFirst);
}

GuestStep DirectGuest::cpuid(uint32_t leaf) {
  regs_->rax = leaf;
  regs_->rcx = 0;
  regs_->rip = instruction_end_;
  return leave_for(ASSAY_EXIT_CPUID);
}

GuestStep DirectGuest::boot_pvh() {
  regs_->rip = serve_rip_;
  switch (state_.boot_step) {
    case kPvhLeaves:
      return look_for_leaves();
    case kPvhPageMsr:
      return install_hypercall_page();
    case kPvhWritePage:
      state_.boot_step = kPvhMap;
      return map_shared_info();
    case kPvhMap:
      note_boot_result("add_to_physmap of shared_info");
      state_.boot_step = kPvhVector;
      return set_callback_vector();
    default:
      note_boot_result("set_param of the callback vector");
      return booted();
  }
}

GuestStep DirectGuest::look_for_leaves() {
  if (static_cast<uint32_t>(regs_->rbx) == kSignatureXenV) {
    state_.boot_step = kPvhPageMsr;
    return cpuid(state_.xen_leaves + 2);
  }
  state_.xen_leaves += kXenLeavesStep;
  if (state_.xen_leaves < kXenLeavesEnd) return cpuid(state_.xen_leaves);
  state_.trouble += "boot: no CPUID leaf has the hypervisor's signature\n";
  state_.boot_step = kPvhMap;
  return map_shared_info();
}

GuestStep DirectGuest::install_hypercall_page() {
  const uint64_t where = layout_.hypercall_page - layout_.virt_base;
  exit_->index = static_cast<uint32_t>(regs_->rbx);
  exit_->is_write = 1;
  exit_->value = where;
  regs_->rcx = exit_->index;
  regs_->rax = static_cast<uint32_t>(where);
  regs_->rdx = where >> 32;
  regs_->rip = instruction_end_;
  state_.boot_step = kPvhWritePage;
  return leave_for(ASSAY_EXIT_MSR);
}

GuestStep DirectGuest::map_shared_info() {
  xen_add_to_physmap_t add{};
  add.domid = DOMID_SELF;
  add.space = XENMAPSPACE_shared_info;
  add.gpfn = (layout_.shared_info - layout_.virt_base) / ASSAY_PAGE_SIZE;
  put(scratch(), add);
  return call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, scratch());
}

GuestStep DirectGuest::set_callback_vector() {
  xen_hvm_param_t param{};
  param.domid = DOMID_SELF;
  param.index = HVM_PARAM_CALLBACK_IRQ;
  param.value = kCallbackByVector | layout_.pvh_vector;
  put(scratch(), param);
  return call(__HYPERVISOR_hvm_op, HVMOP_set_param, scratch());
}

}  // namespace assay
