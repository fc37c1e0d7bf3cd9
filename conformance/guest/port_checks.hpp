/// What event channel cases check over and over: which ports are free, which are closed.
#pragma once

#include <string_view>

#include "conformance/case.hpp"
#include "conformance/guest/event_channels.hpp"

namespace assay {

/// The port that a guest without open ports gets first.
constexpr EvtchnPort kFirstPort{1};

/// Checks that the next allocation gets `port`: what was refused must not have kept one. Leaves the ports as they were.
void check_lowest_free(CaseContext& c, EventChannels& channels, EvtchnPort port, std::string_view what);
/// Checks that `port` exists and is not in use.
void check_closed(CaseContext& c, EventChannels& channels, EvtchnPort port, std::string_view what);
/// Checks that `port` is unbound and waits for `remote`.
void check_unbound(CaseContext& c, EventChannels& channels, EvtchnPort port, DomId remote, std::string_view what);

struct Allocated {
  uint32_t ports;   ///< handed out by this call
  int64_t refusal;  ///< the first result that was not 0; 0 when there was none
};
/// Allocates `count` unbound ports, by multicalls: on some targets thousands of single calls take long.
Allocated allocate_ports(Vcpu& vcpu, uint32_t count);
/// Allocates unbound ports until there are no more.
Allocated exhaust_ports(Vcpu& vcpu);

}  // namespace assay
