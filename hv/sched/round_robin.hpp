/// The simplest honest policy: a queue per pCPU, equal slices, an idle pCPU takes work from the others.
#pragma once

#include "hv/base/arena.hpp"
#include "hv/sched/scheduler.hpp"

namespace hv {

constexpr Ns kRoundRobinSlice = 10 * kMillisecond;

struct RoundRobinDomain : PolicyDomain {
  uint16_t weight = 256;
  uint16_t cap = 0;
};

struct RoundRobinVcpu : PolicyVcpu {
  Vcpu* next = nullptr;  ///< run queue link
};

class RoundRobin final : public Scheduler {
 public:
  /// Null when the arena is full.
  static Scheduler* create();

  [[nodiscard]] const char* name() const override { return "round-robin"; }
  [[nodiscard]] uint32_t abi_id() const override;
  void destroy() override;
  Status add_pcpu(uint32_t) override { return kOk; }
  void remove_pcpu(uint32_t) override {}
  PolicyDomain* new_domain() override { return arena_new<RoundRobinDomain>(); }
  void free_domain(PolicyDomain& domain) override { arena_delete(static_cast<RoundRobinDomain*>(&domain)); }
  PolicyVcpu* new_vcpu(const Vcpu&, PolicyDomain&) override { return arena_new<RoundRobinVcpu>(); }
  void free_vcpu(PolicyVcpu& data) override { arena_delete(static_cast<RoundRobinVcpu*>(&data)); }
  void insert(Vcpu&) override {}
  void remove(Vcpu&) override {}
  Status put_domain(PolicyDomain& domain, const xen_domctl_scheduler_op& op) override;
  Status get_domain(const PolicyDomain& domain, xen_domctl_scheduler_op& op) const override;
  Status put_system(const SystemParameters& parameters) override;
  Status get_system(const SystemParameters& parameters) const override;
  void audit(AuditReport& report) const override;
  void wake(Vcpu& vcpu, WakeReason reason) override;
  void sleep(Vcpu& vcpu) override;
  Choice choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) override;

 private:
  struct Queue {
    Vcpu* head;
    Vcpu* tail;
    uint32_t length;
    Vcpu* current;   ///< null: idle
    Ns slice_start;  ///< of current
  };

  [[nodiscard]] bool idle(uint32_t pcpu) const { return queues_[pcpu].current == nullptr && queues_[pcpu].length == 0; }
  /// An idle pCPU of the vCPU's affinity, the last one first; otherwise the last one or the shortest queue.
  [[nodiscard]] uint32_t place(const Vcpu& vcpu) const;
  [[nodiscard]] static RoundRobinVcpu& of(const Vcpu& vcpu) { return *static_cast<RoundRobinVcpu*>(vcpu.sched); }
  void append(uint32_t pcpu, Vcpu& vcpu);
  void unqueue(Vcpu& vcpu);
  /// Head of the queue. A vCPU that has a reason not to run since it was queued, and is about to be taken off, goes
  /// now.
  Vcpu* first_waiting(uint32_t pcpu);
  /// First vCPU that waits elsewhere and may run here.
  Vcpu* steal(uint32_t pcpu);

  Queue* queues_ = nullptr;
  uint32_t pcpus_ = 0;
};

}  // namespace hv
