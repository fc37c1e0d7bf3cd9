/// CPU policies: of a domain (XEN_DOMCTL_{get,set}_cpu_policy) and of the machine (XEN_SYSCTL_get_cpu_policy).
#include "hv/domain/cpu_policy.hpp"

#include "hv/hypercall/domctl.hpp"
#include "hv/hypercall/scratch.hpp"
#include "hv/hypercall/sysctl.hpp"

namespace hv {

namespace {

/// Leaves to a list that has room for `count`; without a list, the most that there can be.
/// ENOBUFS: it is too short, and then holds as many as there was room for. `count` is set on success.
Status leaves_out(Call& call, const CpuPolicy& policy, Gva to, uint32_t& count) {
  if (to == Gva{}) {
    count = kPolicyLeavesMax;
    return kOk;
  }
  const uint32_t leaves = policy_leaves(policy);
  for (uint32_t i = 0; i < leaves; ++i) {
    if (i == count) return fail(XEN_ENOBUFS);
    if (!write_guest(call.space(), to + i * sizeof(xen_cpuid_leaf_t), policy_leaf(policy, i))) return fail(XEN_EFAULT);
  }
  count = leaves;
  return kOk;
}

Status msrs_out(Call& call, Gva to, uint32_t& count) {
  if (to == Gva{}) {
    count = kPolicyMsrsMax;
    return kOk;
  }
  for (uint32_t i = 0; i < kPolicyMsrsMax; ++i) {
    if (i == count) return fail(XEN_ENOBUFS);
    if (!write_guest(call.space(), to + i * sizeof(xen_msr_entry_t), policy_msr(i))) return fail(XEN_EFAULT);
  }
  count = kPolicyMsrsMax;
  return kOk;
}

Status leaves_in(Call& call, xen_domctl_cpu_policy& op, CpuPolicy& policy) {
  if (op.nr_leaves > kPolicyLeavesMax) return fail(XEN_E2BIG);
  for (uint32_t i = 0; i < op.nr_leaves; ++i) {
    xen_cpuid_leaf_t leaf;
    const Gva at = handle_address(op.leaves) + i * sizeof leaf;
    if (!read_guest(call.space(), leaf, at)) return fail(XEN_EFAULT);
    if (const Status status = put_policy_leaf(policy, leaf); !status.ok()) {
      op.err_leaf = leaf.leaf, op.err_subleaf = leaf.subleaf;
      return status;
    }
  }
  return kOk;
}

Status msrs_in(Call& call, xen_domctl_cpu_policy& op, bool is_hvm) {
  if (op.nr_msrs > kPolicyMsrsMax) return fail(XEN_E2BIG);
  for (uint32_t i = 0; i < op.nr_msrs; ++i) {
    xen_msr_entry_t entry;
    if (!read_guest(call.space(), entry, handle_address(op.msrs) + i * sizeof entry)) return fail(XEN_EFAULT);
    if (const Status status = check_policy_msr(entry, is_hvm); !status.ok()) {
      op.err_msr = entry.idx;
      return status;
    }
  }
  return kOk;
}

/// What is wrong is told in `op`; on error nothing changes.
Status take_policy(Call& call, xen_domctl_cpu_policy& op, Domain& domain) {
  CpuPolicy wanted = domain.cpu_policy;
  op.err_leaf = op.err_subleaf = op.err_msr = ~uint32_t{0};
  if (const Status status = leaves_in(call, op, wanted); !status.ok()) return status;
  if (const Status status = msrs_in(call, op, domain.kind == GuestKind::kHvm); !status.ok()) return status;
  uint32_t leaf = 0, subleaf = 0;
  if (const Status status = check_policy(wanted, leaf, subleaf); !status.ok()) {
    op.err_leaf = leaf, op.err_subleaf = subleaf;
    return status;
  }
  level_policy(wanted);
  domain.cpu_policy = wanted;
  return kOk;
}

}  // namespace

int64_t domctl_get_cpu_policy(Domctl& ctl) {
  xen_domctl_cpu_policy& op = ctl.op.u.cpu_policy;
  const CpuPolicy& policy = ctl.target().cpu_policy;
  if (const Status status = leaves_out(ctl.call, policy, handle_address(op.leaves), op.nr_leaves); !status.ok()) {
    return status.raw();
  }
  if (const Status status = msrs_out(ctl.call, handle_address(op.msrs), op.nr_msrs); !status.ok()) return status.raw();
  ctl.copy_back = true;
  return 0;
}

int64_t domctl_set_cpu_policy(Domctl& ctl) {
  if (ctl.on_self()) return -XEN_EINVAL;
  if (ctl.target().creation_finished) return -XEN_EEXIST;  // a guest may have seen it
  const Status status = take_policy(ctl.call, ctl.op.u.cpu_policy, ctl.target());
  ctl.copy_back = !status.ok();
  return status.raw();
}

int64_t sysctl_get_cpu_policy(Sysctl& ctl) {
  xen_sysctl_cpu_policy& op = ctl.op.u.cpu_policy;
  if (op.index > XEN_SYSCTL_cpu_policy_hvm_default || op._rsvd != 0) return -XEN_EINVAL;
  const CpuPolicy policy = machine_cpu_policy();
  ctl.copy_back = true;
  if (const Status status = leaves_out(ctl.call, policy, handle_address(op.leaves), op.nr_leaves); !status.ok()) {
    return status.raw();
  }
  return msrs_out(ctl.call, handle_address(op.msrs), op.nr_msrs).raw();
}

}  // namespace hv
