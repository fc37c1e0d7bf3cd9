#include "hv/domain/monitor.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

/// Where the producers of a ring stand: the first members of any shared ring (public/io/ring.h).
struct RingIndices {
  uint32_t req_prod, req_event;
  uint32_t rsp_prod, rsp_event;
};

void take_responses(Domain& domain) {
  auto& ring = *frame_as<RingIndices>(domain.monitor_frame);
  // Nobody waits for one of them. The index of the next is where the other side looks whether to tell us.
  ring.rsp_event = ring.rsp_prod + 1;
}

void notified(EventChannels& channels, uint32_t, Port) {
  Domain* domain = domain_by_id(channels.id);
  if (domain != nullptr && domain->monitor_frame != kInvalidMfn) take_responses(*domain);
}

}  // namespace

Result<Port> monitor_enable(Domain& domain, DomId listener) {
  const uint64_t gfn = domain.hvm_params[HVM_PARAM_MONITOR_RING_PFN];
  if (domain.kind != GuestKind::kHvm || gfn == 0) return fail(XEN_EOPNOTSUPP);
  if (domain.monitor_frame != kInvalidMfn) return fail(XEN_EBUSY);
  const Result<Mfn> frame = get_writable_gfn(domain.memory, Gfn{gfn});
  if (!frame.ok()) return frame.status();
  const Result<Port> port = evtchn_alloc_for_xen(*domain.events, 0, listener, notified);
  if (!port.ok()) {
    put_page_and_type(*frame);
    return port.status();
  }
  domain.monitor_frame = *frame;
  domain.monitor_port = *port;
  return port;
}

Status monitor_resume(Domain& domain) {
  if (domain.monitor_frame == kInvalidMfn) return fail(XEN_ENODEV);
  take_responses(domain);
  return kOk;
}

Status monitor_disable(Domain& domain) {
  if (domain.monitor_frame == kInvalidMfn) return fail(XEN_EINVAL);
  static_cast<void>(evtchn_close(*domain.events, domain.monitor_port, true));
  monitor_drop(domain);
  return kOk;
}

void monitor_drop(Domain& domain) {
  if (domain.monitor_frame == kInvalidMfn) return;
  if (!fault("monitor.disable_leaks_frame")) put_page_and_type(domain.monitor_frame);
  domain.monitor_frame = kInvalidMfn;
}

}  // namespace hv
