/// ARINC 653: a table says which vCPU runs when. It is repeated for ever: major frame k begins k times its length after
/// the table took effect, to the nanosecond, and entries follow each other in it. Whoever is not in the table never
/// runs, and nobody runs in the time that no entry has, or in the time of one whose vCPU sleeps. A pool has one table,
/// made for one pCPU: with more of them, each vCPU still runs in its own time alone, on the pCPU where it is.
/// Source: public/sysctl.h, struct xen_sysctl_arinc653_schedule.
#pragma once

#include "hv/base/arena.hpp"
#include "hv/base/ordered.hpp"
#include "hv/sched/scheduler.hpp"

namespace hv {

constexpr Ns kArincDefaultRuntime = 10 * kMillisecond;  ///< of each vCPU of domain 0, until there is another table

/// The node is in the set of all vCPUs, where all keys are equal: the order is that of arrival.
struct ArincVcpu : PolicyUnit, OrderedNode {};

class Arinc653 final : public Scheduler {
 public:
  static Scheduler* create();

  [[nodiscard]] const char* name() const override { return "ARINC 653 Scheduler (arinc653)"; }
  [[nodiscard]] uint32_t abi_id() const override { return XEN_SCHEDULER_ARINC653; }
  void destroy() override;
  Status add_pcpu(uint32_t pcpu) override;
  void remove_pcpu(uint32_t pcpu) override;
  PolicyDomain* new_domain() override { return arena_new<PolicyDomain>(); }
  void free_domain(PolicyDomain& domain) override { arena_delete(&domain); }
  PolicyUnit* new_unit(const Vcpu&, PolicyDomain&) override { return arena_new<ArincVcpu>(); }
  void free_unit(PolicyUnit& data) override { arena_delete(static_cast<ArincVcpu*>(&data)); }
  void insert(Vcpu& vcpu) override;
  void remove(Vcpu& vcpu) override;
  void wake(Vcpu& vcpu, WakeReason reason) override;
  void sleep(Vcpu& vcpu) override { vcpu.sched->waiting = false; }
  Choice choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) override;
  void timer_fired(PolicyTimer& timer, Ns now) override;
  Status put_domain(PolicyDomain&, const xen_domctl_scheduler_op&) override { return kOk; }
  Status get_domain(const PolicyDomain&, xen_domctl_scheduler_op&) const override { return kOk; }
  /// EINVAL: no entry, too many, one without runtime, or more runtime than a major frame has; nothing has changed.
  Status put_system(const SystemParameters& parameters) override;
  Status get_system(const SystemParameters& parameters) const override;
  void audit(AuditReport& report) const override;

 private:
  struct Entry {
    std::array<uint8_t, 16> handle;
    uint32_t vcpu_id;
    Ns runtime;
    Vcpu* vcpu;  ///< null: there is none with that handle and number
  };
  struct PcpuState {
    bool member;
    PolicyTimer turn;  ///< set by an idle pCPU: when the next vCPU that waits there has its time
  };
  /// What a moment is in the table.
  struct Turn {
    uint32_t entry;  ///< entries_: the rest of the frame, which nobody has
    Ns ends;
  };

  [[nodiscard]] static bool names(const Entry& entry, const PolicyUnit& data);
  [[nodiscard]] Vcpu* find(const Entry& entry) const;
  void add_default(const Vcpu& vcpu);
  /// The table takes effect now.
  void begin();
  [[nodiscard]] Turn turn_at(Ns now);
  /// When the next vCPU that waits there has its time, behind `turn`; kNever: there is none.
  [[nodiscard]] Ns next_turn(uint32_t pcpu, const Turn& turn);
  /// `vcpu` (may be null) waits there, or is `current`, and may run there now.
  [[nodiscard]] static bool ready(const Vcpu* vcpu, uint32_t pcpu, const Vcpu* current);
  [[nodiscard]] Ns& frame_start();

  Entry table_[ARINC653_MAX_DOMAINS_PER_SCHEDULE] = {};
  uint32_t entries_ = 0;
  Ns major_frame_ = 0;
  Ns frame_start_ = 0;  ///< of the major frame in which somebody last looked
  OrderedSet vcpus_;
  PcpuState* pcpus_ = nullptr;  ///< one for each of the machine
  uint32_t machine_pcpus_ = 0;
};

}  // namespace hv
