/// Parameters of the policy that a domain's pool has: XEN_DOMCTL_scheduler_op and XEN_SYSCTL_scheduler_op.
#include "hv/hypercall/domctl.hpp"
#include "hv/hypercall/scratch.hpp"
#include "hv/hypercall/sysctl.hpp"
#include "hv/sched/policy_guard.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

constexpr uint32_t kVcpusBetweenChecks = 64;

Status one_vcpu(Domctl& ctl, Scheduler& policy, Gva at, bool put) {
  xen_domctl_schedparam_vcpu_t element;
  if (!read_guest(ctl.call.space(), element, at)) return fail(XEN_EFAULT);
  Vcpu* vcpu = ctl.vcpu(element.vcpuid);
  if (vcpu == nullptr) return fail(XEN_EINVAL);
  {
    const PolicyGuard guard(policy);
    const Status status = put ? policy.put_vcpu(*vcpu, element) : policy.get_vcpu(*vcpu, element);
    if (!status.ok()) return status;
  }
  return put || write_guest(ctl.call.space(), at, element) ? kOk : fail(XEN_EFAULT);
}

/// Stops early when something else has to be done: the caller sees how far it got, and goes on from there.
Status each_vcpu(Domctl& ctl, Scheduler& policy, bool put) {
  if (!policy.has_vcpu_parameters()) return fail(XEN_EINVAL);
  auto& list = ctl.op.u.scheduler_op.u.v;
  const Gva array = handle_address(list.vcpus);
  uint32_t done = 0;
  Status status = kOk;
  while (done < list.nr_vcpus) {
    status = one_vcpu(ctl, policy, array + uint64_t{done} * sizeof(xen_domctl_schedparam_vcpu_t), put);
    if (!status.ok()) break;
    ++done;
    if (done % kVcpusBetweenChecks == 0 && ctl.call.preempt_needed()) break;
  }
  if (status.ok()) list.nr_vcpus = done;
  return status;
}

/// The schedule that the argument points to, on its way in and out. Null handle or no such policy: none.
class Schedule {
 public:
  Schedule(const Sysctl& ctl, const xen_sysctl_scheduler_op& op) : space_(ctl.call.space()) {
    if (op.sched_id == XEN_SCHEDULER_ARINC653) at_ = handle_address(op.u.sched_arinc653.schedule);
    wanted_ = op.sched_id == XEN_SCHEDULER_ARINC653;
  }
  [[nodiscard]] bool read() { return !wanted_ || read_guest(space_, schedule_, at_); }
  [[nodiscard]] bool write() const { return !wanted_ || write_guest(space_, at_, schedule_); }
  [[nodiscard]] xen_sysctl_arinc653_schedule_t* get() { return wanted_ ? &schedule_ : nullptr; }

 private:
  AddressSpace space_;
  Gva at_{};
  bool wanted_ = false;
  xen_sysctl_arinc653_schedule_t schedule_{};
};

}  // namespace

/// EINVAL: another scheduler than the domain's, or an unknown command.
int64_t domctl_scheduler_op(Domctl& ctl) {
  xen_domctl_scheduler_op& op = ctl.op.u.scheduler_op;
  SchedDomain& domain = ctl.target().sched;
  Scheduler& policy = *domain.pool->policy;
  if (op.sched_id != policy.abi_id()) return -XEN_EINVAL;
  ctl.copy_back = true;
  switch (op.cmd) {
    case XEN_DOMCTL_SCHEDOP_putinfo: {
      const PolicyGuard guard(policy);
      return policy.put_domain(*domain.data, op).raw();
    }
    case XEN_DOMCTL_SCHEDOP_getinfo: {
      const PolicyGuard guard(policy);
      return policy.get_domain(*domain.data, op).raw();
    }
    case XEN_DOMCTL_SCHEDOP_putvcpuinfo:
    case XEN_DOMCTL_SCHEDOP_getvcpuinfo:
      return each_vcpu(ctl, policy, op.cmd == XEN_DOMCTL_SCHEDOP_putvcpuinfo).raw();
    default:
      return -XEN_EINVAL;
  }
}

/// Errors, in order: ESRCH no such pool; EINVAL another scheduler, or an unknown command; EFAULT; the policy's own.
int64_t sysctl_scheduler_op(Sysctl& ctl) {
  xen_sysctl_scheduler_op& op = ctl.op.u.scheduler_op;
  const CpuPool* pool = cpupool_by_id(op.cpupool_id);
  if (pool == nullptr) return -XEN_ESRCH;
  if (op.sched_id != pool->policy->abi_id()) return -XEN_EINVAL;
  if (op.cmd != XEN_SYSCTL_SCHEDOP_putinfo && op.cmd != XEN_SYSCTL_SCHEDOP_getinfo) return -XEN_EINVAL;
  const bool put = op.cmd == XEN_SYSCTL_SCHEDOP_putinfo;
  Schedule schedule(ctl, op);
  if (put && !schedule.read()) return -XEN_EFAULT;
  Status status = kOk;
  {
    const PolicyGuard guard(*pool->policy);
    const SystemParameters parameters{op, schedule.get()};
    status = put ? pool->policy->put_system(parameters) : pool->policy->get_system(parameters);
  }
  if (!status.ok()) return status.raw();
  if (!put && !schedule.write()) return -XEN_EFAULT;
  ctl.copy_back = true;
  return 0;
}

}  // namespace hv
