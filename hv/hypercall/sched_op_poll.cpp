#include "hv/base/fault.hpp"
#include "hv/evtchn/event_channels.hpp"
#include "hv/hypercall/sched_op.hpp"

namespace hv {

namespace {

constexpr uint32_t kPortsMax = 128;

enum class Look : uint8_t { kNothing, kPending };

bool read_port(Call& call, Gva list, uint32_t index, Port& port) {
  evtchn_port_t number = 0;
  if (!read_guest(call.space(), number, Gva{list.raw() + index * sizeof number})) return false;
  port = Port{number};
  return true;
}

Result<Look> look_at_ports(Call& call, Gva list, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    Port port{};
    if (!read_port(call, list, i, port)) return fail(XEN_EFAULT);
    const Result<bool> pending = evtchn_poll(*call.domain().events, port);
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
  if (args.nr_ports > kPortsMax + (fault("vcpu.poll_of_129_ports") ? 1 : 0)) return -XEN_EINVAL;
  const Gva list{reinterpret_cast<uint64_t>(args.ports.p)};
  if (!guest_range_ok(call.space(), list, args.nr_ports, sizeof(evtchn_port_t))) return -XEN_EFAULT;

  if (upcall_deliverable(call.vcpu)) return 0;
  // A single port is known before the sleep begins, so that no other port can end it.
  Port only{};
  if (args.nr_ports == 1 && !read_port(call, list, 0, only)) return -XEN_EFAULT;

  // Asleep first, then a look: an event sent in between ends the sleep instead of being missed.
  Vcpu& vcpu = call.vcpu;
  ++call.domain().pollers;
  vcpu_poll(vcpu, only);
  const Result<Look> look =
      upcall_deliverable(vcpu) ? Result<Look>(Look::kPending) : look_at_ports(call, list, args.nr_ports);
  if (!look.ok() || *look == Look::kPending) {
    vcpu_unblock(vcpu);
    return look.status().raw();
  }
  vcpu_poll_until(vcpu, deadline_of(args.timeout));
  return 0;
}

}  // namespace hv
