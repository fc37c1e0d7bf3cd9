#include "conformance/guest/sched_ops.hpp"

namespace assay {
namespace {

constexpr uint64_t kPortsAt = 1024;
constexpr size_t kPortsMax = 256;
constexpr uint32_t kCall = __HYPERVISOR_sched_op;

}  // namespace

int64_t SchedOps::yield() {
  return raw(SCHEDOP_yield, Gva{0});
}

void SchedOps::start_block() {
  memory_.vcpu().start_hypercall(kCall, {SCHEDOP_block, 0});
}

Gva SchedOps::place_poll(std::initializer_list<EvtchnPort> ports, uint64_t timeout_ns) {
  if (ports.size() > kPortsMax) throw HarnessFault("more ports than the scratch page holds");
  uint64_t at = kPortsAt;
  for (const EvtchnPort port : ports) {
    memory_.put(port.raw(), at);
    at += sizeof(evtchn_port_t);
  }
  sched_poll_t arg{};
  set_handle(arg.ports, memory_.va(kPortsAt));
  arg.nr_ports = static_cast<unsigned>(ports.size());
  arg.timeout = timeout_ns;
  return memory_.put(arg);
}

int64_t SchedOps::poll(std::initializer_list<EvtchnPort> ports, uint64_t timeout_ns) {
  return raw(SCHEDOP_poll, place_poll(ports, timeout_ns));
}

void SchedOps::start_poll(std::initializer_list<EvtchnPort> ports, uint64_t timeout_ns) {
  memory_.vcpu().start_hypercall(kCall, {SCHEDOP_poll, place_poll(ports, timeout_ns).raw()});
}

int64_t SchedOps::poll_raw(Gva list, uint32_t count, uint64_t timeout_ns) {
  sched_poll_t arg{};
  set_handle(arg.ports, list);
  arg.nr_ports = count;
  arg.timeout = timeout_ns;
  return raw(SCHEDOP_poll, memory_.put(arg));
}

void SchedOps::start_shutdown(uint32_t reason) {
  memory_.vcpu().start_hypercall(kCall, {SCHEDOP_shutdown, memory_.put(sched_shutdown_t{reason}).raw()});
}

int64_t SchedOps::shutdown(uint32_t reason) {
  return raw(SCHEDOP_shutdown, memory_.put(sched_shutdown_t{reason}));
}

int64_t SchedOps::remote_shutdown(DomId dom, uint32_t reason) {
  sched_remote_shutdown_t arg{};  // zeroed as a whole: its padding goes into guest memory too
  arg.domain_id = dom.raw();
  arg.reason = reason;
  return call_with(memory_, kCall, SCHEDOP_remote_shutdown, arg).result;
}

int64_t SchedOps::shutdown_code(uint32_t reason) {
  return call_with(memory_, kCall, SCHEDOP_shutdown_code, sched_shutdown_t{reason}).result;
}

int64_t SchedOps::watchdog(uint32_t id, uint32_t timeout_s) {
  return call_with(memory_, kCall, SCHEDOP_watchdog, sched_watchdog_t{id, timeout_s}).result;
}

int64_t SchedOps::pin_override(int32_t pcpu) {
  return call_with(memory_, kCall, SCHEDOP_pin_override, sched_pin_override{pcpu}).result;
}

int64_t SchedOps::raw(uint64_t command, Gva argument) {
  return memory_.vcpu().hypercall(kCall, {command, argument.raw()});
}

}  // namespace assay
