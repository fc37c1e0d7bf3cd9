/// Hypercalls 8, 9 and 5: debug registers and CR0.TS of the calling vCPU. Source: public/xen.h.
#include "hv/base/fault.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

constexpr uint64_t kCr0TaskSwitched = 1u << 3;
constexpr uint64_t kCr4DebuggingExtensions = 1u << 3;
constexpr uint64_t kDr6Ones = 0xffff'0ff0;
constexpr uint64_t kDr6Zeroes = 1u << 12;
constexpr uint64_t kDr7Ones = 1u << 10;
constexpr uint64_t kDr7Zeroes = 0xd800;
constexpr uint64_t kDr7GeneralDetect = 1u << 13;

/// DR4 and DR5 are other names of DR6 and DR7, unless debugging extensions are on.
bool exists(const assay_regs& regs, uint64_t number) {
  if (number == 4 || number == 5) return (regs.cr4 & kCr4DebuggingExtensions) == 0;
  return number < 8;
}

uint64_t real_number(uint64_t number) {
  return number == 4 || number == 5 ? number + 2 : number;
}

/// One of the four breakpoints waits for an I/O access.
bool breaks_on_io(uint64_t dr7) {
  for (unsigned i = 0; i < 4; ++i) {
    if ((dr7 >> (16 + 4 * i) & 3) == 2) return true;
  }
  return false;
}

bool in_hypervisor(uint64_t address) {
  return address >= HYPERVISOR_VIRT_START && address < HYPERVISOR_VIRT_END;
}

int64_t set_dr7(assay_regs& regs, uint64_t value) {
  value = (value & ~kDr7Zeroes) | kDr7Ones;
  if ((value & kDr7GeneralDetect) != 0) return -XEN_EPERM;
  if (breaks_on_io(value) && (regs.cr4 & kCr4DebuggingExtensions) == 0) return -XEN_EPERM;
  regs.dr[7] = value;
  return 0;
}

}  // namespace

/// Errors, in order: ENODEV no such register; DR0-3: EPERM an address of the hypervisor; DR6 and DR7: EINVAL upper half
/// set; DR7: EPERM general detect, or an I/O breakpoint without debugging extensions. Reserved bits are as hardware has
/// them, whatever was asked for.
int64_t do_set_debugreg(Call& call) {
  assay_regs& regs = call.vcpu.regs;
  const auto number = static_cast<uint32_t>(call.arg[0]);
  const uint64_t value = call.arg[1];
  if (!exists(regs, number)) return -XEN_ENODEV;
  if (number < 4) {
    if (in_hypervisor(value) && !fault("pv.debug_register_in_hypervisor")) return -XEN_EPERM;
    regs.dr[number] = value;
    return 0;
  }
  if (value > UINT32_MAX) return -XEN_EINVAL;
  if (real_number(number) == 7) return set_dr7(regs, value);
  regs.dr[6] = (value | kDr6Ones) & ~kDr6Zeroes;
  return 0;
}

/// The value is the result: it cannot be told from an error.
int64_t do_get_debugreg(Call& call) {
  const assay_regs& regs = call.vcpu.regs;
  const auto number = static_cast<uint32_t>(call.arg[0]);
  if (!exists(regs, number)) return -XEN_ENODEV;
  return static_cast<int64_t>(regs.dr[real_number(number)]);
}

/// Always 0.
int64_t do_fpu_taskswitch(Call& call) {
  uint64_t& cr0 = call.vcpu.regs.cr0;
  cr0 = call.arg[0] != 0 ? cr0 | kCr0TaskSwitched : cr0 & ~kCr0TaskSwitched;
  return 0;
}

}  // namespace hv
