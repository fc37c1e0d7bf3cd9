/// Everything about a simulated machine that is neither its memory, nor the core's own, nor printed by it: a value that
/// can be copied.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/engine/guest_executor.hpp"
#include "sim/engine/guest_table.hpp"
#include "sim/engine/machine_digest.hpp"
#include "sim/engine/pcpu_set.hpp"
#include "sim/port/port.h"

namespace assay {

struct PcpuState {
  static constexpr uint64_t kNobody = ~0ull;

  assay_run run{};
  assay_exit exit{};
  GuestExecutor* guest = nullptr;  ///< who executes what `run` says; null for idle and for vCPUs nobody executes
  uint64_t timer_ns = ASSAY_NEVER;
  uint64_t signal_ns = ASSAY_NEVER;  ///< when a signal that is under way arrives
  uint64_t wait_ns = ASSAY_NEVER;    ///< when the guest wants to go on by itself
  uint64_t bound_key = kNobody;      ///< domain and vCPU that `guest` was looked up for
  const void* wanted_lock = nullptr;
  bool in_core = false;  ///< its fiber is inside the core: running, or stopped at a scheduling point
  bool has_entered = false;
};

/// One line of the recent past, for failure reports.
struct TraceEntry {
  enum class Kind : uint8_t { kExit, kCore };
  uint64_t now_ns = 0;
  Kind kind = Kind::kExit;
  uint32_t pcpu = 0;
  uint32_t id = 0;  ///< exit reason, or the core's event
  uint16_t domid = 0;
  uint32_t vcpu = 0;
  std::array<uint64_t, 3> words{};
};

struct MachineState {
  static constexpr size_t kTraceEntries = 128;

  uint64_t now_ns = 0;
  uint64_t next_event_ns = ASSAY_NEVER;  ///< no later than the next timer, time slice or wait; may be too early
  uint64_t exits = 0;
  MachineDigest digest;
  PcpuSet ready;        ///< pCPUs that can take a step now
  PcpuSet interrupted;  ///< those of them that have an interrupt to take first
  uint32_t last_pcpu = 0;
  uint32_t inside = 0;  ///< pCPUs in the core
  std::vector<PcpuState> pcpus;
  GuestTable guests;
  std::string console_input;
  std::array<TraceEntry, kTraceEntries> trace{};
  uint64_t trace_count = 0;
};

}  // namespace assay
