#include "reports/results.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "tools/python/bind.hpp"
#include "tools/python/occupancy.hpp"
#include "tools/python/staged_machine.hpp"

namespace assay::python {
namespace {

namespace py = pybind11;
using OneMachine = Occupying<StagedMachine>;

/// The only action of a scenario with the same domains: so it is checked as any other.
scenario::Action only_action(const std::string& text) {
  return scenario::read_scenario("action", text).actions.at(0);
}

void bind_running(py::class_<OneMachine>& machine) {
  machine.def("run", [](OneMachine& one, uint64_t ns) { (*one).run(ns); })
      .def("step",
           [](OneMachine& one, uint64_t within_ns) {
             const uint64_t events = (*one).step(within_ns);
             PythonSide& side = (*one).side();
             return side.look().last_events(side.log(), events);
           })
      .def("perform", [](OneMachine& one, const std::string& text) { (*one).perform(only_action(text)); })
      .def("snapshot", [](OneMachine& one) { return (*one).snapshot(); })
      .def("go_back", [](OneMachine& one, const StagedMachine::Snapshot& snapshot) { (*one).go_back(snapshot); })
      .def("close", &OneMachine::close);
}

void bind_questions(py::class_<OneMachine>& machine) {
  const auto look = [](OneMachine& one) -> const Look& { return (*one).side().look(); };
  machine.def_property_readonly("now_ns", [look](OneMachine& one) { return look(one).now_ns(); })
      .def_property_readonly("pcpus", [look](OneMachine& one) { return look(one).pcpus(); })
      .def_property_readonly("digest", [](OneMachine& one) { return hex64((*one).digest()); })
      .def_property_readonly("exits", [](OneMachine& one) { return (*one).exits(); })
      .def_property_readonly("switches", [](OneMachine& one) { return (*one).switches(); })
      .def_property_readonly("console", [](OneMachine& one) { return (*one).console(); })
      .def_property_readonly("events_dropped", [](OneMachine& one) { return (*one).side().log().dropped(); })
      .def("describe", [](OneMachine& one) { return (*one).describe(); })
      .def("vcpu",
           [look](OneMachine& one, const std::string& domain, uint32_t vcpu) { return look(one).vcpu(domain, vcpu); })
      .def("vcpus", [look](OneMachine& one) { return look(one).vcpus(); })
      .def("events",
           [look](OneMachine& one, uint64_t since_ns) { return look(one).events((*one).side().log(), since_ns); })
      .def("timeline", [look](OneMachine& one) { return look(one).timeline((*one).side().log()); });
}

}  // namespace

void bind_machines(py::module_& module) {
  using Snapshot = StagedMachine::Snapshot;
  py::class_<Snapshot>(module, "Snapshot")
      .def_property_readonly("digest", [](const Snapshot& snapshot) { return hex64(snapshot.digest()); })
      .def_property_readonly("now_ns", &Snapshot::now_ns);
  py::class_<OneMachine> machine(module, "Machine");
  machine.def(py::init([](const std::string& text, const std::string& core, const std::string& command_line,
                          uint64_t seed, const py::dict& workloads, const py::list& oracles) {
    return std::make_unique<OneMachine>(scenario::read_scenario("machine", text), core, command_line, seed,
                                        PythonSide::Wishes{workloads, oracles, true});
  }));
  bind_running(machine);
  bind_questions(machine);
}

}  // namespace assay::python
