/// Set-up steps that many event channel cases share; a failure ends the case.
#pragma once

#include "conformance/case.hpp"
#include "conformance/guest/event_channels.hpp"

namespace assay {

/// Two connected interdomain ports.
struct ChannelPair {
  EvtchnPort local;
  EvtchnPort remote;
};

/// A fresh unbound port of `owner`'s domain that `remote` may bind.
EvtchnPort offer_port(CaseContext& c, Vcpu& owner, DomId remote);
/// `remote` offers a port and `local` binds it. The local port is pending afterwards, as the ABI has it.
ChannelPair connect_channel(CaseContext& c, Vcpu& local, Vcpu& remote);
/// As connect_channel, with both ends unmasked and nothing pending on vCPU 0 of either side.
ChannelPair quiet_channel(CaseContext& c, Vcpu& local, Vcpu& remote);

}  // namespace assay
