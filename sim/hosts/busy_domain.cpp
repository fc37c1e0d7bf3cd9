#include "sim/hosts/busy_domain.hpp"

#include <algorithm>
#include <cstddef>

#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kTickNs = 50'000;
constexpr unsigned kPollsMax = 1000;
constexpr uint64_t kPollNs = 100'000;
/// Heap that is left for the guest's own calls.
constexpr uint64_t kSparePages = 32;

uint64_t stamped_pages(const Domain& guest, const LoadOptions& load) {
  const uint64_t room = guest.pages_left() > kSparePages ? guest.pages_left() - kSparePages : 1;
  return load.stamped_pages == 0 ? room : std::min(load.stamped_pages, room);
}

}  // namespace

BusyDomain::BusyDomain(SimulatedHosts& hosts, const LoadOptions& load) : hosts_(hosts), load_(load) {
  for (size_t i = 0; load.has_traffic && i < hosts.count(); ++i) {
    partners_.push_back(std::make_unique<Partner>(hosts.host(i).target().create_guest(GuestSpec{})));
  }
  hosts.meet();
  domain_ = &host().target().create_guest(load.guest);
  calls_.emplace(*domain_);
  if (load.guest.type == GuestType::kPvh) {
    const uint64_t store = domain_->pfn_of(domain_->alloc_pages(1)).raw();
    host().toolstack().tools().control.set_hvm_param(domain_->id(), HVM_PARAM_STORE_PFN, store);
  }
  if (load.has_traffic) traffic_.emplace(*domain_);
  memory_.emplace(*domain_, stamped_pages(*domain_, load), hosts.stream("writes"));
  if (traffic_) traffic_->connect(*partners_[at_]);
  clocks_ = read_clocks();
  worked_until_ns_ = host().now_ns();
}

void BusyDomain::work() {
  if (is_suspended_ || load_.writes_per_ms == 0) return;
  const uint64_t due = (host().now_ns() - worked_until_ns_) * load_.writes_per_ms / kNsPerMs;
  if (due == 0) return;
  // What its own work takes does not make more work due.
  memory_->write(*domain_, due);
  worked_until_ns_ = host().now_ns();
}

void BusyDomain::suspend() {
  if (traffic_) traffic_->disconnect();
  clocks_ = read_clocks();
  heap_ = domain_->heap_mark();
  migration::suspend_guest(*domain_);
  is_suspended_ = true;
  for (unsigned poll = 0; poll < kPollsMax; ++poll) {
    const auto info = host().toolstack().info(domain_->id());
    if (info && (info->flags & XEN_DOMINF_shutdown) != 0) return;
    host().target().pass_time(kPollNs);
  }
  throw ToolstackError("the guest does not suspend itself");
}

void BusyDomain::wake(migration::Woken expected, std::vector<std::string>& wrong) {
  const migration::Woken woken = migration::wake_guest(*domain_, kPatienceNs);
  is_suspended_ = woken == migration::Woken::kNotYet;
  if (woken != expected) {
    wrong.emplace_back(woken == migration::Woken::kNotYet ? "the guest does not go on"
                                                          : "the guest is told of another end of its suspension");
    return;
  }
  domain_->heap_go_back(heap_);
  check_clocks(wrong);
  check_events(wrong);
  check_runstate(wrong);
  worked_until_ns_ = host().now_ns();
  if (traffic_) traffic_->connect(*partners_[at_]);
}

std::vector<std::string> BusyDomain::go_on() {
  std::vector<std::string> wrong;
  if (is_suspended_) {
    host().toolstack().go_on(domain_->id());
    wake(migration::Woken::kCancelled, wrong);
  }
  return wrong;
}

std::vector<std::string> BusyDomain::arrive(size_t at, const BuiltGuest& built, const HostTarget::Luggage& luggage) {
  std::vector<std::string> wrong;
  at_ = at;
  domain_ = &host().target().adopt_moved(built, load_.guest.type, luggage);
  calls_->move_to(*domain_);
  if (traffic_) traffic_->move_to(*domain_);
  wake(migration::Woken::kRestored, wrong);
  return wrong;
}

GuestClocks BusyDomain::read_clocks() {
  const shared_info info = calls_->read_shared_info();
  GuestClocks clocks;
  clocks.system_ns = calls_->vcpu().time_ns();
  clocks.tsc = calls_->vcpu().tsc();
  clocks.wall_ns = (uint64_t{info.wc_sec_hi} << 32 | info.wc_sec) * kNsPerSecond + info.wc_nsec + clocks.system_ns;
  return clocks;
}

void BusyDomain::check_clocks(std::vector<std::string>& wrong) {
  const GuestClocks now = read_clocks();
  const auto compare = [&](const char* name, uint64_t before, uint64_t after) {
    if (after >= before) return;
    wrong.push_back(std::string(name) + " goes back from " + std::to_string(before) + " to " + std::to_string(after));
  };
  compare("the guest's system time", clocks_.system_ns, now.system_ns);
  compare("the guest's TSC", clocks_.tsc, now.tsc);
  compare("the guest's wall clock", clocks_.wall_ns, now.wall_ns);
  clocks_ = now;
}

void BusyDomain::check_events(std::vector<std::string>& wrong) {
  const shared_info info = calls_->read_shared_info();
  for (size_t word = 0; word < std::size(info.evtchn_pending); ++word) {
    if (info.evtchn_pending[word] == 0) continue;
    wrong.push_back("an event is pending on a port that is not open, in word " + std::to_string(word));
    return;
  }
}

void BusyDomain::check_runstate(std::vector<std::string>& wrong) {
  vcpu_runstate_info state{};
  calls_->must_vcpu(VCPUOP_get_runstate_info, state, "get_runstate_info");
  const uint64_t now = calls_->vcpu().time_ns();
  uint64_t sum = 0;
  for (const uint64_t time : state.time) sum += time;
  if (state.state != RUNSTATE_running) wrong.push_back("runstate " + std::to_string(state.state) + " while it runs");
  if (state.state_entry_time > now) wrong.emplace_back("its runstate began in the future");
  if (sum > now) wrong.emplace_back("its runstates add up to more time than there was");
}

void BusyDomain::check_traffic(std::vector<std::string>& wrong) {
  for (std::string said :
       {traffic_->exercise(), traffic_->tick(kTickNs, [this](uint64_t ns) { host().target().pass_time(ns); })}) {
    if (!said.empty()) wrong.push_back(std::move(said));
  }
}

std::vector<std::string> BusyDomain::check() {
  if (is_suspended_) return {"it stands still"};
  std::vector<std::string> wrong;
  check_clocks(wrong);
  check_runstate(wrong);
  if (const std::string said = memory_->check(*domain_); !said.empty()) wrong.push_back(said);
  if (traffic_ && traffic_->is_connected()) check_traffic(wrong);
  return wrong;
}

}  // namespace assay::hosts
