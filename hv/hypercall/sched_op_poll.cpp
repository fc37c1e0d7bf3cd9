#include "hv/evtchn/event_channels.hpp"
#include "hv/hypercall/sched_op.hpp"

namespace hv {

namespace {

constexpr uint32_t kPortsMax = 128;

enum class Look : uint8_t { kNothing, kPending };

/// Looks at every port of the list; `last` is the last one.
Result<Look> look_at_ports(Call& call, Gva list, uint32_t count, Port& last) {
  for (uint32_t i = 0; i < count; ++i) {
    evtchn_port_t number = 0;
    if (!read_guest(call.space(), number, Gva{list.raw() + i * sizeof number})) return fail(XEN_EFAULT);
    last = Port{number};
    const Result<bool> pending = evtchn_poll(*call.domain().events, last);
    if (!pending.ok()) return pending.status();
    if (*pending) return Look::kPending;
  }
  return Look::kNothing;
}

Ns deadline_of(uint64_t timeout) {
  if (timeout == 0) return kNever;
  // The ABI's time is signed: what is negative has passed.
  return static_cast<int64_t>(timeout) < 0 ? 0 : timeout;
}

}  // namespace

int64_t schedop_poll(Call& call) {
  sched_poll_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  if (args.nr_ports > kPortsMax) return -XEN_EINVAL;
  const Gva list{reinterpret_cast<uint64_t>(args.ports.p)};
  if (!guest_range_ok(call.space(), list, args.nr_ports, sizeof(evtchn_port_t))) return -XEN_EFAULT;

  // Asleep first, then a look: an event sent in between ends the sleep instead of being missed.
  Vcpu& vcpu = call.vcpu;
  ++call.domain().pollers;
  vcpu_poll(vcpu);
  if (upcall_deliverable(vcpu)) {
    vcpu_unblock(vcpu);
    return 0;
  }
  Port last{};
  const Result<Look> look = look_at_ports(call, list, args.nr_ports, last);
  if (!look.ok() || *look == Look::kPending) {
    vcpu_unblock(vcpu);
    return look.status().raw();
  }
  vcpu_poll_until(vcpu, args.nr_ports == 1 ? last : Port{}, deadline_of(args.timeout));
  return 0;
}

}  // namespace hv
