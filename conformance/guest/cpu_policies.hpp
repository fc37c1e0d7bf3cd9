/// CPU policies of domains and of the machine, as a control domain gets and sets them.
#pragma once

#include <vector>

#include "conformance/guest/control_ops.hpp"

namespace assay {

class CpuPolicyOps {
 public:
  explicit CpuPolicyOps(Vcpu& vcpu) : domctl_(vcpu), sysctl_(vcpu), leaves_(vcpu, kLeafPages), msrs_(vcpu) {}

  static constexpr uint32_t kLeavesMax = 4 * kPageSize / sizeof(xen_cpuid_leaf_t);
  static constexpr uint32_t kMsrsMax = kPageSize / sizeof(xen_msr_entry_t);

  /// get_cpu_policy of a domain with room for so many; null handles when `with_buffers` is false.
  Called<xen_domctl_t> get(DomId dom, uint32_t leaves, uint32_t msrs, bool with_buffers = true);
  Called<xen_domctl_t> set(DomId dom, const std::vector<xen_cpuid_leaf_t>& leaves,
                           const std::vector<xen_msr_entry_t>& msrs = {});
  /// The same of the machine.
  Called<xen_sysctl_t> machine(uint32_t index, uint32_t leaves, uint32_t msrs, bool with_buffers = true,
                               uint32_t reserved = 0);

  /// What the last call left in the buffers.
  [[nodiscard]] std::vector<xen_cpuid_leaf_t> leaves(uint32_t count) const {
    return list<xen_cpuid_leaf_t>(leaves_, count);
  }
  [[nodiscard]] std::vector<xen_msr_entry_t> msrs(uint32_t count) const { return list<xen_msr_entry_t>(msrs_, count); }
  /// All leaves of a domain's policy; HarnessFault when there are none.
  std::vector<xen_cpuid_leaf_t> leaves_of(DomId dom);

 private:
  static constexpr uint64_t kLeafPages = 4;
  template <typename T>
  static std::vector<T> list(const Scratch& memory, uint32_t count) {
    std::vector<T> read;
    for (uint32_t i = 0; i < count; ++i) read.push_back(memory.get<T>(i * sizeof(T)));
    return read;
  }
  void untouched() const;

  DomctlOps domctl_;
  SysctlOps sysctl_;
  Scratch leaves_, msrs_;
};

/// The one for `leaf` and `subleaf`; null when there is none.
xen_cpuid_leaf_t* find_leaf(std::vector<xen_cpuid_leaf_t>& leaves, uint32_t leaf,
                            uint32_t subleaf = XEN_CPUID_NO_SUBLEAF);

}  // namespace assay
