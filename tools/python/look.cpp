#include "tools/python/look.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace assay::python {
namespace {

namespace py = pybind11;
using scenario::ScheduleEvent;

py::object number_or_none(uint32_t pcpu) {
  return pcpu == PcpuSet::kNone ? py::object(py::none()) : py::object(py::int_(pcpu));
}

py::list list_of(const PcpuSet& pcpus) {
  py::list all;
  for (uint32_t pcpu = pcpus.at_or_above(0); pcpu != PcpuSet::kNone;) {
    all.append(pcpu);
    pcpu = pcpu + 1 < ASSAY_PCPUS_MAX ? pcpus.at_or_above(pcpu + 1) : PcpuSet::kNone;
  }
  return all;
}

const char* state_of(const scenario::VcpuSchedule& vcpu) {
  if (!vcpu.is_online) return "offline";
  if (vcpu.runs()) return "running";
  if (vcpu.is_paused) return "paused";
  return vcpu.is_awake ? "runnable" : "blocked";
}

/// What the core says of a vCPU's time, up to now. None before the guest has asked for it.
py::object runstate_of(const vcpu_runstate_info_t* told, uint64_t now_ns) {
  static constexpr std::array<const char*, 4> kNames{"running_ns", "runnable_ns", "blocked_ns", "offline_ns"};
  if (told == nullptr || told->state_entry_time == 0) return py::none();
  const uint64_t since = told->state_entry_time & ~XEN_RUNSTATE_UPDATE;
  py::dict times;
  for (size_t state = 0; state < kNames.size(); ++state) {
    const bool is_current = static_cast<size_t>(told->state) == state;
    times[kNames[state]] = told->time[state] + (is_current && now_ns > since ? now_ns - since : 0);
  }
  return times;
}

}  // namespace

const char* name_of(ScheduleEvent::Kind kind) {
  static constexpr std::array<const char*, 9> kNames{"online",  "offline", "wake",  "block",     "pause",
                                                     "unpause", "run",     "leave", "may_run_on"};
  return kNames.at(static_cast<size_t>(kind));
}

py::dict Event::as_dict() const {
  py::dict all;
  all["now_ns"] = now_ns;
  all["kind"] = kind;
  all["domain"] = domain;
  all["vcpu"] = vcpu;
  all["pcpu"] = pcpu;
  all["pcpus"] = pcpus;
  return all;
}

const scenario::Stage& Look::stage() const {
  if (stage_ == nullptr) throw std::runtime_error("the run is over: keep what you need of it, not the view");
  return *stage_;
}

uint64_t Look::since_start(uint64_t now_ns) const {
  const uint64_t start = stage().start_ns();
  return start == 0 || now_ns < start ? 0 : now_ns - start;
}

uint64_t Look::now_ns() const {
  return since_start(stage().now_ns());
}

uint32_t Look::pcpus() const {
  return stage().scenario().pcpus;
}

py::dict Look::describe(scenario::VcpuIndex index, const scenario::TimeAccounting::Area& area) const {
  const scenario::Schedule& schedule = stage().watch().schedule();
  const scenario::VcpuSchedule& vcpu = schedule.vcpu(index);
  const uint64_t now = stage().now_ns();
  const auto [domain, id] = names_->of(index);
  py::dict all;
  all["domain"] = domain;
  all["vcpu"] = id;
  all["state"] = state_of(vcpu);
  all["pcpu"] = number_or_none(vcpu.pcpu);
  all["may_run_on"] = list_of(schedule.mask_of(index));
  all["ran_ns"] = schedule.ran_ns(index, now);
  all["waiting_ns"] = vcpu.waits() ? now - std::min(now, vcpu.waits_since_ns) : 0;
  all["runstate"] = runstate_of(area.told, now);
  return all;
}

py::dict Look::vcpu(const std::string& domain, uint32_t vcpu) const {
  const scenario::VcpuIndex index = names_->index(domain, vcpu);
  return describe(index, stage().areas().at(index));
}

py::list Look::vcpus() const {
  const scenario::TimeAccounting::Areas areas = stage().areas();
  py::list all;
  for (scenario::VcpuIndex index = 0; index < names_->count(); ++index) all.append(describe(index, areas.at(index)));
  return all;
}

Event Look::event(const ScheduleEvent& event) const {
  const auto [domain, id] = names_->of(event.vcpu);
  const bool has_mask = event.kind == ScheduleEvent::Kind::kMayRunOn;
  return {since_start(event.now_ns),
          name_of(event.kind),
          domain,
          id,
          number_or_none(event.pcpu),
          has_mask ? py::object(list_of(event.mask)) : py::object(py::none())};
}

py::list Look::events(const EventLog& log, uint64_t since_ns) const {
  py::list all;
  for (const ScheduleEvent& one : log.events()) {
    if (since_start(one.now_ns) >= since_ns) all.append(event(one).as_dict());
  }
  return all;
}

py::list Look::last_events(const EventLog& log, uint64_t how_many) const {
  const auto& events = log.events();
  py::list all;
  const size_t first = events.size() - std::min<uint64_t>(how_many, events.size());
  for (size_t i = first; i < events.size(); ++i) all.append(event(events[i]).as_dict());
  return all;
}

py::list Look::timeline(const EventLog& log) const {
  py::list all;
  for (const EventLog::Stay& stay : log.stays(stage().watch().schedule(), stage().now_ns())) {
    const auto [domain, id] = names_->of(stay.vcpu);
    py::dict one;
    one["domain"] = domain;
    one["vcpu"] = id;
    one["state"] = stay.pcpu == PcpuSet::kNone ? "waiting" : "running";
    one["pcpu"] = number_or_none(stay.pcpu);
    one["start_ns"] = since_start(stay.from_ns);
    one["end_ns"] = since_start(stay.until_ns);
    all.append(one);
  }
  return all;
}

}  // namespace assay::python
