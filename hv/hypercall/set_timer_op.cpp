/// Hypercall 15: the one-shot timer of the calling vCPU. Source: public/xen.h, set_timer_op.
#include "hv/base/host.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

/// Further ahead than this, or before the epoch, is taken for a caller whose clock overflowed: look again soon.
constexpr Ns kAheadMax = Ns{1} << 50;
constexpr Ns kLookAgain = 100 * kMillisecond;

}  // namespace

/// Always 0. Timeout 0 stops the timer.
int64_t do_set_timer_op(Call& call) {
  const uint64_t timeout = call.arg[0];
  const Ns time = now();
  if (timeout == 0) {
    set_singleshot(call.vcpu, kNever);
  } else if (static_cast<int64_t>(timeout) < 0 || (timeout > time && timeout - time >= kAheadMax)) {
    set_singleshot(call.vcpu, time + kLookAgain);
  } else {
    set_singleshot(call.vcpu, timeout);
  }
  return 0;
}

}  // namespace hv
