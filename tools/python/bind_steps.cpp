#include <fmt/format.h>

#include <array>
#include <stdexcept>

#include "tools/python/bind.hpp"
#include "tools/python/python_side.hpp"

namespace assay::python {
namespace {

namespace py = pybind11;
using scenario::Step;

constexpr const char* kNames[] = {"compute", "spin", "sleep_until", "block", "yield_cpu", "poll", "send", "halt"};

Step::Kind kind_named(const std::string& name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<Step::Kind>(i);
  }
  throw std::invalid_argument("there is no step " + name);
}

}  // namespace

void bind_steps(py::module_& module) {
  py::class_<PythonStep>(module, "Step")
      .def(py::init([](const std::string& kind, uint64_t ns, uint32_t peer, bool from_now) {
             return PythonStep{{.kind = kind_named(kind), .ns = ns, .peer = peer}, from_now};
           }),
           py::arg("kind"), py::arg("ns") = 0, py::arg("peer") = 0, py::arg("from_now") = false)
      .def_property_readonly("kind", [](const PythonStep& step) { return kNames[static_cast<size_t>(step.step.kind)]; })
      .def_property_readonly("ns", [](const PythonStep& step) { return step.step.ns; })
      .def_property_readonly("peer", [](const PythonStep& step) { return step.step.peer; })
      .def_property_readonly("from_now", [](const PythonStep& step) { return step.is_from_now; })
      .def("__repr__", [](const PythonStep& step) {
        return fmt::format("<step {} ns={} peer={}>", kNames[static_cast<size_t>(step.step.kind)], step.step.ns,
                           step.step.peer);
      });
}

void bind_views(py::module_& module) {
  py::class_<Event>(module, "Event")
      .def_readonly("now_ns", &Event::now_ns)
      .def_readonly("kind", &Event::kind)
      .def_readonly("domain", &Event::domain)
      .def_readonly("vcpu", &Event::vcpu)
      .def_readonly("pcpu", &Event::pcpu)
      .def_readonly("pcpus", &Event::pcpus)
      .def("as_dict", &Event::as_dict)
      .def("__repr__", [](const Event& event) {
        return fmt::format("<event {} of {}.{} at {} ns>", event.kind, event.domain, event.vcpu, event.now_ns);
      });
  py::class_<Look, std::shared_ptr<Look>>(module, "View")
      .def_property_readonly("now_ns", &Look::now_ns)
      .def_property_readonly("pcpus", &Look::pcpus)
      .def("vcpu", &Look::vcpu, py::arg("domain"), py::arg("vcpu") = 0)
      .def("vcpus", &Look::vcpus);
}

}  // namespace assay::python
