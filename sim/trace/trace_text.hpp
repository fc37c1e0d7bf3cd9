/// A trace as text: one event, one line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "sim/trace/trace.hpp"

namespace assay::trace {

using Sink = std::function<void(std::string_view)>;

std::string to_string(VcpuName vcpu);             ///< "d1v0"
std::string to_string(const Occupant& occupant);  ///< "d1v0", "idle"

/// Why the vCPU left, without its result: "EVTCHNOP_send {port 7}", "wrmsr 0xc0000080 = 0x500".
std::string describe_reason(const Exit& exit);
/// What became of it: "-EINVAL (-22)", "again", ...; empty: there is nothing to say.
std::string describe_return(const Exit& exit);
/// "SCHEDOP_yield = 0", "runs d1v0, not idle", "takes interrupt 0xf3 at 0x1000".
std::string describe_what(const Event& event);
/// "     123456 ns  pcpu  2  d1v0  SCHEDOP_yield = 0".
std::string describe(const Event& event);

/// The last `last` events, a line each, and above them what was run and how much is missing.
void print_events(const Trace& trace, size_t last, const Sink& sink);

/// The code around the place where a vCPU left, an instruction a line; the one at rip is marked. Empty: no code was
/// kept.
std::string describe_code(const Exit& exit);
/// The event nearest to a time, its neighbours, and the code of the nearest exit that has some.
void print_around(const Trace& trace, uint64_t at_ns, const Sink& sink);

}  // namespace assay::trace
