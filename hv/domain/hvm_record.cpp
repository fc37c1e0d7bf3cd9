/// hvm_hw_cpu to and from an HVM vCPU. Source: public/arch-x86/hvm/save.h.
#include <algorithm>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/x86.hpp"
#include "hv/domain/context.hpp"
#include "hv/domain/general_registers.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

// arbytes: type 0..3, s 4, dpl 5..6, p 7, avl 8, l 9, db 10, g 11.
constexpr uint32_t kLongCode = 1u << 9;
constexpr uint32_t kBigCode = 1u << 10;

uint8_t code_bits(const hvm_hw_cpu& c) {
  if ((c.cs_arbytes & kLongCode) != 0 && (c.msr_efer & (kEferLongMode | kEferLongActive)) != 0) return 64;
  return (c.cs_arbytes & kBigCode) != 0 ? 32 : 16;
}

void load_registers(assay_regs& r, const hvm_hw_cpu& c) {
  r.rax = c.rax, r.rbx = c.rbx, r.rcx = c.rcx, r.rdx = c.rdx;
  r.rsi = c.rsi, r.rdi = c.rdi, r.rbp = c.rbp, r.rsp = c.rsp;
  r.r8 = c.r8, r.r9 = c.r9, r.r10 = c.r10, r.r11 = c.r11;
  r.r12 = c.r12, r.r13 = c.r13, r.r14 = c.r14, r.r15 = c.r15;
  r.rip = c.rip, r.rflags = c.rflags | 2u;
  r.cr0 = c.cr0, r.cr2 = c.cr2, r.cr3 = c.cr3, r.cr4 = c.cr4, r.efer = c.msr_efer;
  r.fs_base = c.fs_base, r.gs_base = c.gs_base, r.gs_base_kernel = c.shadow_gs;
  const uint64_t debug[] = {c.dr0, c.dr1, c.dr2, c.dr3, 0, 0, c.dr6, c.dr7};
  std::ranges::copy(debug, r.dr);
  r.dr[6] |= kDr6AlwaysOne, r.dr[7] |= kDr7AlwaysOne;
  r.cs = static_cast<uint16_t>(c.cs_sel), r.ss = static_cast<uint16_t>(c.ss_sel);
  r.ds = static_cast<uint16_t>(c.ds_sel), r.es = static_cast<uint16_t>(c.es_sel);
  r.fs = static_cast<uint16_t>(c.fs_sel), r.gs = static_cast<uint16_t>(c.gs_sel);
  if ((r.cr0 & kCr0Paging) != 0 && (r.efer & kEferLongMode) != 0) r.efer |= kEferLongActive;
  r.cpl = static_cast<uint8_t>(c.ss_arbytes >> 5 & 3);
  r.code_bits = code_bits(c);
}

void store_registers(hvm_hw_cpu& c, const assay_regs& r) {
  c.rax = r.rax, c.rbx = r.rbx, c.rcx = r.rcx, c.rdx = r.rdx;
  c.rsi = r.rsi, c.rdi = r.rdi, c.rbp = r.rbp, c.rsp = r.rsp;
  c.r8 = r.r8, c.r9 = r.r9, c.r10 = r.r10, c.r11 = r.r11;
  c.r12 = r.r12, c.r13 = r.r13, c.r14 = r.r14, c.r15 = r.r15;
  c.rip = r.rip, c.rflags = r.rflags;
  c.cr0 = r.cr0, c.cr2 = r.cr2, c.cr3 = r.cr3, c.cr4 = r.cr4, c.msr_efer = r.efer;
  c.fs_base = r.fs_base, c.gs_base = r.gs_base, c.shadow_gs = r.gs_base_kernel;
  c.dr0 = r.dr[0], c.dr1 = r.dr[1], c.dr2 = r.dr[2], c.dr3 = r.dr[3], c.dr6 = r.dr[6], c.dr7 = r.dr[7];
  c.cs_sel = r.cs, c.ss_sel = r.ss, c.ds_sel = r.ds, c.es_sel = r.es, c.fs_sel = r.fs, c.gs_sel = r.gs;
}

void load_msrs(HvmState& hvm, const hvm_hw_cpu& c) {
  hvm.system.star = c.msr_star, hvm.system.lstar = c.msr_lstar, hvm.system.sfmask = c.msr_syscall_mask;
  hvm.cstar = c.msr_cstar;
  hvm.tsc_aux = c.msr_tsc_aux;
  hvm.sysenter_cs = c.sysenter_cs, hvm.sysenter_esp = c.sysenter_esp, hvm.sysenter_eip = c.sysenter_eip;
}

void store_msrs(hvm_hw_cpu& c, const HvmState& hvm) {
  c.msr_star = hvm.system.star, c.msr_lstar = hvm.system.lstar, c.msr_syscall_mask = hvm.system.sfmask;
  c.msr_cstar = hvm.cstar;
  c.msr_tsc_aux = hvm.tsc_aux;
  c.sysenter_cs = hvm.sysenter_cs, c.sysenter_esp = hvm.sysenter_esp, c.sysenter_eip = hvm.sysenter_eip;
}

void load_tables(assay_system_regs& system, const hvm_hw_cpu& c) {
  system.gdt_base = c.gdtr_base, system.idt_base = c.idtr_base, system.tr_base = c.tr_base;
  system.gdt_limit = static_cast<uint16_t>(c.gdtr_limit), system.idt_limit = static_cast<uint16_t>(c.idtr_limit);
}

/// The guest may have changed them since a record was loaded. Limits have 16 bits; wider ones of a record stay.
void store_tables(hvm_hw_cpu& c, const assay_system_regs& system) {
  c.gdtr_base = system.gdt_base, c.idtr_base = system.idt_base, c.tr_base = system.tr_base;
  if (static_cast<uint16_t>(c.gdtr_limit) != system.gdt_limit) c.gdtr_limit = system.gdt_limit;
  if (static_cast<uint16_t>(c.idtr_limit) != system.idt_limit) c.idtr_limit = system.idt_limit;
}

uint32_t code_width(const assay_regs& r) {
  return r.code_bits == 64 ? kLongCode : (r.code_bits == 32 ? kBigCode : 0);
}

/// Hidden parts of segments for a vCPU that never had a record: flat, in the mode it runs in.
void flat_segments(hvm_hw_cpu& c, const assay_regs& r) {
  constexpr uint32_t kFlatLimit = ~uint32_t{0};
  const uint32_t dpl = uint32_t{r.cpl} << 5;
  c.cs_limit = c.ss_limit = c.ds_limit = c.es_limit = c.fs_limit = c.gs_limit = kFlatLimit;
  c.cs_arbytes = 0x89b | dpl | code_width(r);
  c.ss_arbytes = c.ds_arbytes = c.es_arbytes = c.fs_arbytes = c.gs_arbytes = 0xc93 | dpl;
  c.tr_limit = 0x67;
  c.tr_arbytes = 0x8b;
}

}  // namespace

Status load_hvm_cpu(Vcpu& vcpu, const hvm_hw_cpu& record) {
  HV_ASSERT(vcpu.pv == nullptr);
  if (record.pad0 != 0 || !hvm_cr0_valid(record.cr0) || !hvm_cr4_valid(record.cr4) ||
      !hvm_efer_valid(record.msr_efer, record.cr0) || (record.flags & ~uint32_t{XEN_X86_FPU_INITIALISED}) != 0) {
    return fail(XEN_EINVAL);
  }
  if (vcpu.hvm.record == nullptr) vcpu.hvm.record = arena_new<hvm_hw_cpu>();
  if (vcpu.hvm.record == nullptr) return fail(XEN_EINVAL);  // the stream has one answer for every failure
  *vcpu.hvm.record = record;
  load_registers(vcpu.regs, record);
  load_tables(vcpu.hvm.system, record);
  if (!fault("hvm.record_without_msrs")) load_msrs(vcpu.hvm, record);
  // It goes on counting from where it was saved, wherever that was.
  if (!fault("hvm.record_without_tsc")) set_guest_tsc(vcpu, record.tsc);
  vcpu.initialised = true;
  ++vcpu.tlb_version;
  vcpu_unpause(vcpu, kPauseDown);
  return kOk;
}

void save_hvm_cpu(const Vcpu& vcpu, hvm_hw_cpu& record) {
  record = {};
  if (vcpu.hvm.record != nullptr) {
    record = *vcpu.hvm.record;
    // The guest may have changed its mode since it was loaded.
    record.cs_arbytes = (record.cs_arbytes & ~(kLongCode | kBigCode)) | code_width(vcpu.regs);
  } else {
    flat_segments(record, vcpu.regs);
  }
  store_registers(record, vcpu.regs);
  store_tables(record, vcpu.hvm.system);
  store_msrs(record, vcpu.hvm);
  record.tsc = guest_tsc(vcpu, now());
}

void forget_hvm_record(Vcpu& vcpu) {
  arena_delete(vcpu.hvm.record);
  vcpu.hvm.record = nullptr;
  arena_delete(vcpu.hvm.apic_registers);
  vcpu.hvm.apic_registers = nullptr;
}

}  // namespace hv
