/// Memory that a guest shares with the hypervisor for one of its vCPUs.
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/hypercall/vcpu_op.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

/// What the new place starts with: what the old one has, or nothing but a mask.
vcpu_info_t initial_info(const Vcpu& vcpu) {
  if (vcpu.info != nullptr) return *vcpu.info;
  vcpu_info_t info{};
  info.evtchn_upcall_mask = 1;
  return info;
}

void move_info(Vcpu& vcpu, Mfn frame, uint32_t offset) {
  auto* info = reinterpret_cast<vcpu_info_t*>(frame_bytes(frame) + offset);
  *info = initial_info(vcpu);
  vcpu.info = info;
  vcpu.info_frame = frame;
  // An event sent while the place changed may have left its mark in the old one: have the guest look everywhere.
  if (fault("vcpu.moved_info_forgets_events")) return;
  info->evtchn_pending_sel = ~xen_ulong_t{0};
  if (info->evtchn_upcall_pending != 0) return;
  info->evtchn_upcall_pending = 1;
  vcpu_upcall_raised(vcpu);
}

}  // namespace

int64_t vcpuop_register_vcpu_info(Call& call, Vcpu& target) {
  vcpu_register_vcpu_info_t args;
  if (!read_guest(call.space(), args, call.pointer(2))) return -XEN_EFAULT;
  const uint64_t bytes = fault("vcpu.info_beyond_frame") ? alignof(vcpu_info_t) : sizeof(vcpu_info_t);
  if (args.offset > kPageSize - bytes || args.offset % alignof(vcpu_info_t) != 0) return -XEN_ENXIO;
  if (target.info_frame != kInvalidMfn && !fault("vcpu.info_registered_twice")) return -XEN_EINVAL;
  const bool up = (target.pause_flags & kPauseDown) == 0 && !fault("vcpu.info_of_running_vcpu");
  if (&target != &call.vcpu && up) return -XEN_EINVAL;
  const Result<Mfn> frame = get_writable_gfn(call.domain().memory, Gfn{args.mfn});
  if (!frame.ok()) return -XEN_EINVAL;
  move_info(target, *frame, args.offset);
  publish_time(target);
  return 0;
}

int64_t vcpuop_get_runstate_info(Call& call, Vcpu& target) {
  return write_guest(call.space(), call.pointer(2), runstate_now(target)) ? 0 : -XEN_EFAULT;
}

int64_t vcpuop_register_runstate_memory_area(Call& call, Vcpu& target) {
  vcpu_register_runstate_memory_area_t args;
  if (!read_guest(call.space(), args, call.pointer(2))) return -XEN_EFAULT;
  const Gva area{reinterpret_cast<uint64_t>(args.addr.h.p)};
  if (!guest_range_ok(call.space(), area, 1, sizeof(vcpu_runstate_info_t))) return -XEN_EFAULT;
  target.runstate_area = area;
  // A snapshot through the caller's mapping; whether it can be written now does not matter. Who runs reads its times as
  // of its entry time, as at every switch-in.
  const vcpu_runstate_info_t snapshot = &target == &call.vcpu ? target.runstate : runstate_now(target);
  static_cast<void>(write_guest(call.space(), area, snapshot));
  return 0;
}

int64_t vcpuop_register_vcpu_time_memory_area(Call& call, Vcpu& target) {
  vcpu_register_time_memory_area_t args;
  if (!read_guest(call.space(), args, call.pointer(2))) return -XEN_EFAULT;
  const Gva area{reinterpret_cast<uint64_t>(args.addr.h.p)};
  if (!guest_range_ok(call.space(), area, 1, sizeof(vcpu_time_info_t))) return -XEN_EFAULT;
  target.time_area = area;
  // At once; for another vCPU, through the caller's mapping.
  if (&target == &call.vcpu) {
    publish_time(target);
  } else {
    static_cast<void>(publish_time_area(target, call.space(), area));
  }
  return 0;
}

}  // namespace hv
