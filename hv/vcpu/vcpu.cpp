#include "hv/vcpu/vcpu.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/mm/translations.hpp"
#include "hv/vcpu/pv_traps.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

/// In the data segment; the same for every machine.
VcpuHooks hooks{};

constexpr Ns kPvTick = 10 * kMillisecond;  ///< VCPU-018: PV64 vCPUs are born with it

void singleshot_fired(void* context) {
  hooks.send_virq(*static_cast<Vcpu*>(context), VIRQ_TIMER);
}

void periodic_fired(void* context) {
  run_periodic(*static_cast<Vcpu*>(context));
}

void poll_fired(void* context) {
  vcpu_unblock(*static_cast<Vcpu*>(context));
}

void prepare_timer(Timer& timer, void (*fire)(void*), Vcpu& vcpu) {
  timer.fire = fire;
  timer.context = &vcpu;
}

void suspend(Vcpu& vcpu, uint32_t flags) {
  const bool was_runnable = vcpu_runnable(vcpu);
  const bool goes_offline = (flags & ~vcpu.pause_flags & kPauseDown) != 0;
  vcpu.pause_flags |= flags;
  if (was_runnable || goes_offline) hooks.sleep(vcpu);
}

}  // namespace

void set_vcpu_hooks(const VcpuHooks& wanted) {
  hooks = wanted;
}

const VcpuHooks& vcpu_hooks() {
  return hooks;
}

AddressSpace address_space(Vcpu& vcpu) {
  return {vcpu.memory, &vcpu.regs, vcpu.wide};
}

Vcpu* vcpu_create(Domain& domain, DomainMemory& memory, shared_info_t* shared, uint32_t id) {
  Vcpu* vcpu = arena_new<Vcpu>();
  if (vcpu == nullptr) return nullptr;
  if (memory.kind == GuestKind::kPv64) {
    vcpu->pv = arena_new<PvState>();
    if (vcpu->pv == nullptr) {
      arena_delete(vcpu);
      return nullptr;
    }
  }
  vcpu->domain = &domain;
  vcpu->memory = &memory;
  vcpu->id = id;
  vcpu->pcpu = id % host().pcpus;
  if (id < XEN_LEGACY_MAX_VCPUS && shared != nullptr) {
    vcpu->info = &shared->vcpu_info[id];
    vcpu->info->evtchn_upcall_mask = 1;
  }
  vcpu->runstate.state = RUNSTATE_offline;
  vcpu->runstate.state_entry_time = now();
  prepare_timer(vcpu->singleshot, singleshot_fired, *vcpu);
  prepare_timer(vcpu->periodic, periodic_fired, *vcpu);
  prepare_timer(vcpu->poll, poll_fired, *vcpu);
  if (memory.kind == GuestKind::kPv64) vcpu->periodic_period = kPvTick;
  vcpu->machine_check.caps = kMachineCheckBanks;
  vcpu->hvm.pat = kPatReset;
  vcpu->hvm.apic_base = kApicBaseReset | (id == 0 ? kApicBaseBsp : 0);
  vcpu->hvm.apic_spurious = kApicSpuriousReset;
  return vcpu;
}

void vcpu_destroy(Vcpu& vcpu) {
  HV_ASSERT(!vcpu.running);
  suspend(vcpu, kPauseDown);
  hooks.forget(vcpu);
  timer_stop(vcpu.singleshot);
  timer_stop(vcpu.periodic);
  timer_stop(vcpu.poll);
  arena_delete(vcpu.pv);
  arena_delete(&vcpu);
}

void vcpu_pause(Vcpu& vcpu, PauseFlag reason) {
  suspend(vcpu, reason);
}

void vcpu_unpause(Vcpu& vcpu, PauseFlag reason) {
  if ((vcpu.pause_flags & reason) == 0) return;
  vcpu.pause_flags &= ~static_cast<uint32_t>(reason);
  hooks.wake(vcpu);
}

uint64_t vcpu_tlb_version(const Vcpu& vcpu) {
  return vcpu.tlb_version + vcpu.memory->tlb_version + translations_version();
}

void vcpu_flush(Vcpu& vcpu) {
  ++vcpu.tlb_version;
  want_flush();
}

void vcpu_stop_sync(Vcpu& vcpu) {
  HV_ASSERT(!vcpu_runnable(vcpu));
  // Its pCPU was signalled and will take it off.
  while (vcpu.running) wait_for_others(&vcpu.running);
}

void vcpu_unblock(Vcpu& vcpu) {
  constexpr uint32_t kWaiting = kPauseBlocked | kPausePolling;
  if ((vcpu.pause_flags & kWaiting) == 0) return;
  const bool polled = (vcpu.pause_flags & kPausePolling) != 0;
  vcpu.pause_flags &= ~kWaiting;
  if (polled) {
    timer_stop(vcpu.poll);
    hooks.poll_ended(vcpu);
  }
  hooks.wake(vcpu);
}

void vcpu_kick(Vcpu& vcpu) {
  vcpu_unblock(vcpu);
  // A vCPU whose pCPU is in the core looks for itself before it goes back.
  if (vcpu.running && !vcpu.in_core) signal(vcpu.pcpu);
}

void vcpu_upcall_raised(Vcpu& vcpu) {
  if (vcpu.hvm.upcall_vector != 0) vcpu.hvm.pending_vector = true;
  vcpu_kick(vcpu);
}

bool hvm_own_vector_ready(const Vcpu& vcpu) {
  const bool through = (vcpu.hvm.apic_spurious & kApicSoftwareEnable) != 0 && !vcpu.hvm.in_service;
  return vcpu.hvm.pending_vector && through;
}

uint32_t hvm_pending_vector(const Vcpu& vcpu) {
  if (hvm_own_vector_ready(vcpu)) return static_cast<uint32_t>(vcpu.hvm.upcall_vector);
  // By HVM_PARAM_CALLBACK_IRQ it is a level: injected for as long as the guest leaves the flag set.
  if (vcpu.info == nullptr || vcpu.info->evtchn_upcall_pending == 0) return 0;
  return hooks.callback_vector(vcpu);
}

bool upcall_deliverable(const Vcpu& vcpu) {
  if (vcpu.memory->kind == GuestKind::kPv64) {
    return vcpu.info != nullptr && vcpu.info->evtchn_upcall_pending != 0 && vcpu.info->evtchn_upcall_mask == 0;
  }
  return (vcpu.regs.rflags & kFlagInterrupt) != 0 && hvm_pending_vector(vcpu) != 0;
}

void vcpu_block(Vcpu& vcpu) {
  suspend(vcpu, kPauseBlocked);
  // After the flag is set, so that an event sent in between is not lost.
  const bool nmi = vcpu.pv != nullptr ? vcpu.pv->nmi_pending : vcpu.hvm.nmi_pending;
  if ((upcall_deliverable(vcpu) && !fault("vcpu.block_misses_event")) || nmi) vcpu_unblock(vcpu);
}

void vcpu_poll(Vcpu& vcpu, Port only) {
  vcpu.polled_port = only;
  suspend(vcpu, kPausePolling);
}

void vcpu_poll_until(Vcpu& vcpu, Ns deadline) {
  if ((vcpu.pause_flags & kPausePolling) == 0) return;
  if (deadline == kNever) return;
  timer_set(vcpu.poll, vcpu.pcpu, deadline);
  // Woken while the timer was set: it must not end a later poll.
  if ((vcpu.pause_flags & kPausePolling) == 0) timer_stop(vcpu.poll);
}

void vcpu_send_nmi(Vcpu& vcpu) {
  (vcpu.pv != nullptr ? vcpu.pv->nmi_pending : vcpu.hvm.nmi_pending) = true;
  vcpu_kick(vcpu);
}

}  // namespace hv
