#include "sim/scenario/schedule_recorder.hpp"

#include <algorithm>

namespace assay::scenario {
namespace {

using json = nlohmann::ordered_json;
using Kind = ScheduleEvent::Kind;

/// Of what is kept in memory, in pictures: a violation may turn out to lie back.
constexpr size_t kPicturesKept = 10;
constexpr size_t kActionsMax = 10'000;
/// What led to a violation says more than what followed: of four parts of a picture, three.
constexpr size_t kParts = 4, kPartsBefore = 3;

Happening happening_of(Kind kind) {
  switch (kind) {
    case Kind::kOnline:
      return Happening::kOnline;
    case Kind::kOffline:
      return Happening::kOffline;
    case Kind::kWake:
      return Happening::kWake;
    case Kind::kBlock:
      return Happening::kBlock;
    case Kind::kPause:
      return Happening::kPause;
    case Kind::kUnpause:
      return Happening::kUnpause;
    case Kind::kRun:
      return Happening::kRun;
    case Kind::kLeave:
    case Kind::kMayRunOn:
      break;
  }
  return Happening::kLeave;
}

bool is_of_pcpu(Happening what) {
  return what == Happening::kSignalLate || what == Happening::kTimerLate;
}

/// -1 for nobody.
int64_t number(uint32_t who) {
  return who == UINT32_MAX ? -1 : static_cast<int64_t>(who);
}

json remarks(const std::vector<ScheduleRecorder::Remark>& all, uint64_t start_ns) {
  json made = json::array();
  for (const ScheduleRecorder::Remark& remark : all) {
    made.push_back({{"ns", remark.now_ns - std::min(start_ns, remark.now_ns)},
                    {"vcpu", number(remark.vcpu)},
                    {"pcpu", number(remark.pcpu)},
                    {"words", remark.words}});
  }
  return made;
}

json domains_of(const Scenario& scenario) {
  json made = json::array();
  for (const DomainSpec& domain : scenario.domains) {
    made.push_back({{"name", domain.name}, {"vcpus", domain.vcpus.size()}, {"pool", scenario.pools[domain.pool].name}});
  }
  return made;
}

}  // namespace

void ScheduleRecorder::on_begin(uint64_t now_ns) {
  has_begun_ = true;
  start_ns_ = now_ns;
}

void ScheduleRecorder::keep(uint64_t now_ns, Happening what, uint32_t who, uint64_t how_much) {
  if (!has_begun_) return;
  if (!is_of_pcpu(what)) {
    if (last_ns_.size() <= who) last_ns_.resize(who + 1u);
    // An alarm is noticed when somebody leaves next, and then is the older event.
    now_ns = last_ns_[who] = std::max(now_ns, last_ns_[who]);
  }
  entries_.insert(std::ranges::upper_bound(entries_, now_ns, {}, &Entry::now_ns), {now_ns, how_much, who, what});
  const size_t kept = shown_max_ * kPicturesKept;
  if (entries_.size() < 2 * kept) return;
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(kept);
  std::for_each(entries_.begin(), end, [&](const Entry& entry) { apply(entry, base_); });
  entries_.erase(entries_.begin(), end);
  dropped_ += kept;
}

void ScheduleRecorder::apply(const Entry& entry, std::vector<State>& states) {
  if (is_of_pcpu(entry.what)) return;
  if (states.size() <= entry.who) states.resize(entry.who + 1u);
  State& state = states[entry.who];
  state.since_ns = entry.now_ns;
  if (entry.what == Happening::kOnline) state.is_online = true;
  if (entry.what == Happening::kOffline) state.is_online = state.is_awake = state.is_paused = false;
  if (entry.what == Happening::kWake) state.is_awake = true;
  if (entry.what == Happening::kBlock) state.is_awake = false;
  if (entry.what == Happening::kPause) state.is_paused = true;
  if (entry.what == Happening::kUnpause) state.is_paused = false;
  if (entry.what == Happening::kRun) state.pcpu = static_cast<uint32_t>(entry.how_much);
  if (entry.what == Happening::kLeave) state.pcpu = PcpuSet::kNone;
}

void ScheduleRecorder::on_schedule(const ScheduleEvent& event) {
  if (event.kind == Kind::kMayRunOn) return;
  keep(event.now_ns, happening_of(event.kind), event.vcpu, event.kind == Kind::kRun ? event.pcpu : 0);
}

void ScheduleRecorder::on_notice(uint64_t now_ns, VcpuIndex vcpu, Notice notice) {
  const Happening what = notice == Notice::kSignal  ? Happening::kSignal
                         : notice == Notice::kTimer ? Happening::kTimer
                                                    : Happening::kYield;
  keep(now_ns, what, vcpu);
}

void ScheduleRecorder::on_action(uint64_t now_ns, std::string_view words) {
  if (actions_.size() == kActionsMax) return;
  actions_.push_back({now_ns, kNoVcpu, PcpuSet::kNone, std::string(words)});
}

void ScheduleRecorder::on_late(uint64_t now_ns, uint32_t pcpu, Late what, uint64_t late_ns) {
  if (pcpu >= pcpus_) return;
  keep(now_ns, what == Late::kSignal ? Happening::kSignalLate : Happening::kTimerLate, pcpu, late_ns);
}

void ScheduleRecorder::on_violation(uint64_t now_ns, VcpuIndex vcpu, uint32_t pcpu, std::string_view words) {
  violations_.push_back({now_ns, vcpu, pcpu, std::string(words)});
}

void ScheduleRecorder::on_end(uint64_t now_ns) {
  end_ns_ = std::max(now_ns, start_ns_);
}

ScheduleRecorder::Part ScheduleRecorder::shown(size_t most) const {
  if (entries_.size() <= most) return {0, entries_.size()};
  if (violations_.empty()) return {0, most};
  const auto after = std::ranges::upper_bound(entries_, violations_.front().now_ns, {}, &Entry::now_ns);
  const auto at = static_cast<size_t>(after - entries_.begin());
  const size_t before = std::min(at, most * kPartsBefore / kParts);
  const size_t from = std::min(at - before, entries_.size() - most);
  return {from, from + most};
}

ScheduleRecorder::Window ScheduleRecorder::window(size_t most) const {
  const Part part = shown(std::min(most, shown_max_));
  const bool has_beginning = dropped_ == 0 && part.from == 0;
  return {.from_ns = has_beginning || entries_.empty() ? start_ns_ : entries_[part.from].now_ns,
          .to_ns = part.to == entries_.size() ? end_ns_ : entries_[part.to].now_ns};
}

json ScheduleRecorder::to_json(const Scenario& scenario) const {
  const Part part = shown(shown_max_);
  const Window window = this->window();
  std::vector<State> states = base_;
  for (size_t i = 0; i < part.from; ++i) apply(entries_[i], states);
  size_t vcpus = 0;
  for (const DomainSpec& domain : scenario.domains) vcpus += domain.vcpus.size();
  states.resize(vcpus);

  json at_start = json::array();
  for (const State& state : states) {
    const int flags = (state.is_online ? 1 : 0) + (state.is_awake ? 2 : 0) + (state.is_paused ? 4 : 0);
    const uint64_t since = std::max(state.since_ns, start_ns_);
    at_start.push_back({flags, number(state.pcpu), since - start_ns_});
  }
  json ns = json::array(), what = json::array(), who = json::array(), how_much = json::array();
  uint64_t last = window.from_ns;
  for (size_t i = part.from; i < part.to; ++i) {
    const Entry& entry = entries_[i];
    ns.push_back(entry.now_ns - std::min(last, entry.now_ns));
    last = std::max(last, entry.now_ns);
    what.push_back(static_cast<int>(entry.what));
    who.push_back(entry.who);
    how_much.push_back(entry.how_much);
  }
  return {{"pcpus", pcpus_},
          {"domains", domains_of(scenario)},
          {"from_ns", window.from_ns - start_ns_},
          {"to_ns", window.to_ns - start_ns_},
          {"end_ns", end_ns_ - start_ns_},
          {"left_out", {dropped_ + part.from, entries_.size() - part.to}},
          {"at_start", std::move(at_start)},
          {"ns", std::move(ns)},
          {"what", std::move(what)},
          {"who", std::move(who)},
          {"how_much", std::move(how_much)},
          {"actions", remarks(actions_, start_ns_)},
          {"violations", remarks(violations_, start_ns_)}};
}

}  // namespace assay::scenario
