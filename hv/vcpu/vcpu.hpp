/// One virtual CPU: architectural state, why it may not run, its timers and accounting.
#pragma once

#include <cstdint>

#include "hv/base/types.hpp"
#include "hv/mm/guest_access.hpp"
#include "sim/abi/xen.hpp"
#include "sim/port/port.h"

namespace hv {

struct Domain;

/// Reasons, counted or set, for which a vCPU is not runnable. It may run when all are clear.
enum PauseFlag : uint32_t {
  kPauseDown = 1u << 0,        ///< VCPUOP_down, or never brought up
  kPauseBlocked = 1u << 1,     ///< SCHEDOP_block or hlt
  kPausePolling = 1u << 2,     ///< SCHEDOP_poll
  kPauseDomain = 1u << 3,      ///< the domain's pause count is not zero
  kPauseShutdown = 1u << 4,    ///< the domain has shut down
};

/// PV64: what the guest registered for traps and callbacks.
struct PvState {
  struct Trap {
    uint64_t address;
    uint16_t cs;
    uint8_t flags;  ///< bits 0..1: privilege level; bit 2: disable events on entry
  };
  Trap traps[256];
  uint64_t event_callback, failsafe_callback, syscall_callback, nmi_callback;
  bool failsafe_disables_events, syscall_disables_events;
  uint64_t kernel_ss, kernel_sp;
  uint64_t user_cr3;  ///< machine address of the user-mode root, 0 = none
  uint64_t vm_assist;
  uint64_t iopl;
  uint16_t ldt_entries;
  uint64_t ldt_base;
  uint64_t gdt_frames[16];
  uint32_t gdt_entries;
};

struct HvmState {
  uint64_t upcall_vector;  ///< HVMOP_set_evtchn_upcall_vector, 0 = none
  bool pending_vector;     ///< an event interrupt waits for rflags.IF
};

struct Vcpu {
  Domain* domain = nullptr;
  uint32_t id = 0;
  assay_regs regs{};
  bool initialised = false;
  uint32_t pause_flags = kPauseDown;

  vcpu_info_t* info = nullptr;   ///< in shared_info or where the guest registered it; null when id >= 32 and unregistered
  Mfn info_frame = kInvalidMfn;  ///< frame held for a registered area

  vcpu_runstate_info_t runstate{};  ///< state, entry time and four accumulated times
  Gva runstate_area{};              ///< 0 = none
  Gva time_area{};

  Ns singleshot_deadline = kNever;
  Ns periodic_period = 0;  ///< 0 = off
  Ns periodic_next = kNever;
  Ns poll_deadline = kNever;
  Port polled_port{};      ///< exactly one port polled; 0 = several (any wakes)

  PvState* pv = nullptr;
  HvmState hvm{};

  // Scheduling: owned by hv/sched.
  uint32_t pcpu = 0;           ///< where it runs or last ran
  bool running = false;
  uint64_t hard_affinity[4] = {~0ull, ~0ull, ~0ull, ~0ull};
  uint64_t soft_affinity[4] = {~0ull, ~0ull, ~0ull, ~0ull};
  Vcpu* run_next = nullptr;    ///< run queue link
  bool queued = false;

  // Hypercall in progress: owned by hv/hypercall.
  bool in_multicall = false;
  bool continuation = false;   ///< the handler asked to be run again with new arguments
  uint64_t tlb_version = 1;
};

/// The address space in which this vCPU's hypercall arguments are read.
AddressSpace address_space(Vcpu& vcpu);

}  // namespace hv
