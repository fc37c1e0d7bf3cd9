/// Why a guest left, and what becomes of it.
#include <cstring>

#include "hv/base/host.hpp"
#include "hv/core.hpp"
#include "hv/domain/cpuid.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/msr.hpp"
#include "hv/mm/log_dirty.hpp"
#include "hv/mm/on_demand.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

constexpr uint64_t kCr0TaskSwitched = 1u << 3;
constexpr uint64_t kMsrInstructionBytes = 2;  ///< rdmsr, wrmsr and cpuid alike

uint64_t low_half(uint64_t value) {
  return value & UINT32_MAX;
}

void dump_registers(const Vcpu& vcpu) {
  const assay_regs& r = vcpu.regs;
  log("Domain %u (vcpu#%u) on pcpu#%u: rip %04x:%016lx rflags %016lx cpl %u", unsigned{vcpu.memory->id.raw()}, vcpu.id,
      vcpu.pcpu, unsigned{r.cs}, r.rip, r.rflags, unsigned{r.cpl});
  log("rax %016lx rbx %016lx rcx %016lx rdx %016lx", r.rax, r.rbx, r.rcx, r.rdx);
  log("rsi %016lx rdi %016lx rbp %016lx rsp %04x:%016lx", r.rsi, r.rdi, r.rbp, unsigned{r.ss}, r.rsp);
  log("cr0 %016lx cr2 %016lx cr3 %016lx cr4 %016lx", r.cr0, r.cr2, r.cr3, r.cr4);
}

void raise_gp(Vcpu& vcpu) {
  if (vcpu.pv == nullptr) {
    vcpu.hvm.fault_pending = true;
    return;
  }
  if (pv_raise_gp(vcpu)) return;
  dump_registers(vcpu);
  crash_domain(*vcpu.domain, "no way into the guest kernel for a general protection fault");
}

void do_cpuid(Vcpu& vcpu) {
  assay_regs& regs = vcpu.regs;
  const CpuidAnswer answer = cpuid_answer(vcpu, static_cast<uint32_t>(regs.rax), static_cast<uint32_t>(regs.rcx));
  regs.rax = answer.eax;
  regs.rbx = answer.ebx;
  regs.rcx = answer.ecx;
  regs.rdx = answer.edx;
}

/// False: #GP.
bool do_msr(Vcpu& vcpu, uint64_t index, bool is_write) {
  assay_regs& regs = vcpu.regs;
  if (is_write) return write_msr(vcpu, index, regs.rdx << 32 | low_half(regs.rax));
  uint64_t value = 0;
  if (!read_msr(vcpu, index, value)) return false;
  regs.rax = low_half(value);
  regs.rdx = value >> 32;
  return true;
}

void exit_msr(Vcpu& vcpu, const assay_exit& left) {
  if (do_msr(vcpu, left.index, left.is_write != 0)) return;
  vcpu.regs.rip -= kMsrInstructionBytes;  // a fault is reported at its instruction
  raise_gp(vcpu);
}

/// No device answers: reads are all ones, writes are lost.
void exit_io(Vcpu& vcpu, const assay_exit& left) {
  if (left.is_write != 0) return;
  assay_regs& regs = vcpu.regs;
  switch (left.size) {
    case 1:
      regs.rax |= 0xff;
      break;
    case 2:
      regs.rax |= 0xffff;
      break;
    default:
      regs.rax = UINT32_MAX;
      break;
  }
}

void exit_halt(Vcpu& vcpu) {
  if ((vcpu.regs.rflags & kFlagInterrupt) != 0 || vcpu.hvm.nmi_pending) {
    vcpu_block(vcpu);
    return;
  }
  // Nothing can wake it: it has taken itself down.
  vcpu_pause(vcpu, kPauseDown);
  for (uint32_t id = 0; id < vcpu.domain->max_vcpus; ++id) {
    const Vcpu* other = vcpu.domain->vcpus[id];
    if (other != nullptr && (other->pause_flags & kPauseDown) == 0) return;
  }
  shutdown_domain(*vcpu.domain, SHUTDOWN_poweroff);
}

void exit_stage2(Vcpu& vcpu, const assay_exit& left) {
  const Gfn gfn{left.address >> kPageShift};
  if ((left.access & ASSAY_ACCESS_WRITE) != 0 && log_dirty_fault(*vcpu.memory, gfn)) return;
  // A page that was promised: the guest tries again, or its domain is no more.
  if (on_demand_touch(*vcpu.memory, gfn) || vcpu.domain->shut_down) return;
  // Nobody has claimed the address: reads are all ones and writes are lost, as on the real Xen (run: a PVH guest's read
  // and write of an unpopulated frame). The host completes the access when the translation stays absent.
  if ((left.access & ASSAY_ACCESS_EXECUTE) == 0) return;
  dump_registers(vcpu);
  crash_domain(*vcpu.domain, "access (%s%s%s) to guest-physical %#lx, where nothing is",
               (left.access & ASSAY_ACCESS_READ) != 0 ? "r" : "-", (left.access & ASSAY_ACCESS_WRITE) != 0 ? "w" : "-",
               (left.access & ASSAY_ACCESS_EXECUTE) != 0 ? "x" : "-", left.address);
}

void exit_triple_fault(Vcpu& vcpu) {
  const uint64_t action = vcpu.domain->hvm_params[HVM_PARAM_TRIPLE_FAULT_REASON];
  log("d%u triple fault: invoking HVM shutdown action %lu", unsigned{vcpu.memory->id.raw()}, action);
  dump_registers(vcpu);
  shutdown_domain(*vcpu.domain, static_cast<uint8_t>(action));
}

/// ud2; "xen"; cpuid: what a PV64 guest executes to see the leaves that the hypervisor made for it.
bool emulate_forced(Vcpu& vcpu) {
  constexpr uint8_t kCode[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
  uint8_t code[sizeof kCode];
  if (!copy_from_guest(address_space(vcpu), code, Gva{vcpu.regs.rip}, sizeof code)) return false;
  if (std::memcmp(code, kCode, sizeof code) != 0) return false;
  do_cpuid(vcpu);
  vcpu.regs.rip += sizeof code;
  return true;
}

/// Instructions that a PV64 kernel may use though they are privileged, as ring 3 takes #GP for them.
bool emulate_privileged(Vcpu& vcpu) {
  uint8_t code[2];
  if (!copy_from_guest(address_space(vcpu), code, Gva{vcpu.regs.rip}, sizeof code) || code[0] != 0x0f) return false;
  const auto index = static_cast<uint32_t>(vcpu.regs.rcx);
  bool done = false;
  switch (code[1]) {
    case 0xa2:
      do_cpuid(vcpu);
      done = true;
      break;
    case 0x30:
      done = pv_in_kernel(vcpu) && do_msr(vcpu, index, true);
      break;
    case 0x32:
      done = pv_in_kernel(vcpu) && do_msr(vcpu, index, false);
      break;
    default:
      break;
  }
  if (done) vcpu.regs.rip += sizeof code;
  return done;
}

/// int n: the real IDT has no gate for ring 3 there, so it arrives as #GP with the gate in the error code.
bool software_interrupt(Vcpu& vcpu, uint32_t error, bool& entered) {
  constexpr uint32_t kFromIdt = 1u << 1;
  constexpr uint8_t kPrivilege = 3;
  constexpr uint8_t kDisablesEvents = 1u << 2;
  constexpr uint64_t kIntBytes = 2;
  constexpr uint32_t kVectorSystemCall = 0x80;
  if ((error & 3) != kFromIdt || error >> 3 >= 256) return false;
  const PvState::Trap& trap = vcpu.pv->traps[error >> 3];
  if (trap.address == 0) return false;
  // The system call vector is open to everybody, whatever the entry says (run: Xen 4.17).
  if (!pv_in_kernel(vcpu) && error >> 3 != kVectorSystemCall && (trap.flags & kPrivilege) < 3) return false;
  vcpu.regs.rip += kIntBytes;
  entered = pv_bounce(vcpu, {trap.address, (trap.flags & kDisablesEvents) != 0});
  return true;
}

void exit_pv_exception(Vcpu& vcpu, const assay_exit& left) {
  bool entered = false;
  bool handled = false;
  if (left.vector == kVectorInvalidOpcode) {
    handled = entered = emulate_forced(vcpu);
  } else if (left.vector == kVectorGeneralProtection) {
    handled = entered = left.error_code == 0 && emulate_privileged(vcpu);
    if (!handled) handled = software_interrupt(vcpu, left.error_code, entered);
  }
  if (!handled) entered = pv_raise(vcpu, left.vector, left.has_error_code != 0, left.error_code, left.address);
  // The guest gets the device back with the exception, so that its handler can use it.
  if (left.vector == kVectorDeviceNotAvailable) vcpu.regs.cr0 &= ~kCr0TaskSwitched;
  if (entered) return;
  dump_registers(vcpu);
  crash_domain(*vcpu.domain, "exception %u (error %#x, address %#lx) that its kernel cannot take", left.vector,
               left.error_code, left.address);
}

void exit_exception(Vcpu& vcpu, const assay_exit& left) {
  HV_ASSERT(left.vector < 32);
  if (vcpu.pv != nullptr) {
    exit_pv_exception(vcpu, left);
    return;
  }
  // No exception of an HVM guest is intercepted: one that gets here has no handler in the guest.
  dump_registers(vcpu);
  crash_domain(*vcpu.domain, "exception %u that the guest cannot take", left.vector);
}

}  // namespace

void handle_exit(Vcpu& vcpu, const assay_exit& left) {
  switch (left.reason) {
    case ASSAY_EXIT_HYPERCALL:
      return hypercall_entry(vcpu);
    case ASSAY_EXIT_EXCEPTION:
      return exit_exception(vcpu, left);
    case ASSAY_EXIT_IO:
      return exit_io(vcpu, left);
    case ASSAY_EXIT_MSR:
      return exit_msr(vcpu, left);
    case ASSAY_EXIT_CPUID:
      return do_cpuid(vcpu);
    case ASSAY_EXIT_HALT:
      return exit_halt(vcpu);
    case ASSAY_EXIT_STAGE2:
      return exit_stage2(vcpu, left);
    case ASSAY_EXIT_TRIPLE:
      return exit_triple_fault(vcpu);
    default:
      return;  // NONE and PREEMPTED: there is nothing to do but to look around
  }
}

}  // namespace hv
