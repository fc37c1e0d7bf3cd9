#include "hv/vcpu/time.hpp"

#include <atomic>
#include <bit>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"

namespace hv {

namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

__extension__ using Wide = unsigned __int128;

/// Versions and flags of a record are ordered against its fields for a guest that reads it on another pCPU.
void fence() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

struct Scale {
  uint32_t mul;
  int8_t shift;
};

/// ns = ((ticks << shift) * mul) >> 32, with mul's top bit set: the greatest precision that the record can carry.
Scale tsc_scale(uint32_t khz) {
  // kNsPerMs / khz ns a tick; find shift so that kNsPerMs / khz / 2^shift lies in [1/2, 1).
  int8_t shift = 0;
  uint64_t numerator = kNsPerMs;
  uint64_t denominator = khz;
  while (numerator >= denominator) {
    denominator <<= 1;
    ++shift;
  }
  while (numerator * 2 < denominator) {
    numerator <<= 1;
    --shift;
  }
  return {static_cast<uint32_t>((numerator << 32) / denominator), shift};
}

uint32_t rate(const Vcpu& vcpu) {
  return vcpu.tsc_khz != 0 ? vcpu.tsc_khz : host().tsc_khz;
}

uint64_t ticks(const Vcpu& vcpu, Ns time) {
  return static_cast<uint64_t>(Wide{time} * rate(vcpu) / kNsPerMs);
}

void fill_record(const Vcpu& vcpu, vcpu_time_info_t& record, Ns time) {
  const Scale scale = tsc_scale(rate(vcpu));
  record.tsc_timestamp = guest_tsc(vcpu, time);
  record.system_time = time;
  record.tsc_to_system_mul = scale.mul;
  record.tsc_shift = scale.shift;
  // One TSC for the whole machine, without drift.
  record.flags = XEN_PVCLOCK_TSC_STABLE_BIT;
}

}  // namespace

uint64_t guest_tsc(const Vcpu& vcpu, Ns time) {
  return ticks(vcpu, time) + vcpu.tsc_offset;
}

void set_guest_tsc(Vcpu& vcpu, uint64_t value) {
  vcpu.tsc_offset = value - ticks(vcpu, now());
  publish_time(vcpu);
}

void set_tsc_age(Vcpu& vcpu, Ns age) {
  set_guest_tsc(vcpu, ticks(vcpu, age));
}

namespace {

bool write_time_area(const Vcpu& vcpu, const AddressSpace& space, Gva area, Ns time) {
  vcpu_time_info_t record{};
  if (!read_guest(space, record.version, area)) return false;
  record.version = (record.version + 1) | 1;
  fill_record(vcpu, record, time);
  if (!write_guest(space, area, record)) return false;
  fence();
  if (!fault("vcpu.time_area_left_odd")) ++record.version;
  return write_guest(space, area, record.version);
}

}  // namespace

bool publish_time_area(const Vcpu& vcpu, const AddressSpace& space, Gva area) {
  return write_time_area(vcpu, space, area, now());
}

void publish_time(Vcpu& vcpu) {
  const Ns time = now();
  if (vcpu.info != nullptr) {
    vcpu_time_info_t& record = vcpu.info->time;
    record.version = (record.version + 1) | 1;
    fence();
    fill_record(vcpu, record, time);
    fence();
    ++record.version;
  }
  if (vcpu.time_area != Gva{} && !write_time_area(vcpu, address_space(vcpu), vcpu.time_area, time))
    vcpu.areas_stale = true;
}

void publish_wallclock(shared_info_t& shared, int64_t offset_s) {
  const uint64_t seconds = host().wallclock_s + static_cast<uint64_t>(offset_s);
  shared.wc_version = (shared.wc_version + 1) | 1;
  fence();
  shared.wc_sec = static_cast<uint32_t>(seconds);
  shared.wc_sec_hi = static_cast<uint32_t>(seconds >> 32);
  shared.wc_nsec = 0;
  fence();
  ++shared.wc_version;
}

void set_runstate(Vcpu& vcpu, int state, Ns time) {
  vcpu_runstate_info_t& runstate = vcpu.runstate;
  if (runstate.state == state) return;
  HV_ASSERT(time >= runstate.state_entry_time);
  runstate.time[fault("vcpu.time_charged_to_new_state") ? state : runstate.state] += time - runstate.state_entry_time;
  runstate.state = state;
  runstate.state_entry_time = time;
}

vcpu_runstate_info_t runstate_now(const Vcpu& vcpu) {
  vcpu_runstate_info_t runstate = vcpu.runstate;
  runstate.time[runstate.state] += now() - runstate.state_entry_time;
  return runstate;
}

void publish_runstate(Vcpu& vcpu) {
  if (vcpu.runstate_area == Gva{}) return;
  const AddressSpace space = address_space(vcpu);
  vcpu_runstate_info_t runstate = vcpu.runstate;
  const bool flagged = (vcpu.memory->vm_assist >> VMASST_TYPE_runstate_update_flag & 1) != 0;
  if (flagged) runstate.state_entry_time |= XEN_RUNSTATE_UPDATE;
  const bool written = write_guest(space, vcpu.runstate_area, runstate);
  if (!written) vcpu.areas_stale = true;
  if (!written || !flagged || fault("vcpu.update_flag_stays")) return;
  fence();
  runstate.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
  const Gva entry_time{vcpu.runstate_area.raw() + offsetof(vcpu_runstate_info_t, state_entry_time)};
  static_cast<void>(write_guest(space, entry_time, runstate.state_entry_time));
}

void publish_stale_areas(Vcpu& vcpu) {
  if (!vcpu.areas_stale) return;
  vcpu.areas_stale = false;
  if (vcpu.time_area != Gva{}) static_cast<void>(publish_time_area(vcpu, address_space(vcpu), vcpu.time_area));
  publish_runstate(vcpu);
  vcpu.areas_stale = false;  // once more is enough: the next switch-in tries again
}

void set_singleshot(Vcpu& vcpu, Ns deadline) {
  const bool lost = deadline <= now() && fault("timer.past_deadline_never_fires");
  if (deadline == kNever || lost) {
    timer_stop(vcpu.singleshot);
  } else {
    timer_set(vcpu.singleshot, vcpu.pcpu, deadline);
  }
}

void set_periodic(Vcpu& vcpu, Ns period) {
  timer_stop(vcpu.periodic);
  vcpu.periodic_period = period;
  vcpu.periodic_next = now() + period;
  run_periodic(vcpu);
}

void run_periodic(Vcpu& vcpu) {
  if (vcpu.periodic_period == 0) return;
  const Ns time = now();
  if (vcpu.periodic_next <= time) {
    vcpu_hooks().send_virq(vcpu, VIRQ_TIMER);
    vcpu.periodic_next = time + vcpu.periodic_period;
  }
  timer_set(vcpu.periodic, vcpu.pcpu, vcpu.periodic_next);
}

}  // namespace hv
