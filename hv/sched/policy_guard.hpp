/// Holds the lock of a policy. Pools and their policies change, so whoever waited for a lock looks again whether it is
/// still the right one. When the lock was let go, the pCPUs that the policy has named are asked to choose anew.
#pragma once

#include "hv/sched/scheduler.hpp"

namespace hv {

class [[nodiscard]] PolicyGuard {
 public:
  explicit PolicyGuard(Scheduler& policy) : policy_(&policy) { policy_->lock().lock(); }
  /// The policy that has the vCPU.
  explicit PolicyGuard(const Vcpu& vcpu);
  ~PolicyGuard();
  PolicyGuard(const PolicyGuard&) = delete;
  PolicyGuard& operator=(const PolicyGuard&) = delete;

  Scheduler* operator->() const { return policy_; }

 private:
  Scheduler* policy_;
};

}  // namespace hv
