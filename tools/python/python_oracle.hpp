/// An oracle whose methods are written in Python.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <memory>
#include <string>

#include "sim/scenario/oracles/oracle.hpp"
#include "tools/python/look.hpp"

namespace assay::python {

class PythonOracle final : public scenario::Oracle {
 public:
  /// `oracle` may have on_event(event, view), at_end(view), `kinds` (of events that it wants to see) and `name`.
  /// `stop`, when there is one, is set by a violation. Throws std::invalid_argument when it could see nothing.
  PythonOracle(pybind11::object oracle, std::shared_ptr<Look> look, bool* stop);
  void on(const scenario::ScheduleEvent& event, const scenario::Schedule& schedule) override;
  void end(const scenario::Schedule& schedule, uint64_t now_ns) override;

 private:
  static constexpr size_t kKinds = 9;
  template <typename Call>
  void judge(uint64_t now_ns, const scenario::ScheduleEvent* event, const Call& call);

  pybind11::object oracle_;
  pybind11::object on_event_;
  pybind11::object at_end_;
  std::shared_ptr<Look> look_;
  bool* stop_;
  std::array<bool, kKinds> wants_{};
};

}  // namespace assay::python
