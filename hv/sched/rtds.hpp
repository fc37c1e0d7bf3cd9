/// RTDS: deferrable servers under global EDF. A vCPU has a budget in each period; it burns while the vCPU runs, and
/// what is left at the end of the period is lost. Those with budget run by the deadline of their period, the earliest
/// first, on any pCPU of the pool. One without budget is parked until its next period, unless it may have extra time:
/// then it goes on with another budget, a priority level below: behind all whose level is higher.
/// Source: xl(1), sched-rtds; docs/features/sched_rtds; public/domctl.h, xen_domctl_sched_rtds.
#pragma once

#include "hv/base/arena.hpp"
#include "hv/base/ordered.hpp"
#include "hv/sched/scheduler.hpp"

namespace hv {

constexpr Ns kMicrosecond = 1000;
constexpr Ns kRtdsDefaultPeriod = 10 * kMillisecond;
constexpr Ns kRtdsDefaultBudget = 4 * kMillisecond;
/// Below it deciding would take all the time. The upper limit is that of the 32-bit field.
constexpr Ns kRtdsPeriodMin = 10 * kMicrosecond;
constexpr Ns kRtdsBudgetMin = 10 * kMicrosecond;
constexpr uint32_t kRtdsLevelMax = 0x7fff;  ///< who gets that far stays there until its next period

/// In the set of those that will get a new budget, by the end of their period: whoever waits or runs.
struct RtdsReplenishment : OrderedNode {};
/// In the queue of those that have budget, and wait.
struct RtdsReady : OrderedNode {};

/// In the set of its domain's vCPUs.
struct RtdsMember : OrderedNode {};

struct RtdsDomain : PolicyDomain {
  OrderedSet vcpus;
};

struct RtdsVcpu : PolicyUnit, RtdsReplenishment, RtdsReady, RtdsMember {
  Ns period = kRtdsDefaultPeriod;
  Ns budget = kRtdsDefaultBudget;
  bool extratime = true;

  Ns deadline = 0;              ///< end of the period
  Ns left = 0;                  ///< of its budget, at its level
  uint32_t level = 0;           ///< how often extra time gave it another budget in this period: 0 goes first
  Ns charged_at = 0;            ///< while it runs
  OrderedSet* queue = nullptr;  ///< null: it is not ready, or runs
  bool replenishing = false;
  RtdsVcpu* next = nullptr;  ///< in the list of those that are replenished now

  [[nodiscard]] bool depleted() const { return left == 0; }
};

class Rtds final : public Scheduler {
 public:
  static Scheduler* create();

  [[nodiscard]] const char* name() const override { return "SMP RTDS Scheduler (rtds)"; }
  [[nodiscard]] uint32_t abi_id() const override { return XEN_SCHEDULER_RTDS; }
  void destroy() override;
  Status add_pcpu(uint32_t pcpu) override;
  void remove_pcpu(uint32_t pcpu) override;
  PolicyDomain* new_domain() override { return arena_new<RtdsDomain>(); }
  void free_domain(PolicyDomain& domain) override { arena_delete(static_cast<RtdsDomain*>(&domain)); }
  PolicyUnit* new_unit(const Vcpu&, PolicyDomain&) override { return arena_new<RtdsVcpu>(); }
  void free_unit(PolicyUnit& data) override { arena_delete(static_cast<RtdsVcpu*>(&data)); }
  void insert(Vcpu& vcpu) override;
  void remove(Vcpu& vcpu) override;
  void wake(Vcpu& vcpu, WakeReason reason) override;
  void sleep(Vcpu& vcpu) override;
  Choice choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) override;
  void timer_fired(PolicyTimer& timer, Ns now) override;
  Status put_domain(PolicyDomain& domain, const xen_domctl_scheduler_op& op) override;
  Status get_domain(const PolicyDomain& domain, xen_domctl_scheduler_op& op) const override;
  [[nodiscard]] bool has_vcpu_parameters() const override { return true; }
  Status put_vcpu(Vcpu& vcpu, const xen_domctl_schedparam_vcpu_t& parameters) override;
  Status get_vcpu(const Vcpu& vcpu, xen_domctl_schedparam_vcpu_t& parameters) const override;
  // The pool has no parameters: there is nothing to set or to read, and that is no error.
  Status put_system(const SystemParameters&) override { return kOk; }
  Status get_system(const SystemParameters&) const override { return kOk; }
  void audit(AuditReport& report) const override;

 private:
  struct PcpuState {
    bool member;
    bool tickled;       ///< asked to choose anew, and has not yet
    RtdsVcpu* current;  ///< null: idle
  };

  [[nodiscard]] static RtdsVcpu& of(const Vcpu& vcpu) { return *static_cast<RtdsVcpu*>(vcpu.sched); }
  /// The first one has a better claim to a pCPU.
  [[nodiscard]] static bool before(const RtdsVcpu& a, const RtdsVcpu& b);

  // Budgets and periods (rtds_budget.cpp).
  /// For what it has run since it was last charged.
  static void charge(RtdsVcpu& data, Ns now);
  /// The period in which `now` is begins, unless it has.
  static void enter_period(RtdsVcpu& data, Ns now);
  void replenish_due(Ns now);
  void start_replenishing(RtdsVcpu& data);
  void stop_replenishing(RtdsVcpu& data);
  /// Sets the timer to the first end of a period.
  void arm();

  void enqueue(RtdsVcpu& data);
  static void dequeue(RtdsVcpu& data);
  /// Whoever has the best claim to that pCPU among those that wait; null: nobody.
  [[nodiscard]] RtdsVcpu* best_for(uint32_t pcpu) const;
  /// Makes that pCPU choose anew on which the vCPU, which waits, should run: each pCPU once, until it has chosen.
  void notify(const RtdsVcpu& data);
  void ask(uint32_t pcpu);
  /// Whether it still has a right to run there.
  [[nodiscard]] static bool may_go_on(const RtdsVcpu& data, uint32_t pcpu);
  /// It ran until now and was not chosen again.
  void put_back(RtdsVcpu& data);

  OrderedSet reserved_;  ///< ready, at level 0, by deadline
  OrderedSet extra_;     ///< ready, at lower levels
  OrderedSet replenishments_;
  PolicyTimer replenish_timer_;
  uint32_t timer_pcpu_ = 0;
  PcpuState* pcpus_ = nullptr;  ///< one for each of the machine
  uint32_t machine_pcpus_ = 0;
};

}  // namespace hv
