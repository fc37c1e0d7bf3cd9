#include "sim/scenario/oracles/supply.hpp"

#include <algorithm>

#include "sim/scenario/units.hpp"

namespace assay::scenario {

Supply::Supply(std::string name, const Promise& promise, const std::vector<VcpuIndex>& vcpus)
    : Oracle(std::move(name)), promise_(promise) {
  for (const VcpuIndex vcpu : vcpus) servers_.push_back({.vcpu = vcpu});
}

void Supply::begin(const Schedule& schedule, uint64_t now_ns) {
  begin_ns_ = now_ns;
  next_ns_ = now_ns + promise_.period_ns;
  for (Server& server : servers_) {
    server.before_ns = schedule.ran_ns(server.vcpu, now_ns);
    server.least = server.most = {.at_ns = now_ns};
  }
}

void Supply::look(const Schedule& schedule, uint64_t now_ns) {
  for (; next_ns_ <= now_ns; next_ns_ += promise_.period_ns) {
    const uint64_t periods = (next_ns_ - begin_ns_) / promise_.period_ns;
    for (Server& server : servers_) {
      const uint64_t at_ns = std::max(next_ns_, schedule.vcpu(server.vcpu).runs_since_ns);
      const uint64_t had_ns = schedule.ran_ns(server.vcpu, at_ns) - server.before_ns;
      check_periods(server,
                    {next_ns_, static_cast<int64_t>(had_ns) - static_cast<int64_t>(periods * promise_.budget_ns)});
    }
  }
}

void Supply::check_periods(Server& server, const Account& account) {
  const auto most_ns = static_cast<int64_t>(promise_.budget_ns + kSlackNs);
  if (server.most.over_ns - account.over_ns > most_ns) report_part(server, server.most, account, "at least");
  if (promise_.is_exact && account.over_ns - server.least.over_ns > most_ns) {
    report_part(server, server.least, account, "at most");
  }
  if (account.over_ns > server.most.over_ns) server.most = account;
  if (account.over_ns < server.least.over_ns) server.least = account;
}

void Supply::report_part(const Server& server, const Account& from, const Account& to, const char* bound) {
  const uint64_t passed_ns = to.at_ns - from.at_ns;
  const uint64_t owed_ns = passed_ns / promise_.period_ns * promise_.budget_ns;
  const uint64_t had_ns = static_cast<uint64_t>(static_cast<int64_t>(owed_ns) + to.over_ns - from.over_ns);
  const bool is_least = to.over_ns < from.over_ns;
  const uint64_t expected_ns = is_least ? owed_ns - promise_.budget_ns : owed_ns + promise_.budget_ns;
  report(to.at_ns, server.vcpu, PcpuSet::kNone,
         "has had " + show_duration(had_ns) + " in " + show_duration(passed_ns) + ", " + bound + " " +
             show_duration(expected_ns) + " expected: " + show_duration(promise_.budget_ns) + " in each " +
             show_duration(promise_.period_ns));
}

void Supply::check_gap(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns) {
  const VcpuSchedule& state = schedule.vcpu(vcpu);
  if (!state.waits()) return;
  const uint64_t gap = now_ns - std::max(state.waits_since_ns, begin_ns_);
  const uint64_t most = 2 * (promise_.period_ns - promise_.budget_ns) + kSlackNs;
  if (gap <= most) return;
  report(now_ns, vcpu, PcpuSet::kNone,
         "has waited for " + show_duration(gap) + ", at most " + show_duration(most) + " with " +
             show_duration(promise_.budget_ns) + " in each " + show_duration(promise_.period_ns));
}

void Supply::check_stretch(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns) {
  const VcpuSchedule& state = schedule.vcpu(vcpu);
  const bool may_be_endless = !promise_.is_exact || promise_.budget_ns == promise_.period_ns;
  if (may_be_endless || !state.runs()) return;
  const uint64_t since_ns = std::max(state.runs_since_ns, begin_ns_);
  const uint64_t ran_ns = now_ns - std::min(now_ns, since_ns);
  const uint64_t most = 2 * promise_.budget_ns + kSlackNs;
  if (ran_ns <= most) return;
  report(now_ns, vcpu, state.pcpu,
         "has run for " + show_duration(ran_ns) + " without a pause, at most " + show_duration(most) + " with " +
             show_duration(promise_.budget_ns) + " in each " + show_duration(promise_.period_ns));
}

void Supply::on(const ScheduleEvent& event, const Schedule& schedule) {
  look(schedule, event.now_ns);
  if (std::ranges::find(servers_, event.vcpu, &Server::vcpu) == servers_.end()) return;
  check_gap(schedule, event.vcpu, event.now_ns);
  check_stretch(schedule, event.vcpu, event.now_ns);
}

void Supply::end(const Schedule& schedule, uint64_t now_ns) {
  look(schedule, now_ns);
  for (const Server& server : servers_) {
    check_gap(schedule, server.vcpu, now_ns);
    check_stretch(schedule, server.vcpu, now_ns);
  }
}

}  // namespace assay::scenario
