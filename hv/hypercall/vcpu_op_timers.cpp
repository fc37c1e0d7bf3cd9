#include "hv/base/fault.hpp"
#include "hv/hypercall/vcpu_op.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

/// Times are signed 64-bit; the longest span that the sum of two cannot overflow.
constexpr uint64_t kSpanMax = ~uint64_t{0} >> 2;

}  // namespace

int64_t vcpuop_set_periodic_timer(Call& call, Vcpu& target) {
  vcpu_set_periodic_timer_t args;
  if (!read_guest(call.space(), args, call.pointer(2))) return -XEN_EFAULT;
  if ((args.period_ns < kMillisecond && !fault("timer.period_too_short")) || args.period_ns > kSpanMax)
    return -XEN_EINVAL;
  set_periodic(target, args.period_ns);
  return 0;
}

int64_t vcpuop_set_singleshot_timer(Call& call, Vcpu& target) {
  if (&target != &call.vcpu && !fault("timer.singleshot_of_others")) return -XEN_EINVAL;
  vcpu_set_singleshot_timer_t args;
  if (!read_guest(call.space(), args, call.pointer(2))) return -XEN_EFAULT;
  // A negative time has passed. VCPU_SSHOTTMR_future makes no difference in 4.17.
  set_singleshot(target, static_cast<int64_t>(args.timeout_abs_ns) < 0 ? 0 : args.timeout_abs_ns);
  return 0;
}

int64_t vcpuop_stop_singleshot_timer(Call& call, Vcpu& target) {
  if (&target != &call.vcpu) return -XEN_EINVAL;
  set_singleshot(target, kNever);
  return 0;
}

}  // namespace hv
