/// Which domain and vCPU an index of a schedule is, and back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/scenario/schedule.hpp"

namespace assay::python {

class VcpuNames {
 public:
  explicit VcpuNames(const scenario::Scenario& scenario);

  struct Name {
    const std::string& domain;
    uint32_t vcpu;
  };
  [[nodiscard]] Name of(scenario::VcpuIndex index) const {
    return {scenario_.domains[owners_[index]].name, ids_[index]};
  }
  /// Throws std::invalid_argument with the nearest names when there is no such domain, or no such vCPU of it.
  [[nodiscard]] scenario::VcpuIndex index(const std::string& domain, uint32_t vcpu) const;
  [[nodiscard]] scenario::VcpuIndex count() const { return static_cast<scenario::VcpuIndex>(owners_.size()); }

 private:
  const scenario::Scenario& scenario_;
  std::vector<size_t> owners_;  ///< by index
  std::vector<uint32_t> ids_;   ///< likewise
};

}  // namespace assay::python
