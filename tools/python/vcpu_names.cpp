#include "tools/python/vcpu_names.hpp"

#include <set>
#include <stdexcept>

#include "sim/input/nearest.hpp"

namespace assay::python {

VcpuNames::VcpuNames(const scenario::Scenario& scenario) : scenario_(scenario) {
  for (size_t domain = 0; domain < scenario.domains.size(); ++domain) {
    for (uint32_t vcpu = 0; vcpu < scenario.domains[domain].vcpus.size(); ++vcpu) {
      owners_.push_back(domain);
      ids_.push_back(vcpu);
    }
  }
}

scenario::VcpuIndex VcpuNames::index(const std::string& domain, uint32_t vcpu) const {
  scenario::VcpuIndex first = 0;
  std::set<std::string> known;
  for (const scenario::DomainSpec& spec : scenario_.domains) {
    if (spec.name != domain) {
      first += static_cast<scenario::VcpuIndex>(spec.vcpus.size());
      known.insert(spec.name);
      continue;
    }
    if (vcpu < spec.vcpus.size()) return first + vcpu;
    throw std::invalid_argument("domain " + domain + " has " + std::to_string(spec.vcpus.size()) +
                                " vCPUs, counted from 0; there is no vCPU " + std::to_string(vcpu));
  }
  throw std::invalid_argument("there is no domain " + domain + did_you_mean(nearest(known, domain)));
}

}  // namespace assay::python
