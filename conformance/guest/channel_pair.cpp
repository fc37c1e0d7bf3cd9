#include "conformance/guest/channel_pair.hpp"

#include "conformance/guest/shared_info.hpp"

namespace assay {

EvtchnPort offer_port(CaseContext& c, Vcpu& owner, DomId remote) {
  const PortResult offered = EventChannels(owner).alloc_unbound(remote);
  c.require_eq(offered.result, 0, "set-up: allocating an unbound port");
  return offered.port;
}

ChannelPair connect_channel(CaseContext& c, Vcpu& local, Vcpu& remote) {
  const EvtchnPort offered = offer_port(c, remote, local.domain().id());
  const PortResult bound = EventChannels(local).bind_interdomain(remote.domain().id(), offered);
  c.require_eq(bound.result, 0, "set-up: binding the offered port");
  return {bound.port, offered};
}

ChannelPair quiet_channel(CaseContext& c, Vcpu& local, Vcpu& remote) {
  const ChannelPair pair = connect_channel(c, local, remote);
  SharedInfo ours(local);
  SharedInfo theirs(remote);
  ours.unmask(pair.local);
  theirs.unmask(pair.remote);
  ours.acknowledge(pair.local, 0);
  theirs.acknowledge(pair.remote, 0);
  return pair;
}

}  // namespace assay
