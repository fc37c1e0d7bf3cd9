/// One virtual CPU: architectural state, why it may not run, its timers and accounting.
#pragma once

#include <cstdint>

#include "hv/base/timer.hpp"
#include "hv/base/types.hpp"
#include "hv/mm/guest_access.hpp"
#include "sim/abi/xen.hpp"
#include "sim/port/port.h"

namespace hv {

struct Domain;

/// Reasons, counted or set, for which a vCPU is not runnable. It may run when all are clear.
enum PauseFlag : uint32_t {
  kPauseDown = 1u << 0,      ///< VCPUOP_down, or never brought up
  kPauseBlocked = 1u << 1,   ///< SCHEDOP_block or hlt
  kPausePolling = 1u << 2,   ///< SCHEDOP_poll
  kPauseDomain = 1u << 3,    ///< the domain's pause count is not zero
  kPauseShutdown = 1u << 4,  ///< the domain has shut down
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
  uint64_t syscall32_callback, sysenter_callback;
  uint16_t syscall32_selector, sysenter_selector;
  bool failsafe_disables_events, syscall_disables_events, syscall32_disables_events, sysenter_disables_events;
  uint64_t kernel_ss, kernel_sp;
  uint64_t user_cr3;    ///< machine address of the user-mode root, 0 = none
  uint64_t kernel_cr3;  ///< while in user mode: the root to come back to. In kernel mode it is regs.cr3
  uint64_t iopl;
  uint64_t tsc_aux;
  uint16_t ldt_entries;
  uint64_t ldt_base;
  uint64_t gdt_frames[16];
  uint32_t gdt_entries;
  bool nmi_pending;
  bool in_nmi;          ///< no further NMI until iret
  bool segments_stale;  ///< it was switched in: the selectors are to be loaded again
};

constexpr unsigned kMtrrVariableRanges = 8;
constexpr unsigned kMtrrFixedRanges = 11;

struct HvmState {
  uint64_t upcall_vector;  ///< HVMOP_set_evtchn_upcall_vector, 0 = none
  bool pending_vector;     ///< the upcall vector was raised (an edge) and not yet taken
  bool in_service;         ///< it was taken and the guest has not said EOI: no further one until then
  bool nmi_pending;
  bool event_queued;  ///< XEN_DMOP_inject_event, not yet taken
  uint8_t event_vector;
  uint64_t event_address;  ///< what cr2 becomes for a page fault
  bool fault_pending;      ///< #GP(0) for the instruction that left
  uint64_t apic_base;      ///< MSR 0x1b
  uint64_t apic_spurious;  ///< local APIC: bit 8 = enabled by software
  uint64_t apic_priority;
  assay_system_regs system;  ///< descriptor tables, and the MSRs of syscall: the host's processor has them, too
  /// MSRs that the core only keeps.
  uint64_t cstar, tsc_aux, pat, sysenter_cs, sysenter_esp, sysenter_eip;
  /// Memory type ranges: kept, as the kinds of memory make no difference here.
  uint64_t mtrr_variable[2 * kMtrrVariableRanges], mtrr_fixed[kMtrrFixedRanges], mtrr_default;
  uint64_t tsc_adjust;
  hvm_hw_lapic_regs* apic_registers;  ///< owned by hv/domain: the last ones loaded, for those that nobody here reads
  hvm_hw_cpu* record;  ///< owned by hv/domain: what a save record has and the registers of the port have not
};

struct Vcpu {
  Domain* domain = nullptr;
  DomainMemory* memory = nullptr;  ///< the domain's: kind and identity for the folders that do not see Domain
  uint32_t id = 0;
  assay_regs regs{};
  WideArgument* wide = nullptr;  ///< of the hypercall under way, when the caller is in 32-bit mode
  bool initialised = false;
  uint32_t pause_flags = kPauseDown;

  vcpu_info_t* info =
      nullptr;  ///< in shared_info or where the guest registered it; null when id >= 32 and unregistered
  Mfn info_frame = kInvalidMfn;  ///< frame held for a registered area

  vcpu_runstate_info_t runstate{};  ///< state, entry time and four accumulated times
  Gva runstate_area{};              ///< 0 = none
  Gva time_area{};
  bool areas_stale = false;  ///< one of them could not be written at switch-in

  uint32_t tsc_khz = 0;     ///< of the TSC that the guest sees; 0 = the machine's
  uint64_t tsc_offset = 0;  ///< HVM: the guest has written its TSC

  Timer singleshot;        ///< its deadline is the guest's; kNever when not armed
  Ns periodic_period = 0;  ///< 0 = off
  Ns periodic_next = 0;
  Timer periodic;      ///< armed only while the vCPU runs: ticks do not wake it
  Timer poll;          ///< deadline of SCHEDOP_poll
  Port polled_port{};  ///< exactly one port polled; 0 = several (any wakes)

  PvState* pv = nullptr;
  HvmState hvm{};
  hvm_vmce_vcpu machine_check{};  ///< of PV vCPUs too: banks, and what a toolstack keeps there

  // Scheduling: owned by hv/sched.
  uint32_t pcpu = 0;  ///< where it runs or last ran
  bool running = false;
  bool in_core = false;  ///< its pCPU is inside the core and will look at what is pending before it goes back
  const struct CpuPool* pool = nullptr;  ///< where it may run at all; set as soon as the scheduler knows it
  struct PolicyUnit* sched = nullptr;    ///< what the policy of that pool keeps for its unit
  Vcpu* unit_next = nullptr;             ///< the next one of its unit; null: it is the last, or alone
  uint64_t hard_affinity[4] = {~0ull, ~0ull, ~0ull, ~0ull};
  uint64_t soft_affinity[4] = {~0ull, ~0ull, ~0ull, ~0ull};
  uint64_t saved_affinity[4] = {};  ///< hard affinity to come back to after SCHEDOP_pin_override
  bool pin_overridden = false;

  // Hypercall in progress: owned by hv/hypercall.
  bool in_multicall = false;
  multicall_entry_t entry{};  ///< while in_multicall: the one being executed
  bool continuation = false;  ///< the handler asked to be run again with new arguments
  uint64_t tlb_version = 1;
};

/// What the processor is told when the vCPU is entered: another number, and it forgets what it cached.
[[nodiscard]] uint64_t vcpu_tlb_version(const Vcpu& vcpu);
/// This vCPU forgets its translations, wherever it runs.
void vcpu_flush(Vcpu& vcpu);

/// The address space in which this vCPU's hypercall arguments are read.
AddressSpace address_space(Vcpu& vcpu);

/// What vCPUs need of the folders to their right. Set once by boot.
struct VcpuHooks {
  void (*wake)(Vcpu&);    ///< it may run now: the scheduler queues it
  void (*sleep)(Vcpu&);   ///< it may not run any more: the scheduler takes it off its queue or its pCPU
  void (*forget)(Vcpu&);  ///< it is about to be freed
  void (*send_virq)(Vcpu&, uint32_t virq);
  void (*poll_ended)(Vcpu&);
  /// HVM: the vector that HVM_PARAM_CALLBACK_IRQ asks for; 0 = events do not arrive by a vector.
  uint32_t (*callback_vector)(const Vcpu&);
};
void set_vcpu_hooks(const VcpuHooks& hooks);
[[nodiscard]] const VcpuHooks& vcpu_hooks();

constexpr uint64_t kMachineCheckBanks = 2;
constexpr uint64_t kApicBaseBsp = 1u << 8;
constexpr uint64_t kApicBaseExtended = 1u << 10;
constexpr uint64_t kApicBaseEnable = 1u << 11;
constexpr uint64_t kApicSoftwareEnable = 1u << 8;      ///< in apic_spurious
constexpr uint64_t kPatReset = 0x0000'0501'0007'0406;  ///< what a guest finds; hardware resets to another value
constexpr uint64_t kApicSpuriousReset = 0xff;
constexpr uint64_t kApicVersion = 0x50014;
constexpr uint64_t kApicBaseReset = 0xfee0'0000 | kApicBaseEnable;

/// A vCPU of `domain`, down and not initialised, which the scheduler does not know yet. `shared` supplies
/// vcpu_info for ids below XEN_LEGACY_MAX_VCPUS (its upcall mask is set). Null when the arena is full.
Vcpu* vcpu_create(Domain& domain, DomainMemory& memory, shared_info_t* shared, uint32_t id);
/// The vCPU must not be running (vcpu_pause, vcpu_stop_sync).
void vcpu_destroy(Vcpu& vcpu);

[[nodiscard]] inline bool vcpu_runnable(const Vcpu& vcpu) {
  return vcpu.pause_flags == 0;
}

/// Sets a reason not to run. A vCPU that runs elsewhere is signalled; it may execute until vcpu_stop_sync returns.
void vcpu_pause(Vcpu& vcpu, PauseFlag reason);
/// Clears a reason; the vCPU is queued when it was the last one.
void vcpu_unpause(Vcpu& vcpu, PauseFlag reason);
/// Waits until a paused vCPU has left the guest. Not for the calling vCPU itself.
void vcpu_stop_sync(Vcpu& vcpu);

/// evtchn_upcall_pending went from 0 to 1.
void vcpu_upcall_raised(Vcpu& vcpu);
/// Something became pending for it: ends a block or a poll, and makes it look soon when it runs.
void vcpu_kick(Vcpu& vcpu);
/// SCHEDOP_block and hlt: suspends unless an upcall is deliverable already. Only for the calling vCPU.
void vcpu_block(Vcpu& vcpu);
/// SCHEDOP_poll, first step: asleep, woken by `only` (0: by any port of the domain). Only for the calling vCPU.
void vcpu_poll(Vcpu& vcpu, Port only);
/// Second step, for a vCPU that is still asleep: woken by `deadline` too.
void vcpu_poll_until(Vcpu& vcpu, Ns deadline);
/// Ends a block or a poll without touching what is pending.
void vcpu_unblock(Vcpu& vcpu);

/// HVM: its own upcall vector was raised, and its local APIC lets it through.
[[nodiscard]] bool hvm_own_vector_ready(const Vcpu& vcpu);
/// HVM: the vector that waits to be injected as soon as the guest takes interrupts; 0 = none.
[[nodiscard]] uint32_t hvm_pending_vector(const Vcpu& vcpu);
/// True when the guest would be entered at its event handler now. PV64: pending and not masked. HVM: a vector waits and
/// rflags.IF is set; evtchn_upcall_mask does not matter.
[[nodiscard]] bool upcall_deliverable(const Vcpu& vcpu);

/// Makes one NMI pending.
void vcpu_send_nmi(Vcpu& vcpu);

}  // namespace hv
