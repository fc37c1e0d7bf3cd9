#include "reports/results.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/scenario/scenario_run.hpp"
#include "tools/python/bind.hpp"
#include "tools/python/occupancy.hpp"
#include "tools/python/python_side.hpp"

namespace assay::python {
namespace {

namespace py = pybind11;
using scenario::Outcome;
using scenario::Scenario;

const char* verdict_of(Outcome::Kind kind) {
  static constexpr std::array<const char*, 5> kNames{"pass", "fail", "crash", "timeout", "skip"};
  return kNames.at(static_cast<size_t>(kind));
}

/// A scenario on its machine, seed after seed.
class Runner {
 public:
  Runner(std::shared_ptr<const Scenario> scenario, const std::string& core, const std::string& command_line)
      : scenario_(std::move(scenario)), runner_(*scenario_, core, command_line) {}

  py::dict run(uint64_t seed, const py::dict& workloads, const py::list& oracles, bool records) {
    PythonSide side(*scenario_, {workloads, oracles, records});
    py::list timeline;
    py::list events;
    Recorder recorder(side, timeline, events, records);
    const Outcome outcome = runner_.run(seed, &recorder);
    py::dict all;
    all["scenario"] = scenario_->name;
    all["seed"] = seed;
    all["verdict"] = verdict_of(outcome.kind);
    all["reason"] = outcome.reason;
    all["message"] = outcome.message;
    all["others"] = list_of(outcome.others);
    all["evidence"] = outcome.evidence;
    all["failed_ns"] = outcome.kind == Outcome::Kind::kFail ? py::object(py::int_(outcome.failed_ns)) : py::none();
    all["digest"] = hex64(outcome.digest);
    all["virtual_ns"] = outcome.virtual_ns;
    all["exits"] = outcome.exits;
    all["switches"] = outcome.switches;
    if (records) {
      all["events"] = events;
      all["timeline"] = timeline;
    }
    return all;
  }

 private:
  static py::list list_of(const std::vector<std::string>& texts) {
    py::list all;
    for (const std::string& text : texts) all.append(text);
    return all;
  }

  /// Takes the log while the machine is there: when the oracles are dismissed.
  class Recorder final : public scenario::Companion, private scenario::Oracle {
   public:
    Recorder(PythonSide& side, py::list& timeline, py::list& events, bool records)
        : Oracle("recorder"), side_(side), timeline_(timeline), events_(events), records_(records) {}
    std::vector<Oracle*> oracles(const scenario::Stage& stage) override {
      std::vector<Oracle*> all = side_.oracles(stage);
      if (records_) all.push_back(this);
      return all;
    }
    std::unique_ptr<scenario::Workload> workload(const scenario::Stage& stage, const scenario::DomainSpec& domain,
                                                 uint32_t vcpu, const Rng& rng) override {
      return side_.workload(stage, domain, vcpu, rng);
    }

   private:
    void end(const scenario::Schedule& /*schedule*/, uint64_t /*now_ns*/) override {
      timeline_ = side_.look().timeline(side_.log());
      events_ = side_.look().events(side_.log(), 0);
    }

    PythonSide& side_;
    py::list& timeline_;
    py::list& events_;
    bool records_;
  };

  std::shared_ptr<const Scenario> scenario_;
  scenario::ScenarioRunner runner_;
};

}  // namespace

void bind_scenarios(py::module_& module) {
  py::class_<Scenario, std::shared_ptr<Scenario>>(module, "Scenario")
      .def_readonly("name", &Scenario::name)
      .def_readonly("about", &Scenario::about)
      .def_readonly("pcpus", &Scenario::pcpus)
      .def_readonly("duration_ns", &Scenario::duration_ns)
      .def_readonly("liveness_ns", &Scenario::liveness_ns)
      .def_property_readonly("domains", [](const Scenario& scenario) {
        py::list all;
        for (const scenario::DomainSpec& domain : scenario.domains) {
          py::dict one;
          one["name"] = domain.name;
          one["vcpus"] = domain.vcpus.size();
          all.append(one);
        }
        return all;
      });
  module.def("read_scenario", [](const std::string& name, const std::string& text) {
    return std::make_shared<Scenario>(scenario::read_scenario(name, text));
  });
  module.def("read_scenario_file",
             [](const std::string& path) { return std::make_shared<Scenario>(scenario::read_scenario_file(path)); });
  using OneRunner = Occupying<Runner>;
  py::class_<OneRunner>(module, "Runner")
      .def(py::init([](std::shared_ptr<Scenario> scenario, const std::string& core, const std::string& command_line) {
        return std::make_unique<OneRunner>(std::move(scenario), core, command_line);
      }))
      .def("run", [](OneRunner& runner, uint64_t seed, const py::dict& workloads, const py::list& oracles,
                     bool records) { return (*runner).run(seed, workloads, oracles, records); })
      .def("close", &OneRunner::close);
}

}  // namespace assay::python
