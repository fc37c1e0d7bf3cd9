/// The old form of event_channel_op: one structure that holds the command and its argument.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"

namespace assay {
namespace {

const Case kCompat{{
    .slug = "evtchn.compat.as_the_new_form",
    .rule = "The old form of the call does the first ten commands as the new one does; later ones give ENOSYS.",
    .source = "public/event_channel.h, struct evtchn_op",
    .requirements = {"EVTCHN-COMPAT-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          Scratch memory(us);
          const auto call = [&](const evtchn_op_t& op) {
            return us.hypercall(__HYPERVISOR_event_channel_op_compat, {memory.put(op).raw()});
          };
          evtchn_op_t op{};
          op.cmd = EVTCHNOP_alloc_unbound;
          op.u.alloc_unbound = {DOMID_SELF, DOMID_SELF, 0};
          c.require_eq(call(op), 0, "alloc_unbound");
          const evtchn_port_t port = memory.get<evtchn_op_t>().u.alloc_unbound.port;
          c.check_eq(EventChannels(us).status(EvtchnPort{port}).arg.status, uint32_t{EVTCHNSTAT_unbound}, "its port");
          op = {};
          op.cmd = EVTCHNOP_close;
          op.u.close.port = port;
          c.check_eq(call(op), 0, "close");
          c.check_eq(call(op), -XEN_EINVAL, "closing it again");
          for (const uint32_t command : {uint32_t{EVTCHNOP_reset}, uint32_t{EVTCHNOP_set_priority}, 99u}) {
            op.cmd = command;
            c.check_eq(call(op), -XEN_ENOSYS, "command " + show(command));
          }
          c.check_eq(us.hypercall(__HYPERVISOR_event_channel_op_compat, {bad_pointer(c.guest_type()).raw()}),
                     -XEN_EFAULT, "bad pointer");
        },
}};

}  // namespace
}  // namespace assay
