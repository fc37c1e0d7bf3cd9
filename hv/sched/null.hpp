/// null: a vCPU has a pCPU for itself, and keeps it until it goes offline, leaves, or may not run there any more. Who
/// finds none waits, first come first served, until one becomes free. There are no slices, and no parameters.
/// Source: docs/misc/xen-command-line, sched=null; public/domctl.h, XEN_SCHEDULER_NULL.
#pragma once

#include "hv/base/arena.hpp"
#include "hv/base/ordered.hpp"
#include "hv/sched/scheduler.hpp"

namespace hv {

/// The node is in the wait queue, where all keys are equal: the order is that of arrival.
struct NullVcpu : PolicyUnit, OrderedNode {
  static constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t assigned = kNone;  ///< the pCPU that it has
  bool queued = false;
};

class NullScheduler final : public Scheduler {
 public:
  static Scheduler* create();

  [[nodiscard]] const char* name() const override { return "null Scheduler (null)"; }
  [[nodiscard]] uint32_t abi_id() const override { return XEN_SCHEDULER_NULL; }
  void destroy() override;
  Status add_pcpu(uint32_t) override { return kOk; }
  void remove_pcpu(uint32_t pcpu) override;
  PolicyDomain* new_domain() override { return arena_new<PolicyDomain>(); }
  void free_domain(PolicyDomain& domain) override { arena_delete(&domain); }
  PolicyUnit* new_unit(const Vcpu&, PolicyDomain&) override { return arena_new<NullVcpu>(); }
  void free_unit(PolicyUnit& data) override { arena_delete(static_cast<NullVcpu*>(&data)); }
  void insert(Vcpu&) override {}
  void remove(Vcpu& vcpu) override;
  void wake(Vcpu& vcpu, WakeReason reason) override;
  void sleep(Vcpu& vcpu) override;
  void affinity_changed(Vcpu& vcpu) override;
  Choice choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) override;
  Status put_domain(PolicyDomain&, const xen_domctl_scheduler_op&) override { return kOk; }
  Status get_domain(const PolicyDomain&, xen_domctl_scheduler_op&) const override { return kOk; }
  // The pool has no parameters: there is nothing to set or to read, and that is no error.
  Status put_system(const SystemParameters&) override { return kOk; }
  Status get_system(const SystemParameters&) const override { return kOk; }
  void audit(AuditReport& report) const override;

 private:
  [[nodiscard]] static NullVcpu& of(const Vcpu& vcpu) { return *static_cast<NullVcpu*>(vcpu.sched); }

  /// A pCPU that nobody has: one of its soft affinity if there is one, the last one first; kNone: none.
  [[nodiscard]] uint32_t free_pcpu(const Vcpu& vcpu) const;
  void assign(NullVcpu& data, uint32_t pcpu);
  /// Whoever has waited longest for that pCPU gets it.
  void deassign(NullVcpu& data);
  [[nodiscard]] NullVcpu* next_for(uint32_t pcpu) const;
  void dequeue(NullVcpu& data);
  /// What is left of `current`, which its pCPU has run until now.
  void settle(Vcpu& current);

  NullVcpu** assigned_ = nullptr;  ///< for each pCPU of the machine who has it, or null
  uint32_t machine_pcpus_ = 0;
  OrderedSet waiting_;  ///< runnable, without a pCPU
};

}  // namespace hv
