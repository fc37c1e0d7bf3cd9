/// A machine in the middle of a run, as Python sees it: time, vCPUs, and events in plain objects.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "sim/scenario/stage.hpp"
#include "tools/python/event_log.hpp"
#include "tools/python/vcpu_names.hpp"

namespace assay::python {

/// What happens, for an oracle. Times count from the beginning of the scenario.
struct Event {
  uint64_t now_ns;
  const char* kind;
  std::string domain;
  uint32_t vcpu;
  pybind11::object pcpu;   ///< int, or None
  pybind11::object pcpus;  ///< of may_run_on: a list; otherwise None
  [[nodiscard]] pybind11::dict as_dict() const;
};

/// Good until the run is over; then each call throws std::runtime_error.
class Look {
 public:
  Look(const scenario::Stage& stage, const VcpuNames& names) : stage_(&stage), names_(&names) {}
  void end() { stage_ = nullptr; }

  [[nodiscard]] uint64_t now_ns() const;
  [[nodiscard]] uint32_t pcpus() const;
  [[nodiscard]] pybind11::dict vcpu(const std::string& domain, uint32_t vcpu) const;
  [[nodiscard]] pybind11::list vcpus() const;
  [[nodiscard]] Event event(const scenario::ScheduleEvent& event) const;
  /// Those from `since_ns` on.
  [[nodiscard]] pybind11::list events(const EventLog& log, uint64_t since_ns) const;
  [[nodiscard]] pybind11::list last_events(const EventLog& log, uint64_t how_many) const;
  [[nodiscard]] pybind11::list timeline(const EventLog& log) const;

 private:
  [[nodiscard]] const scenario::Stage& stage() const;
  [[nodiscard]] uint64_t since_start(uint64_t now_ns) const;
  [[nodiscard]] pybind11::dict describe(scenario::VcpuIndex index, const scenario::TimeAccounting::Area& area) const;

  const scenario::Stage* stage_;
  const VcpuNames* names_;
};

/// The ways a scenario::ScheduleEvent is called in Python, in the order of its kinds.
const char* name_of(scenario::ScheduleEvent::Kind kind);

}  // namespace assay::python
