/// Time as guests see it: pvclock records, the wall clock in shared_info, and runstates.
#pragma once

#include "hv/vcpu/vcpu.hpp"

namespace hv {

/// TSC as a vCPU reads it at a virtual time.
[[nodiscard]] uint64_t guest_tsc(const Vcpu& vcpu, Ns time);
/// The guest writes its TSC.
void set_guest_tsc(Vcpu& vcpu, uint64_t value);
/// It counts as if the guest had been running for `age` by now.
void set_tsc_age(Vcpu& vcpu, Ns age);
/// Writes the time record of a vCPU to its vcpu_info and its registered area. Done when it is switched in.
void publish_time(Vcpu& vcpu);
/// Writes a vCPU's time record to guest memory: the version goes odd, the record is written, the version goes even. An
/// area that cannot be written is left alone: then the result is false.
bool publish_time_area(const Vcpu& vcpu, const AddressSpace& space, Gva area);
/// Writes wc_sec, wc_nsec, wc_sec_hi under their version. `offset_s` is XEN_DOMCTL_settimeoffset. Called when
/// shared_info comes to life and when the offset changes.
void publish_wallclock(shared_info_t& shared, int64_t offset_s);

/// Accounts the time since the last change and enters RUNSTATE_*.
void set_runstate(Vcpu& vcpu, int state, Ns now);
/// The four times as of now.
[[nodiscard]] vcpu_runstate_info_t runstate_now(const Vcpu& vcpu);
/// Writes the registered runstate area, if there is one: when the vCPU is switched in, and when it is switched out.
/// Under the assist runstate_update_flag, bit 63 of state_entry_time is set while it is written.
void publish_runstate(Vcpu& vcpu);
/// Areas that could not be written when the vCPU was switched in, as its user mode does not map them: the kernel has
/// been entered, so try again.
void publish_stale_areas(Vcpu& vcpu);

/// The two timers of a vCPU, both raising VIRQ_TIMER. A singleshot deadline replaces the earlier one; kNever stops it.
void set_singleshot(Vcpu& vcpu, Ns deadline);
/// The first tick is a period from now; 0 stops it.
void set_periodic(Vcpu& vcpu, Ns period);
/// A tick if one is due, however many were missed while the vCPU did not run; then arms the next. Called at switch-in.
void run_periodic(Vcpu& vcpu);

}  // namespace hv
