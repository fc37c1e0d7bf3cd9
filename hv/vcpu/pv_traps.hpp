/// Entering the kernel of a PV64 guest: bounce frames for exceptions, system calls, NMIs and events.
/// Source: public/arch-x86/xen-x86_64.h, public/callback.h.
#pragma once

#include <array>

#include "hv/vcpu/vcpu.hpp"

namespace hv {

struct Bounce {
  uint64_t address = 0;  ///< the guest's handler
  bool mask_events = false;
  bool has_error = false;
  uint32_t error = 0;
  bool has_extra = false;
  std::array<uint64_t, 4> extra{};  ///< failsafe: ds, es, fs and gs
};

[[nodiscard]] inline bool pv_in_kernel(const Vcpu& vcpu) {
  return vcpu.regs.cpl == 0;
}

/// Between kernel and user mode of the guest: page-table root and GS base. Entering user mode needs a user root.
void pv_enter_kernel(Vcpu& vcpu);
void pv_enter_user(Vcpu& vcpu);

/// Pushes a frame (RCX, R11, [error code, or DS ES FS GS], RIP, CS with the saved upcall mask, RFLAGS, RSP, SS) on the
/// kernel's stack and continues at the handler. False when there is no handler or no stack: the domain has to be
/// crashed.
[[nodiscard]] bool pv_bounce(Vcpu& vcpu, const Bounce& bounce);

/// Bounces an exception through the guest's trap table. `address` is CR2 for a page fault. False as above.
[[nodiscard]] bool pv_raise(Vcpu& vcpu, uint32_t vector, bool has_error, uint32_t error, uint64_t address = 0);
/// #GP(0), at the instruction that rip points to.
[[nodiscard]] bool pv_raise_gp(Vcpu& vcpu);

/// Enters the NMI handler or the event handler when one is due, in that order. False as above.
[[nodiscard]] bool pv_deliver(Vcpu& vcpu);

/// 48-bit canonical address.
[[nodiscard]] constexpr bool canonical(uint64_t address) {
  return static_cast<uint64_t>(static_cast<int64_t>(address << 16) >> 16) == address;
}

constexpr uint64_t kFlagAlwaysOne = 1u << 1;
constexpr uint64_t kFlagTrap = 1u << 8;
constexpr uint64_t kFlagInterrupt = 1u << 9;
constexpr uint64_t kFlagIopl = 3u << 12;
constexpr uint64_t kFlagNestedTask = 1u << 14;
constexpr uint64_t kFlagResume = 1u << 16;
constexpr uint64_t kFlagVirtual8086 = 1u << 17;
constexpr uint64_t kFlagAlignment = 1u << 18;

constexpr uint32_t kVectorDeviceNotAvailable = 7;
constexpr uint32_t kVectorDoubleFault = 8;
constexpr uint32_t kVectorInvalidOpcode = 6;
constexpr uint32_t kVectorGeneralProtection = 13;
constexpr uint32_t kVectorPageFault = 14;

}  // namespace hv
