/// What happened on a machine, for whoever asks afterwards.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::python {

class EventLog final : public scenario::Oracle {
 public:
  /// Of each kind of record; the oldest go first.
  static constexpr size_t kRecordsMax = 1 << 20;
  static constexpr uint64_t kNoEvent = UINT64_MAX;

  /// A time that a vCPU ran on a pCPU, or could have run and waited.
  struct Stay {
    scenario::VcpuIndex vcpu;
    uint32_t pcpu;  ///< PcpuSet::kNone: it waited
    uint64_t from_ns, until_ns;
  };

  /// Counts events; with `keeps`, remembers them too.
  explicit EventLog(bool keeps) : Oracle("event log"), keeps_(keeps) {}
  void on(const scenario::ScheduleEvent& event, const scenario::Schedule& schedule) override;

  /// Calls `reached` in the middle of the event that makes so many of them.
  void call_at(uint64_t events, std::function<void()> reached);
  /// Calls `poll` every so many events.
  void call_often(std::function<void()> poll) { poll_ = std::move(poll); }

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] const std::deque<scenario::ScheduleEvent>& events() const { return events_; }
  /// Events that were forgotten.
  [[nodiscard]] uint64_t dropped() const { return keeps_ ? count_ - events_.size() : 0; }
  /// In the order of their ends; what goes on at `now_ns` ends then.
  [[nodiscard]] std::vector<Stay> stays(const scenario::Schedule& schedule, uint64_t now_ns) const;

 private:
  static constexpr uint64_t kEventsPerPoll = 256;
  void keep(const scenario::ScheduleEvent& event, const scenario::Schedule& schedule);
  void keep(const Stay& stay);

  bool keeps_;
  uint64_t count_ = 0;
  uint64_t call_at_ = kNoEvent;
  std::function<void()> reached_;
  std::function<void()> poll_;
  std::deque<scenario::ScheduleEvent> events_;
  std::deque<Stay> stays_;
};

}  // namespace assay::python
