/// Is told what happens on a machine, as it happens.
#pragma once

#include <cstdint>
#include <span>

#include "sim/port/port.h"

namespace assay {

/// Everything is valid during the call only. Watching changes nothing: the digest of a watched run is that of the same
/// run unwatched. Nothing may be done to the machine or its guests in there.
class MachineWatcher {
 public:
  virtual ~MachineWatcher() = default;
  /// The pCPU leaves what it runs, for the core. `run.regs` is null when it was idle.
  virtual void on_exit(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const assay_exit& exit) = 0;
  /// The core has decided what the pCPU runs from now on.
  virtual void on_entry(uint64_t now_ns, uint32_t pcpu, const assay_run& run) = 0;
  /// The core has suspended the machine, which has slept and is awake again.
  virtual void on_sleep(uint64_t /*from_ns*/, uint64_t /*until_ns*/) {}
  /// An event of the core's own trace.
  virtual void on_core_event(uint64_t now_ns, uint32_t pcpu, uint32_t id, std::span<const uint64_t> words) = 0;
};

}  // namespace assay
