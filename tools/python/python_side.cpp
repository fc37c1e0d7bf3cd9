#include "tools/python/python_side.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "sim/input/nearest.hpp"
#include "tools/python/errors.hpp"
#include "tools/python/python_oracle.hpp"

namespace assay::python {
namespace {

namespace py = pybind11;

/// Asks a driver of assay/workload.py.
class PythonWorkload final : public scenario::Workload {
 public:
  PythonWorkload(py::object next, const scenario::Stage& stage) : next_(std::move(next)), stage_(stage) {}

  scenario::Step next(uint64_t now_ns) override {
    const uint64_t start = stage_.start_ns();
    PythonStep taken = next_(now_ns - start).cast<PythonStep>();
    const bool has_time =
        taken.step.kind == scenario::Step::Kind::kSleepUntil || taken.step.kind == scenario::Step::Kind::kPoll;
    if (has_time) taken.step.ns += taken.is_from_now ? now_ns : start;
    return taken.step;
  }

 private:
  py::object next_;
  const scenario::Stage& stage_;
};

}  // namespace

PythonSide::PythonSide(const scenario::Scenario& scenario, Wishes wishes)
    : names_(scenario), wishes_(std::move(wishes)) {
  std::set<std::string> known;
  for (const scenario::DomainSpec& domain : scenario.domains) known.insert({domain.name, domain.group});
  for (const auto& [key, value] : wishes_.workloads) {
    const std::string name = py::str(key);
    if (!known.contains(name)) {
      throw std::invalid_argument("workloads: there is no domain " + name + did_you_mean(nearest(known, name)));
    }
  }
}

PythonSide::~PythonSide() {
  forget();
}

void PythonSide::forget() {
  if (look_ != nullptr) look_->end();
  oracles_.clear();
  raised_ = 0;
  interruption_.reset();
}

std::vector<scenario::Oracle*> PythonSide::oracles(const scenario::Stage& stage) {
  forget();
  look_ = std::make_shared<Look>(stage, names_);
  log_ = std::make_unique<EventLog>(wishes_.records);
  log_->call_often([this] { poll_signals(); });
  std::vector<scenario::Oracle*> all{log_.get()};
  for (const py::handle make : wishes_.oracles) {
    oracles_.push_back(std::make_unique<PythonOracle>(make(), look_, stop_));
    all.push_back(oracles_.back().get());
  }
  return all;
}

std::unique_ptr<scenario::Workload> PythonSide::workload(const scenario::Stage& stage,
                                                         const scenario::DomainSpec& domain, uint32_t vcpu,
                                                         const Rng& rng) {
  for (const std::string& name : {domain.name, domain.group}) {
    if (!wishes_.workloads.contains(name.c_str())) continue;
    const uint64_t seed = rng.fork("python").next();
    const py::object driver = wishes_.workloads[name.c_str()](domain.name, vcpu, domain.vcpus.size(), seed);
    if (driver.is_none()) return nullptr;
    return std::make_unique<PythonWorkload>(driver.attr("next"), stage);
  }
  return nullptr;
}

void PythonSide::poll_signals() {
  if (PyErr_CheckSignals() == 0) return;
  if (stop_ == nullptr) throw py::error_already_set();
  interruption_.emplace();
  *stop_ = true;
}

void PythonSide::rethrow_interruption() {
  if (!interruption_) return;
  py::error_already_set interruption = std::move(*interruption_);
  interruption_.reset();
  throw interruption;
}

size_t PythonSide::violations() const {
  return static_cast<size_t>(
      std::ranges::count_if(oracles_, [](const auto& oracle) { return oracle->violation().has_value(); }));
}

void PythonSide::pass_over_violations() {
  raised_ = violations();
}

void PythonSide::raise_violation() {
  const size_t found = violations();
  if (found == raised_) return;
  raised_ = found;
  const scenario::Violation* last = nullptr;
  for (const auto& oracle : oracles_) {
    if (!oracle->violation()) continue;
    if (last == nullptr || oracle->violation()->now_ns >= last->now_ns) last = &*oracle->violation();
  }
  PyErr_SetString(violation_type().ptr(), (last->oracle + ": " + last->words).c_str());
  throw py::error_already_set();
}

}  // namespace assay::python
