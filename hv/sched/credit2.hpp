/// credit2: shares in proportion to weights, for latency first. vCPUs of a run queue burn credit while they run, the
/// faster the smaller their weight; whoever has most runs. When the one that is about to run has none left, an epoch
/// ends: all get the same amount more. A domain's cap is a budget for each period; a vCPU that finds it empty is
/// parked. Source: public/domctl.h, xen_domctl_sched_credit2; public/sysctl.h, xen_sysctl_credit2_schedule.
#pragma once

#include "hv/base/ordered.hpp"
#include "hv/sched/scheduler.hpp"

namespace hv {

constexpr uint32_t kCredit2QueuePcpus = 16;  ///< most pCPUs that share a run queue
constexpr Ns kCredit2Epoch = 10 * kMillisecond;
constexpr Ns kCredit2Period = 10 * kMillisecond;  ///< of budgets

/// pCPUs that choose from one queue of vCPUs.
struct Credit2Queue {
  uint64_t pcpus[4];
  uint64_t idle[4];     ///< nothing runs there
  uint64_t tickled[4];  ///< asked to choose anew, and has not yet
  uint32_t pcpu_count;
  uint32_t running;
  int64_t base;        ///< credit that epochs have given to everybody
  OrderedSet waiting;  ///< most credit first
  int64_t load;        ///< decaying average of vCPUs that wait or run, kCredit2LoadOne for each
  Ns load_at;
  Ns balance_at;
};

/// The node is in the policy's set of domains with parked vCPUs, by the end of their period.
struct Credit2Domain : PolicyDomain, OrderedNode {
  uint16_t weight = 256;
  uint16_t cap = 0;  ///< hundredths of a pCPU; 0: none
  uint32_t vcpus = 0;
  int64_t budget = 0;  ///< what nobody has taken of this period's, may be owed
  Ns refill_at = 0;    ///< when the next period begins
  OrderedSet parked;   ///< vCPUs without budget, the longest first
};

/// The node is in Credit2Queue::waiting, where the key is minus the level, or in Credit2Domain::parked.
struct Credit2Vcpu : PolicyUnit, OrderedNode {
  Credit2Queue* queue = nullptr;
  int64_t level = 0;     ///< credit, but for what epochs have given to everybody
  uint64_t residue = 0;  ///< of the last division by the weight
  Ns charged_at = 0;     ///< while it runs
  int64_t budget = 0;    ///< taken from its domain
  bool parked = false;
};

class Credit2 final : public Scheduler {
 public:
  static Scheduler* create();

  [[nodiscard]] const char* name() const override { return "SMP Credit Scheduler rev2 (credit2)"; }
  [[nodiscard]] uint32_t abi_id() const override { return XEN_SCHEDULER_CREDIT2; }
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
  using Mask = uint64_t[4];
  struct PcpuState {
    Credit2Queue* queue;   ///< null: not the pool's
    Credit2Vcpu* current;  ///< null: idle
    Ns started;            ///< current runs since
    Ns until;              ///< the last choice
  };

  [[nodiscard]] static Credit2Vcpu& of(const Vcpu& vcpu) { return *static_cast<Credit2Vcpu*>(vcpu.sched); }
  [[nodiscard]] static Credit2Vcpu* of(OrderedNode* node) { return static_cast<Credit2Vcpu*>(node); }
  [[nodiscard]] static Credit2Domain& domain_of(const Credit2Vcpu& data) {
    return *static_cast<Credit2Domain*>(data.domain);
  }

  // Credit (credit2_credit.cpp).
  [[nodiscard]] static int64_t credit(const Credit2Vcpu& data);
  static void set_credit(Credit2Vcpu& data, int64_t credit);
  /// For what it has run since it was last charged.
  static void charge(Credit2Vcpu& data, Ns now);
  void charge_running(const Credit2Queue& queue, Ns now);
  /// Who runs without a rival lives through epochs of its own.
  static void renew_alone(Credit2Vcpu& data);
  /// The same for those who may have run for long, before they get a rival.
  void end_lone_runs(const Credit2Queue& queue, Ns now);
  /// Everybody in the queue gets as much more as `next` needs to have some.
  void end_epoch(Credit2Queue& queue, const Credit2Vcpu& next, Ns now);
  /// How long the vCPU may run before `rival` has more credit.
  [[nodiscard]] Ns slice(const Credit2Vcpu& data, const Credit2Vcpu& rival) const;

  // Budgets (credit2_budget.cpp).
  static void refill(Credit2Domain& domain, Ns now);
  /// The vCPU has budget, or could take some. False: it has to be parked.
  [[nodiscard]] static bool has_budget(const Credit2Vcpu& data, Ns now);
  /// It is about to run.
  static void take_budget(Credit2Vcpu& data);
  /// It does not need what it has taken: others that are parked may.
  void return_budget(Credit2Vcpu& data, Ns now);
  /// These change who waits for which refill; the timer follows when `arm_refill` is called, at the end of an entry.
  void park(Credit2Vcpu& data);
  void unpark(Credit2Vcpu& data);
  void unpark_some(Credit2Domain& domain, Ns now);
  void set_cap(Credit2Domain& domain, uint16_t cap, Ns now);
  void arm_refill();

  // Queues (credit2_queue.cpp).
  /// For that pCPU: where its siblings are, if there is room. Null: no memory.
  [[nodiscard]] Credit2Queue* queue_with_room(uint32_t pcpu);
  static void account_load(Credit2Queue& queue, Ns now);
  /// Where the vCPU should wait: its own queue if it can run there at once, else the one with least load.
  [[nodiscard]] Credit2Queue* place(const Credit2Vcpu& data, Ns now) const;
  static void move(Credit2Vcpu& data, Credit2Queue& queue);
  void enqueue(Credit2Vcpu& data, Ns now);
  static void dequeue(Credit2Vcpu& data, Ns now);
  /// A pCPU of the queue where the vCPU could run at once, where it prefers to be first; kNone: none.
  [[nodiscard]] static uint32_t idle_pcpu(const Credit2Queue& queue, const Vcpu& vcpu);
  /// Of the candidates, all of them free: one whose siblings in the queue are free too, or any; `now_on` if it is as
  /// good as the first. kNone: there is no candidate.
  [[nodiscard]] static uint32_t best_of(const Mask& candidates, const Mask& free, const Credit2Queue& queue,
                                        uint32_t now_on);
  /// Makes the pCPU choose anew on which a vCPU that waits now gets its turn first.
  void notify(const Credit2Vcpu& data, Ns now);
  void ask(uint32_t pcpu);
  /// Moves somebody who waits here to a queue with less load.
  void balance(Credit2Queue& from, Ns now);

  /// Who runs next, if nobody has anything against it until it does.
  [[nodiscard]] Credit2Vcpu* decide(uint32_t pcpu, bool yielded, Ns now);
  [[nodiscard]] Credit2Vcpu* candidate(const Credit2Queue& queue, uint32_t pcpu, Ns now);
  [[nodiscard]] Credit2Vcpu* steal(const Credit2Queue& own, uint32_t pcpu, Ns now);
  [[nodiscard]] bool may_go_on(Credit2Vcpu& data, uint32_t pcpu, Ns now) const;
  void put_back(Credit2Vcpu& data, Ns now);
  /// Waits, parked or in a queue where it may run.
  void settle(Credit2Vcpu& data, Ns now);
  void switch_to(uint32_t pcpu, Credit2Vcpu* next, Ns now);
  /// For running: with budget, and with credit.
  void prepare(Credit2Vcpu& data, bool has_rival, Ns now);
  /// Who waits and may run there; null: nobody.
  [[nodiscard]] static Credit2Vcpu* rival(const Credit2Queue& queue, uint32_t pcpu);
  [[nodiscard]] Ns turn_ends(uint32_t pcpu, Ns now) const;

  static constexpr uint32_t kNone = ~uint32_t{0};

  PcpuState* pcpus_ = nullptr;       ///< one for each of the machine
  Credit2Queue** queues_ = nullptr;  ///< as many; those that were never needed are null
  uint32_t machine_pcpus_ = 0;
  uint32_t pcpu_count_ = 0;
  uint32_t vcpu_count_ = 0;
  Ns ratelimit_ = kMillisecond;
  OrderedSet refills_;  ///< domains with parked vCPUs, by the end of their period
  PolicyTimer refill_timer_;
};

}  // namespace hv
