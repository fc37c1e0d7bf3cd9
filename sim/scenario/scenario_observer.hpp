/// Is told what a scenario does, as it happens. Looking on changes nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "sim/engine/machine_watcher.hpp"
#include "sim/scenario/schedule.hpp"

namespace assay::scenario {

class ScenarioObserver {
 public:
  enum class Notice : uint8_t {
    kSignal,  ///< somebody sends it an event
    kTimer,   ///< its timer is due
    kYield,   ///< it gives way
  };
  enum class Late : uint8_t { kSignal, kTimer };

  virtual ~ScenarioObserver() = default;
  /// Times of all calls count from the machine's start; the scenario's own begins here.
  virtual void on_begin(uint64_t now_ns) = 0;
  /// A domain exists, once more perhaps; vCPU 0 of it is `first`.
  virtual void on_domain(uint16_t domid, VcpuIndex first) = 0;
  virtual void on_schedule(const ScheduleEvent& event) = 0;
  virtual void on_notice(uint64_t now_ns, VcpuIndex vcpu, Notice notice) = 0;
  /// The scenario does something to the machine, in its own words.
  virtual void on_action(uint64_t now_ns, std::string_view words) = 0;
  /// A fault of the hardware: what `pcpu` waits for comes `late_ns` too late.
  virtual void on_late(uint64_t now_ns, uint32_t pcpu, Late what, uint64_t late_ns) = 0;
  /// A promise was broken at `now_ns`, which may be long ago; kNoVcpu and PcpuSet::kNone: by nobody in particular.
  virtual void on_violation(uint64_t now_ns, VcpuIndex vcpu, uint32_t pcpu, std::string_view words) = 0;
  virtual void on_end(uint64_t now_ns) = 0;
};

/// Who looks on while a scenario is played; each may be null.
struct Onlookers {
  MachineWatcher* machine = nullptr;
  ScenarioObserver* scenario = nullptr;
};

}  // namespace assay::scenario
