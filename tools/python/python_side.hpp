/// What Python adds to a run: workloads and oracles, which begin afresh with each run.
#pragma once

#include <pybind11/pybind11.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/scenario/companion.hpp"
#include "tools/python/event_log.hpp"
#include "tools/python/look.hpp"
#include "tools/python/vcpu_names.hpp"

namespace assay::python {

/// A step of a workload as Python names it. Times of a machine count from the beginning of the scenario.
struct PythonStep {
  scenario::Step step;
  bool is_from_now = false;  ///< `step.ns` counts from now on
};

class PythonSide final : public scenario::Companion {
 public:
  struct Wishes {
    pybind11::dict workloads;  ///< a domain's name, or that of several, to what makes a driver: see assay/workload.py
    pybind11::list oracles;    ///< what makes an oracle, called without arguments
    bool records = false;
  };
  /// `scenario` outlives it. Throws std::invalid_argument for a workload of a domain that there is not.
  PythonSide(const scenario::Scenario& scenario, Wishes wishes);
  ~PythonSide() override;

  std::vector<scenario::Oracle*> oracles(const scenario::Stage& stage) override;
  std::unique_ptr<scenario::Workload> workload(const scenario::Stage& stage, const scenario::DomainSpec& domain,
                                               uint32_t vcpu, const Rng& rng) override;

  /// Where the machine stops by itself: at a violation, and when the user interrupts. Without one, a run goes on after
  /// a violation, and an interruption is thrown.
  void stop_by(bool& flag) { stop_ = &flag; }
  [[nodiscard]] EventLog& log() { return *log_; }
  [[nodiscard]] const Look& look() const { return *look_; }
  /// Throws what interrupted.
  void rethrow_interruption();
  /// Throws assay.Violation, once for each that was found since.
  void raise_violation();
  /// As if they had been raised.
  void pass_over_violations();

 private:
  void poll_signals();
  void forget();
  [[nodiscard]] size_t violations() const;

  VcpuNames names_;
  Wishes wishes_;
  bool* stop_ = nullptr;
  std::shared_ptr<Look> look_;
  std::unique_ptr<EventLog> log_;
  std::vector<std::unique_ptr<scenario::Oracle>> oracles_;
  size_t raised_ = 0;  ///< violations
  std::optional<pybind11::error_already_set> interruption_;
};

}  // namespace assay::python
