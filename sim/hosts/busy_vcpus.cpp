#include "sim/hosts/busy_vcpus.hpp"

#include <algorithm>
#include <cstddef>

#include "sim/toolstack/bring_up.hpp"
#include "sim/toolstack/privileged.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

namespace {

constexpr uint64_t kTickNs = 50'000;
/// A vCPU goes down, or is seen not to return, within so long.
constexpr uint64_t kSoonNs = 10'000;
constexpr unsigned kDownPollsMax = 100;
constexpr uint32_t kSpareVcpus = 2;
constexpr uint32_t kLstar = 0xc000'0082;
/// Where the list of a poll stands in the page of the vCPU's arguments.
constexpr uint64_t kPollListOffset = 64;

std::string name_of(uint32_t vcpu) {
  return "vCPU " + std::to_string(vcpu);
}

}  // namespace

GuestSpec BusyVcpus::with_vcpus(GuestSpec spec, uint32_t running) {
  const bool has_others = running > 1;
  spec.vcpus = running + (has_others ? kSpareVcpus : 0);
  spec.vcpus_online = running + (has_others ? 1 : 0);
  return spec;
}

BusyVcpus::BusyVcpus(Domain& guest, uint32_t running) : guest_(&guest), counters_(guest.alloc_pages(1)) {
  for (uint32_t vcpu = 0; vcpu < running; ++vcpu) {
    vcpus_.push_back({.calls = GuestCalls(guest, vcpu)});
    // Where the processor goes for a system call that nobody makes: another place on each vCPU.
    if (guest.type() == GuestType::kPvh && guest.vcpu(vcpu).wrmsr(kLstar, (vcpu + 1) * kPageSize)) {
      throw ToolstackError("the guest cannot write LSTAR");
    }
  }
  bind();
}

void BusyVcpus::move_to(Domain& guest) {
  guest_ = &guest;
  for (One& one : vcpus_) one.calls.move_to(guest);
}

void BusyVcpus::bind() {
  for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) {
    One& one = vcpus_[vcpu];
    evtchn_bind_ipi ipi{vcpu, 0};
    one.calls.must(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, ipi, "bind_ipi");
    one.port = ipi.port;
    evtchn_bind_virq timer{VIRQ_TIMER, vcpu, 0};
    one.calls.must(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, timer, "bind_virq");
    one.timer_port = timer.port;
    for (const uint32_t port : {one.port, one.timer_port}) {
      evtchn_unmask unmask{port};
      one.calls.must(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, unmask, "unmask");
    }
  }
}

void BusyVcpus::arm(One& one) {
  vcpu_set_singleshot_timer timer{};
  timer.timeout_abs_ns = one.calls.vcpu().time_ns() + kTickNs;
  one.calls.must_vcpu(VCPUOP_set_singleshot_timer, timer, "set_singleshot_timer");
}

void BusyVcpus::send_to(uint32_t vcpu) {
  evtchn_send send{vcpus_[vcpu].port};
  first().must(__HYPERVISOR_event_channel_op, EVTCHNOP_send, send, "send");
}

bool BusyVcpus::has_upcall(uint32_t vcpu) {
  return first().vcpu().read<uint8_t>(guest_->vcpu_info(vcpu) + offsetof(vcpu_info, evtchn_upcall_pending)) != 0;
}

void BusyVcpus::clear_upcalls() {
  for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) {
    const Gva info = guest_->vcpu_info(vcpu);
    first().vcpu().write(info + offsetof(vcpu_info, evtchn_pending_sel), uint64_t{0});
    first().vcpu().write(info + offsetof(vcpu_info, evtchn_upcall_pending), uint8_t{0});
  }
}

bool BusyVcpus::is_up(uint32_t vcpu) {
  return first().vcpu().hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_is_up, vcpu, 0}) == 1;
}

bool BusyVcpus::gets_event(uint32_t vcpu) const {
  return vcpu % 2 == 0 && !is_poller(vcpu);
}

void BusyVcpus::work() {
  for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) {
    One& one = vcpus_[vcpu];
    one.calls.vcpu().write(counters_ + vcpu * sizeof(uint64_t), ++one.count);
  }
}

void BusyVcpus::let_one_sleep() {
  if (!has_others() || sleeper_is_down_) return;
  Vcpu& vcpu = guest_->vcpu(sleeper());
  vcpu.start_hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_down, sleeper(), 0});
  for (unsigned poll = 0; poll < kDownPollsMax && is_up(sleeper()); ++poll) {
    if (vcpu.finish_hypercall(kSoonNs)) throw ToolstackError("VCPUOP_down returns in a vCPU that is not down");
  }
  if (is_up(sleeper())) throw ToolstackError("a vCPU does not go down");
  sleeper_is_down_ = true;
}

void BusyVcpus::prepare_suspension(Complaints& wrong) {
  let_one_sleep();
  for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) check_clocks(vcpu, wrong);
  clear_upcalls();
  for (One& one : vcpus_) {
    static_cast<void>(one.calls.take_event(one.port));
    static_cast<void>(one.calls.take_event(one.timer_port));
  }
  for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) {
    if (is_poller(vcpu)) continue;  // any event ends a poll
    arm(vcpus_[vcpu]);
    if (gets_event(vcpu)) send_to(vcpu);
  }
  if (!has_others()) return;
  One& last = vcpus_.back();
  const Gva list = last.calls.page() + kPollListOffset;
  sched_poll poll{};
  toolstack::set_handle(poll.ports, list);
  poll.nr_ports = 1;
  last.calls.vcpu().write(list, last.port);
  last.calls.vcpu().write(last.calls.page(), poll);
  last.calls.vcpu().start_hypercall(__HYPERVISOR_sched_op, {SCHEDOP_poll, last.calls.page().raw()});
  if (last.calls.vcpu().finish_hypercall(kSoonNs)) throw ToolstackError("a poll of a port without an event returns");
}

void BusyVcpus::end_poll(migration::Woken how, Complaints& wrong) {
  Vcpu& vcpu = vcpus_.back().calls.vcpu();
  if (how == migration::Woken::kCancelled) {
    if (vcpu.finish_hypercall(kSoonNs)) {
      wrong.push_back("the poll of " + name_of(poller()) + " returns without an event");
      return;
    }
    send_to(poller());
  }
  // In a new domain nobody knows what it waited for: it returns.
  const std::optional<int64_t> result = vcpu.finish_hypercall(kPatienceNs);
  if (!result) {
    wrong.push_back("the poll of " + name_of(poller()) + " does not return");
  } else if (*result != 0) {
    wrong.push_back("the poll of " + name_of(poller()) + " returns " + std::to_string(*result));
  }
}

void BusyVcpus::check_kept_events(Complaints& wrong) {
  for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) {
    const One& one = vcpus_[vcpu];
    const bool has_event = one.calls.take_event(one.port), has_tick = one.calls.take_event(one.timer_port);
    if ((gets_event(vcpu) || is_poller(vcpu)) && !has_event) wrong.push_back(name_of(vcpu) + " has lost its event");
    if (!gets_event(vcpu) && !is_poller(vcpu) && has_event) {
      wrong.push_back(name_of(vcpu) + " has another vCPU's event");
    }
    if (!is_poller(vcpu) && !has_tick) wrong.push_back("the timer of " + name_of(vcpu) + " did not go off");
    if (!has_upcall(vcpu)) wrong.push_back(name_of(vcpu) + " is not told of its events");
  }
}

void BusyVcpus::check_nothing_pending(Complaints& wrong) {
  for (uint32_t vcpu = 0; vcpu < guest_->vcpu_count(); ++vcpu) {
    const auto info = first().vcpu().read<vcpu_info>(guest_->vcpu_info(vcpu));
    if (info.evtchn_upcall_pending == 0 && info.evtchn_pending_sel == 0) continue;
    wrong.push_back(name_of(vcpu) + " is told of an event, and no port is open");
  }
}

void BusyVcpus::wake(migration::Woken how, const Wait& wait, Complaints& wrong) {
  if (how == migration::Woken::kRestored) check_nothing_pending(wrong);
  if (has_others()) end_poll(how, wrong);
  if (!wrong.empty()) return;
  for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) check_clocks(vcpu, wrong);
  if (how == migration::Woken::kRestored) return bind();
  wait(kTickNs);
  check_kept_events(wrong);
}

void BusyVcpus::wake_sleeper(HostTarget& target, bool has_moved, Complaints& wrong) {
  if (!sleeper_is_down_) return;
  if (is_up(sleeper())) wrong.push_back(name_of(sleeper()) + " is up, and it went down");
  sleeper_is_down_ = false;
  if (has_moved) {
    toolstack::bring_up_vcpu(*guest_, sleeper());
    target.attach_vcpu(*guest_, sleeper());
    return;
  }
  toolstack::must(first().vcpu().hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_up, sleeper(), 0}), "VCPUOP_up");
  if (guest_->vcpu(sleeper()).finish_hypercall(kPatienceNs) != 0) {
    wrong.push_back("VCPUOP_down of " + name_of(sleeper()) + " does not return when it is up again");
  }
}

void BusyVcpus::check_who_is_up(Complaints& wrong) {
  if (!has_others()) return;
  const uint32_t all = never_up() + 1;
  for (uint32_t vcpu = 0; vcpu < all; ++vcpu) {
    const bool wanted = vcpu < running() || (vcpu == sleeper() && !sleeper_is_down_);
    if (is_up(vcpu) != wanted) wrong.push_back(name_of(vcpu) + (wanted ? " is not up" : " is up"));
    if (wanted) continue;
    vcpu_runstate_info state{};
    first().must_vcpu(VCPUOP_get_runstate_info, vcpu, state, "get_runstate_info");
    if (state.state != RUNSTATE_offline) {
      wrong.push_back("runstate " + std::to_string(state.state) + " of " + name_of(vcpu) + ", which is down");
    }
  }
  const int64_t result = first().vcpu().hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_up, never_up(), 0});
  if (result == -EINVAL) return;
  wrong.push_back("VCPUOP_up of " + name_of(never_up()) + ", which has no state, returns " + std::to_string(result));
}

void BusyVcpus::check_counter(uint32_t vcpu, Complaints& wrong) {
  const One& one = vcpus_[vcpu];
  const auto count = one.calls.vcpu().read<uint64_t>(counters_ + vcpu * sizeof(uint64_t));
  if (count != one.count) {
    wrong.push_back(name_of(vcpu) + " counted to " + std::to_string(one.count) + " and finds " + std::to_string(count));
  }
}

void BusyVcpus::check_clocks(uint32_t vcpu, Complaints& wrong) {
  One& one = vcpus_[vcpu];
  const uint64_t now = one.calls.vcpu().time_ns(), tsc = one.calls.vcpu().tsc();
  const auto compare = [&](const char* name, uint64_t before, uint64_t after) {
    if (after >= before) return;
    wrong.push_back("the " + std::string(name) + " of " + name_of(vcpu) + " goes back from " + std::to_string(before) +
                    " to " + std::to_string(after));
  };
  compare("system time", one.system_ns, now);
  compare("TSC", one.tsc, tsc);
  one.system_ns = now;
  one.tsc = tsc;
}

void BusyVcpus::check_runstate(uint32_t vcpu, Complaints& wrong) {
  const One& one = vcpus_[vcpu];
  vcpu_runstate_info state{};
  one.calls.must_vcpu(VCPUOP_get_runstate_info, state, "get_runstate_info");
  const uint64_t later = one.calls.vcpu().time_ns();
  uint64_t sum = 0;
  for (const uint64_t time : state.time) sum += time;
  const std::string of = " of " + name_of(vcpu);
  if (state.state != RUNSTATE_running) {
    wrong.push_back("runstate " + std::to_string(state.state) + of + " while it runs");
  }
  if (state.state_entry_time > later) wrong.push_back("the runstate" + of + " began in the future");
  if (sum > later) wrong.push_back("the runstates" + of + " add up to more time than there was");
}

void BusyVcpus::check_events(Complaints& wrong) {
  for (uint32_t to = 0; to < running(); ++to) {
    clear_upcalls();
    send_to(to);
    if (!vcpus_[to].calls.take_event(vcpus_[to].port)) wrong.push_back(name_of(to) + " did not get its event");
    for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) {
      if (has_upcall(vcpu) == (vcpu == to)) continue;
      wrong.push_back(name_of(vcpu) + (vcpu == to ? " is not told of its event" : " is told of another one's event"));
    }
  }
  clear_upcalls();
}

void BusyVcpus::check_timers(const Wait& wait, Complaints& wrong) {
  for (One& one : vcpus_) {
    static_cast<void>(one.calls.take_event(one.timer_port));
    arm(one);
  }
  if (vcpus_.back().calls.take_event(vcpus_.back().timer_port)) {
    wrong.push_back("the timer of " + name_of(poller()) + " went off before its time");
  }
  wait(kTickNs);
  for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) {
    if (vcpus_[vcpu].calls.take_event(vcpus_[vcpu].timer_port)) continue;
    wrong.push_back("the timer of " + name_of(vcpu) + " did not go off");
  }
}

void BusyVcpus::check(const Wait& wait, Complaints& wrong) {
  for (uint32_t vcpu = 0; vcpu < running(); ++vcpu) {
    check_counter(vcpu, wrong);
    check_clocks(vcpu, wrong);
    check_runstate(vcpu, wrong);
  }
  check_who_is_up(wrong);
  check_events(wrong);
  check_timers(wait, wrong);
}

}  // namespace assay::hosts
