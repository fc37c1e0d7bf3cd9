#include "conformance/guest/port_checks.hpp"

namespace assay {

void check_lowest_free(CaseContext& c, EventChannels& channels, EvtchnPort port, std::string_view what) {
  const PortResult probe = channels.alloc_unbound(kDomSelf);
  c.require_eq(probe.result, 0, what);
  c.check_eq(probe.port, port, what);
  c.require_eq(channels.close(probe.port), 0, what);
}

void check_closed(CaseContext& c, EventChannels& channels, EvtchnPort port, std::string_view what) {
  const auto status = channels.status(port);
  c.check_eq(status.result, 0, what);
  c.check_eq(status.arg.status, uint32_t{EVTCHNSTAT_closed}, what);
}

void check_unbound(CaseContext& c, EventChannels& channels, EvtchnPort port, DomId remote, std::string_view what) {
  const auto status = channels.status(port);
  c.check_eq(status.result, 0, what);
  c.check_eq(status.arg.status, uint32_t{EVTCHNSTAT_unbound}, what);
  c.check_eq(status.arg.u.unbound.dom, remote.raw(), what);
}

Exhausted exhaust_ports(EventChannels& channels) {
  for (uint32_t ports = 0;; ++ports) {
    const PortResult got = channels.alloc_unbound(kDomSelf);
    if (got.result != 0 || ports > 2 * EVTCHN_2L_NR_CHANNELS) return {ports, got.result};
  }
}

}  // namespace assay
