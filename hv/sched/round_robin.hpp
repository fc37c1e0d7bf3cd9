/// The simplest honest policy: a queue per pCPU, equal slices, an idle pCPU takes work from the others.
#pragma once

#include "hv/sched/scheduler.hpp"

namespace hv {

constexpr Ns kRoundRobinSlice = 10 * kMillisecond;

class RoundRobin final : public Scheduler {
 public:
  /// Null when the arena is full.
  static RoundRobin* create(uint32_t pcpus);

  [[nodiscard]] const char* name() const override { return "round-robin"; }
  [[nodiscard]] uint32_t abi_id() const override;
  uint32_t wake(Vcpu& vcpu) override;
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
  void append(uint32_t pcpu, Vcpu& vcpu);
  void remove(Vcpu& vcpu);
  /// Head of the queue. A vCPU that has a reason not to run since it was queued, and is about to be taken off, goes
  /// now.
  Vcpu* first_waiting(uint32_t pcpu);
  /// First vCPU that waits elsewhere and may run here.
  Vcpu* steal(uint32_t pcpu);

  Queue* queues_ = nullptr;
  uint32_t pcpus_ = 0;
};

}  // namespace hv
