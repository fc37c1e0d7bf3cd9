#include "tools/python/python_oracle.hpp"

#include <stdexcept>

#include "tools/python/errors.hpp"

namespace assay::python {
namespace {

namespace py = pybind11;
using scenario::ScheduleEvent;

py::object method(const py::object& of, const char* name) {
  return py::getattr(of, name, py::none());
}

std::string name_for(const py::object& oracle) {
  if (py::hasattr(oracle, "name")) return py::str(oracle.attr("name"));
  return py::str(py::type::of(oracle).attr("__name__"));
}

}  // namespace

PythonOracle::PythonOracle(py::object oracle, std::shared_ptr<Look> look, bool* stop)
    : Oracle(name_for(oracle)),
      oracle_(std::move(oracle)),
      on_event_(method(oracle_, "on_event")),
      at_end_(method(oracle_, "at_end")),
      look_(std::move(look)),
      stop_(stop) {
  if (on_event_.is_none() && at_end_.is_none()) {
    throw std::invalid_argument("oracle " + name() + " has neither on_event(event, view) nor at_end(view)");
  }
  wants_.fill(!on_event_.is_none());
  if (on_event_.is_none() || !py::hasattr(oracle_, "kinds")) return;
  wants_.fill(false);
  for (const py::handle kind : oracle_.attr("kinds")) {
    const std::string wanted = py::str(kind);
    bool is_known = false;
    for (size_t i = 0; i < kKinds; ++i) {
      if (wanted != name_of(static_cast<ScheduleEvent::Kind>(i))) continue;
      wants_.at(i) = is_known = true;
    }
    if (!is_known) throw std::invalid_argument("oracle " + name() + ": there is no kind of event '" + wanted + "'");
  }
}

template <typename Call>
void PythonOracle::judge(uint64_t now_ns, const ScheduleEvent* event, const Call& call) {
  try {
    call();
  } catch (py::error_already_set& raised) {
    if (!raised.matches(violation_type())) throw;
    const std::string words = py::str(raised.value());
    report(now_ns, event == nullptr ? scenario::kNoVcpu : event->vcpu, event == nullptr ? PcpuSet::kNone : event->pcpu,
           words);
    if (stop_ != nullptr) *stop_ = true;
  }
}

void PythonOracle::on(const ScheduleEvent& event, const scenario::Schedule& /*schedule*/) {
  if (violation() || !wants_.at(static_cast<size_t>(event.kind))) return;
  judge(event.now_ns, &event, [&] { on_event_(look_->event(event), look_); });
}

void PythonOracle::end(const scenario::Schedule& /*schedule*/, uint64_t now_ns) {
  if (violation() || at_end_.is_none()) return;
  judge(now_ns, nullptr, [&] { at_end_(look_); });
}

}  // namespace assay::python
