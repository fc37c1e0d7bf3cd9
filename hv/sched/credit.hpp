/// credit: slices in turn, and credit that an account every slice's length gives to active vCPUs by weight and takes
/// for time run. Who has credit left (UNDER) comes before who has not (OVER); who wakes up with some comes first
/// (BOOST) until it has run for a tick, an account comes, or somebody takes its place. Source: public/domctl.h,
/// xen_domctl_sched_credit; public/sysctl.h, xen_sysctl_credit_schedule.
#pragma once

#include "hv/base/ordered.hpp"
#include "hv/sched/scheduler.hpp"

namespace hv {

struct CreditDomain : PolicyDomain {
  uint16_t weight = 256;
  uint16_t cap = 0;  ///< hundredths of a pCPU; 0: none
  uint32_t active = 0;
  struct CreditVcpu* first_active = nullptr;
  CreditDomain* next = nullptr;  ///< those with active vCPUs
  CreditDomain* previous = nullptr;
};

/// The node is in the queue of its pCPU: the key is the priority.
struct CreditVcpu : PolicyUnit, OrderedNode {
  enum Priority : int64_t { kBoost, kUnder, kOver };
  Priority priority = kUnder;
  int64_t credit = 0;          ///< ns of running
  Ns charged_at = 0;           ///< while it runs
  Ns left_at = 0;              ///< when it last stopped running
  bool active = false;         ///< takes part in accounts: it has run, and has not saved up a slice since
  bool parked = false;         ///< over its cap
  CreditVcpu* next = nullptr;  ///< active ones of the domain
  CreditVcpu* previous = nullptr;
};

class Credit final : public Scheduler {
 public:
  static Scheduler* create();

  [[nodiscard]] const char* name() const override { return "SMP Credit Scheduler (credit)"; }
  [[nodiscard]] uint32_t abi_id() const override { return XEN_SCHEDULER_CREDIT; }
  void destroy() override;
  Status add_pcpu(uint32_t pcpu) override;
  void remove_pcpu(uint32_t pcpu) override;
  PolicyDomain* new_domain() override;
  void free_domain(PolicyDomain& domain) override;
  PolicyUnit* new_unit(const Vcpu& vcpu, PolicyDomain& domain) override;
  void free_unit(PolicyUnit& data) override;
  void insert(Vcpu& vcpu) override;
  void remove(Vcpu& vcpu) override;
  void wake(Vcpu& vcpu, WakeReason reason) override;
  void sleep(Vcpu& vcpu) override;
  Choice choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) override;
  void timer_fired(PolicyTimer& timer, Ns now) override;
  Status put_domain(PolicyDomain& domain, const xen_domctl_scheduler_op& op) override;
  Status get_domain(const PolicyDomain& domain, xen_domctl_scheduler_op& op) const override;
  Status put_system(const SystemParameters& parameters) override;
  Status get_system(const SystemParameters& parameters) const override;
  void audit(AuditReport& report) const override;

 private:
  static constexpr Ns kTicksPerSlice = 3;

  struct PcpuState {
    bool present;
    bool asked;           ///< to choose anew, and has not yet
    CreditVcpu* current;  ///< null: idle
    Ns started;           ///< the slice of current
    Ns until;             ///< the last choice
    OrderedSet queue;
  };

  [[nodiscard]] static CreditVcpu& of(const Vcpu& vcpu) { return *static_cast<CreditVcpu*>(vcpu.sched); }
  [[nodiscard]] static CreditVcpu* of(OrderedNode* node) { return static_cast<CreditVcpu*>(node); }
  [[nodiscard]] static CreditDomain& domain_of(const CreditVcpu& data) {
    return *static_cast<CreditDomain*>(data.domain);
  }

  // Accounts (credit_account.cpp).
  void charge(CreditVcpu& data, Ns now);
  void activate(CreditVcpu& data);
  void deactivate(CreditVcpu& data);
  /// BOOST lets somebody in soon, and no more: who still runs after a tick has had its turn before the others.
  void end_boost(PcpuState& state, Ns now) const;
  void account(CreditDomain& domain, int64_t share, Ns now);
  void set_priority(CreditVcpu& data, CreditVcpu::Priority priority);
  void park_or_unpark(CreditVcpu& data);
  void arm_account(Ns deadline);
  /// An account is due while anybody is active, and somebody who waits may be made so.
  void expect_account(Ns now);
  [[nodiscard]] Ns tick() const { return slice_ / kTicksPerSlice; }

  [[nodiscard]] uint32_t place(const Vcpu& vcpu) const;
  /// Waits: parked, or in the queue of a pCPU that is made to choose if it should.
  void settle(CreditVcpu& data);
  void enqueue(CreditVcpu& data);
  void dequeue(CreditVcpu& data);
  void notify(const CreditVcpu& data);
  void ask(uint32_t pcpu);
  [[nodiscard]] CreditVcpu* waiting_on(uint32_t queue, uint32_t pcpu) const;
  /// Somebody who waits elsewhere and comes before `best` (may be null).
  [[nodiscard]] CreditVcpu* steal(uint32_t pcpu, const CreditVcpu* best, Ns now) const;
  void switch_to(uint32_t pcpu, CreditVcpu* next, Ns now);

  PcpuState* pcpus_ = nullptr;  ///< one for each of the machine
  uint32_t machine_pcpus_ = 0;
  uint32_t pcpu_count_ = 0;
  uint32_t queued_ = 0;  ///< in all queues
  CreditDomain* first_active_ = nullptr;
  uint64_t active_weight_ = 0;  ///< of active vCPUs, each with its domain's
  Ns slice_ = 30 * kMillisecond;
  Ns ratelimit_ = kMillisecond;
  Ns migration_delay_ = 0;
  PolicyTimer account_timer_;
};

}  // namespace hv
