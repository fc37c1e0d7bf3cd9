/// Makes a schedule out of what a machine and the guests on it do, and shows it to the oracles.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "sim/engine/machine_watcher.hpp"
#include "sim/scenario/oracles/core_sharing.hpp"
#include "sim/scenario/oracles/oracle.hpp"
#include "sim/scenario/scenario_observer.hpp"
#include "sim/scenario/schedule.hpp"

namespace assay::scenario {

/// A guest vCPU as it is told where its time goes.
class TimeKeeper {
 public:
  virtual ~TimeKeeper() = default;
  /// Its pCPU has left it for the hypervisor.
  virtual void left(uint64_t now_ns) = 0;
  /// True of one that does not say what it wants: it counts as awake only while it runs.
  [[nodiscard]] virtual bool sleeps_when_it_leaves() const { return false; }
};

class ScheduleWatch final : public MachineWatcher {
 public:
  /// pCPUs beyond `pcpus` are not the scenario's.
  ScheduleWatch(uint32_t pcpus, const Onlookers& onlookers);

  /// vCPUs of a new domain, in the order of their numbers, indices ascending from `first`.
  void adopt(uint16_t domid, VcpuIndex first, const std::vector<TimeKeeper*>& vcpus);
  void forget(uint16_t domid);

  // What a vCPU says of itself.
  void awake(VcpuIndex vcpu, uint64_t now_ns);
  void blocks(VcpuIndex vcpu, uint64_t now_ns);
  /// It wakes by itself then; ASSAY_NEVER: it does not.
  void arms(VcpuIndex vcpu, uint64_t deadline_ns);
  /// Somebody has sent it an event.
  void is_sent_to(VcpuIndex vcpu, uint64_t now_ns);
  /// It lets others run.
  void yields(VcpuIndex vcpu, uint64_t now_ns);

  /// What the scenario does to it.
  void apply(const ScheduleEvent& event);
  [[nodiscard]] Schedule& schedule() { return schedule_; }
  [[nodiscard]] const Schedule& schedule() const { return schedule_; }

  void open(Oracle& oracle, uint64_t now_ns);
  void close(Oracle& oracle, uint64_t now_ns);

  /// From now on it is told which pCPUs are in which guest.
  void share_cores(CoreSharing& sharing) { sharing_ = &sharing; }
  [[nodiscard]] uint64_t kept_ns(VcpuIndex vcpu) const { return sharing_ == nullptr ? 0 : sharing_->kept_ns(vcpu); }

  void on_exit(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const assay_exit& exit) override;
  void on_entry(uint64_t now_ns, uint32_t pcpu, const assay_run& run) override;
  /// Nobody runs, and nobody waits, while the machine sleeps.
  void on_sleep(uint64_t from_ns, uint64_t until_ns) override;
  void on_core_event(uint64_t now_ns, uint32_t pcpu, uint32_t id, std::span<const uint64_t> words) override;

  /// Switches from one vCPU, or from idle, to another.
  [[nodiscard]] uint64_t switches() const { return switches_; }

 private:
  struct Alarm {
    uint64_t deadline_ns;
    VcpuIndex vcpu;
    friend bool operator>(const Alarm& a, const Alarm& b) {
      return a.deadline_ns != b.deadline_ns ? a.deadline_ns > b.deadline_ns : a.vcpu > b.vcpu;
    }
  };

  [[nodiscard]] VcpuIndex index_of(const assay_run& run) const;
  void ring(uint64_t now_ns);
  void notify(VcpuIndex vcpu, uint64_t now_ns, ScenarioObserver::Notice notice);

  Schedule schedule_;
  Onlookers onlookers_;
  std::vector<VcpuIndex> first_of_domain_;  ///< by domid
  std::vector<TimeKeeper*> keepers_;        ///< by index
  std::vector<uint64_t> deadlines_;         ///< by index
  std::vector<Oracle*> open_;
  CoreSharing* sharing_ = nullptr;
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;
  uint64_t awake_from_ns_ = 0;  ///< when the machine last woke up
  uint64_t switches_ = 0;
};

}  // namespace assay::scenario
