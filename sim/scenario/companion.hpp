/// Somebody who takes part in a run from outside: with oracles of his own, and with what vCPUs do.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/scenario/oracles/oracle.hpp"
#include "sim/scenario/workload.hpp"

namespace assay::scenario {

class Stage;

class Companion {
 public:
  Companion() = default;
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;
  virtual ~Companion() = default;
  /// They look from before the first domain is built until the end. They, and the stage, outlive the run.
  virtual std::vector<Oracle*> oracles(const Stage& stage) = 0;
  /// What a vCPU does; null: what the scenario says. It is asked for steps once the scenario has begun.
  virtual std::unique_ptr<Workload> workload(const Stage& stage, const DomainSpec& domain, uint32_t vcpu,
                                             const Rng& rng) = 0;
};

}  // namespace assay::scenario
