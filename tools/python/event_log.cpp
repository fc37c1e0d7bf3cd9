#include "tools/python/event_log.hpp"

namespace assay::python {

using Kind = scenario::ScheduleEvent::Kind;

void EventLog::call_at(uint64_t events, std::function<void()> reached) {
  call_at_ = events;
  reached_ = std::move(reached);
}

void EventLog::on(const scenario::ScheduleEvent& event, const scenario::Schedule& schedule) {
  ++count_;
  if (keeps_) keep(event, schedule);
  if (count_ == call_at_) reached_();
  if (poll_ && count_ % kEventsPerPoll == 0) poll_();
}

void EventLog::keep(const scenario::ScheduleEvent& event, const scenario::Schedule& schedule) {
  if (events_.size() == kRecordsMax) events_.pop_front();
  events_.push_back(event);
  const scenario::VcpuSchedule& vcpu = schedule.vcpu(event.vcpu);
  const bool ends_wait = event.kind == Kind::kRun || event.kind == Kind::kBlock || event.kind == Kind::kPause ||
                         event.kind == Kind::kOffline;
  if (ends_wait && vcpu.waits()) keep({event.vcpu, PcpuSet::kNone, vcpu.waits_since_ns, event.now_ns});
  if (event.kind == Kind::kLeave) keep({event.vcpu, event.pcpu, vcpu.runs_since_ns, event.now_ns});
}

void EventLog::keep(const Stay& stay) {
  if (stays_.size() == kRecordsMax) stays_.pop_front();
  stays_.push_back(stay);
}

std::vector<EventLog::Stay> EventLog::stays(const scenario::Schedule& schedule, uint64_t now_ns) const {
  std::vector<Stay> all(stays_.begin(), stays_.end());
  for (scenario::VcpuIndex index = 0; index < schedule.vcpus(); ++index) {
    const scenario::VcpuSchedule& vcpu = schedule.vcpu(index);
    if (vcpu.runs()) all.push_back({index, vcpu.pcpu, vcpu.runs_since_ns, now_ns});
    if (vcpu.waits()) all.push_back({index, PcpuSet::kNone, vcpu.waits_since_ns, now_ns});
  }
  return all;
}

}  // namespace assay::python
