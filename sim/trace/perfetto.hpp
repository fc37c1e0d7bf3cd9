/// A trace for ui.perfetto.dev: the JSON trace-event format.
///
/// One track a pCPU: slices say what it runs. One track a vCPU, beneath its domain: slices say when it runs, and within
/// them what the core did for it, from the exit to the entry that answers it. A call during which the vCPU gave up its
/// pCPU stands between two such slices. Deliveries, faults and core events are instants.
///
/// Source: "Trace Event Format", the document that Perfetto's documentation of external formats refers to.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/trace/trace_text.hpp"

namespace assay::trace {

/// What somebody knows of a trace who knows what it was made for.
struct Captions {
  struct Remark {
    uint64_t now_ns;
    std::string words;
  };
  std::map<uint16_t, std::string> domains;  ///< names, by domid
  std::vector<Remark> remarks;              ///< on a track of their own
};

/// Writes it in pieces. Times are microseconds with the nanoseconds behind the point, exact below 2^53 ns (104 days).
void write_perfetto(const Trace& trace, const Sink& sink, const Captions& captions = {});

}  // namespace assay::trace
