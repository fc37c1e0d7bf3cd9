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

struct Exhausted {
  uint32_t ports;   ///< allocated by this call
  int64_t refusal;  ///< what the next allocation returned
};
/// Allocates unbound ports until the hypervisor refuses one.
Exhausted exhaust_ports(EventChannels& channels);

}  // namespace assay
