#include "conformance/guest/cpu_policies.hpp"

#include <algorithm>

namespace assay {

void CpuPolicyOps::untouched() const {
  for (const Scratch* memory : {&leaves_, &msrs_}) {
    if (memory->vcpu().fill(memory->va(), kPageSize, kUntouchedByte)) throw HarnessFault("cannot prepare the buffers");
  }
}

Called<xen_domctl_t> CpuPolicyOps::get(DomId dom, uint32_t leaves, uint32_t msrs, bool with_buffers) {
  untouched();
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_get_cpu_policy, dom);
  request.u.cpu_policy.nr_leaves = leaves;
  request.u.cpu_policy.nr_msrs = msrs;
  set_handle(request.u.cpu_policy.leaves, with_buffers ? leaves_.va() : Gva{0});
  set_handle(request.u.cpu_policy.msrs, with_buffers ? msrs_.va() : Gva{0});
  return domctl_.call(request);
}

Called<xen_domctl_t> CpuPolicyOps::set(DomId dom, const std::vector<xen_cpuid_leaf_t>& leaves,
                                       const std::vector<xen_msr_entry_t>& msrs) {
  for (size_t i = 0; i < leaves.size(); ++i) leaves_.put(leaves[i], i * sizeof(xen_cpuid_leaf_t));
  for (size_t i = 0; i < msrs.size(); ++i) msrs_.put(msrs[i], i * sizeof(xen_msr_entry_t));
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_cpu_policy, dom);
  request.u.cpu_policy.nr_leaves = static_cast<uint32_t>(leaves.size());
  request.u.cpu_policy.nr_msrs = static_cast<uint32_t>(msrs.size());
  set_handle(request.u.cpu_policy.leaves, leaves_.va());
  set_handle(request.u.cpu_policy.msrs, msrs_.va());
  return domctl_.call(request);
}

Called<xen_sysctl_t> CpuPolicyOps::machine(uint32_t index, uint32_t leaves, uint32_t msrs, bool with_buffers,
                                           uint32_t reserved) {
  untouched();
  xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_get_cpu_policy);
  request.u.cpu_policy.index = index;
  request.u.cpu_policy.nr_leaves = leaves;
  request.u.cpu_policy.nr_msrs = msrs;
  request.u.cpu_policy._rsvd = reserved;
  set_handle(request.u.cpu_policy.leaves, with_buffers ? leaves_.va() : Gva{0});
  set_handle(request.u.cpu_policy.msrs, with_buffers ? msrs_.va() : Gva{0});
  return sysctl_.call(request);
}

std::vector<xen_cpuid_leaf_t> CpuPolicyOps::leaves_of(DomId dom) {
  const auto got = get(dom, kLeavesMax, kMsrsMax);
  if (got.result != 0) throw HarnessFault("get_cpu_policy returned " + std::to_string(got.result));
  return leaves(got.arg.u.cpu_policy.nr_leaves);
}

xen_cpuid_leaf_t* find_leaf(std::vector<xen_cpuid_leaf_t>& leaves, uint32_t leaf, uint32_t subleaf) {
  const auto found = std::ranges::find_if(
      leaves, [&](const xen_cpuid_leaf_t& entry) { return entry.leaf == leaf && entry.subleaf == subleaf; });
  return found == leaves.end() ? nullptr : &*found;
}

}  // namespace assay
