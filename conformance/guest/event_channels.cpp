#include "conformance/guest/event_channels.hpp"

namespace assay {

PortResult EventChannels::alloc_unbound(DomId remote, DomId dom) {
  const auto done = op(EVTCHNOP_alloc_unbound,
                       evtchn_alloc_unbound_t{.dom = dom.raw(), .remote_dom = remote.raw(), .port = kUntouched32});
  return {done.result, EvtchnPort{done.arg.port}};
}

PortResult EventChannels::bind_interdomain(DomId remote, EvtchnPort remote_port) {
  evtchn_bind_interdomain_t arg{};
  arg.remote_dom = remote.raw();
  arg.remote_port = remote_port.raw();
  arg.local_port = kUntouched32;
  const auto done = op(EVTCHNOP_bind_interdomain, arg);
  return {done.result, EvtchnPort{done.arg.local_port}};
}

PortResult EventChannels::bind_virq(uint32_t virq, uint32_t vcpu) {
  const auto done = op(EVTCHNOP_bind_virq, evtchn_bind_virq_t{.virq = virq, .vcpu = vcpu, .port = kUntouched32});
  return {done.result, EvtchnPort{done.arg.port}};
}

PortResult EventChannels::bind_pirq(uint32_t pirq, uint32_t flags) {
  const auto done = op(EVTCHNOP_bind_pirq, evtchn_bind_pirq_t{.pirq = pirq, .flags = flags, .port = kUntouched32});
  return {done.result, EvtchnPort{done.arg.port}};
}

PortResult EventChannels::bind_ipi(uint32_t vcpu) {
  const auto done = op(EVTCHNOP_bind_ipi, evtchn_bind_ipi_t{.vcpu = vcpu, .port = kUntouched32});
  return {done.result, EvtchnPort{done.arg.port}};
}

int64_t EventChannels::close(EvtchnPort port) {
  return op(EVTCHNOP_close, evtchn_close_t{.port = port.raw()}).result;
}

int64_t EventChannels::send(EvtchnPort port) {
  return op(EVTCHNOP_send, evtchn_send_t{.port = port.raw()}).result;
}

Called<evtchn_status_t> EventChannels::status(EvtchnPort port, DomId dom) {
  evtchn_status_t arg{};
  arg.dom = dom.raw();
  arg.port = port.raw();
  arg.status = kUntouched32;
  arg.vcpu = kUntouched32;
  return op(EVTCHNOP_status, arg);
}

int64_t EventChannels::bind_vcpu(EvtchnPort port, uint32_t vcpu) {
  return op(EVTCHNOP_bind_vcpu, evtchn_bind_vcpu_t{.port = port.raw(), .vcpu = vcpu}).result;
}

int64_t EventChannels::unmask(EvtchnPort port) {
  return op(EVTCHNOP_unmask, evtchn_unmask_t{.port = port.raw()}).result;
}

int64_t EventChannels::reset(DomId dom) {
  return op(EVTCHNOP_reset, evtchn_reset_t{.dom = dom.raw()}).result;
}

Called<evtchn_init_control_t> EventChannels::init_control(Gfn control, uint32_t offset, uint32_t vcpu) {
  evtchn_init_control_t arg{};
  arg.control_gfn = control.raw();
  arg.offset = offset;
  arg.vcpu = vcpu;
  arg.link_bits = kUntouchedByte;
  return op(EVTCHNOP_init_control, arg);
}

int64_t EventChannels::expand_array(Gfn array) {
  return op(EVTCHNOP_expand_array, evtchn_expand_array_t{.array_gfn = array.raw()}).result;
}

int64_t EventChannels::set_priority(EvtchnPort port, uint32_t priority) {
  return op(EVTCHNOP_set_priority, evtchn_set_priority_t{.port = port.raw(), .priority = priority}).result;
}

int64_t EventChannels::raw(uint64_t command, Gva argument) {
  return memory_.vcpu().hypercall(__HYPERVISOR_event_channel_op, {command, argument.raw()});
}

}  // namespace assay
