#include "sim/hosts/busy_domain.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
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
  load_.guest = BusyVcpus::with_vcpus(load.guest, load.vcpus);
  partners_.resize(hosts.count());
  for (size_t i = 0; i < hosts.count(); ++i) meet_again(i);
  hosts.meet();
  domain_ = &host().target().create_guest(load_.guest);
  calls_.emplace(*domain_);
  if (load.guest.type == GuestType::kPvh) {
    const uint64_t store = domain_->pfn_of(domain_->alloc_pages(1)).raw();
    host().toolstack().tools().control.set_hvm_param(domain_->id(), HVM_PARAM_STORE_PFN, store);
  }
  if (load.has_traffic) traffic_.emplace(*domain_);
  vcpus_.emplace(*domain_, load.vcpus);
  memory_.emplace(*domain_, stamped_pages(*domain_, load), load.vcpus, hosts.stream("writes"));
  share(wrong_meanwhile_);
  worked_until_ns_ = host().now_ns();
}

void BusyDomain::meet_again(size_t host) {
  if (!load_.has_traffic) return;
  partners_.at(host) = std::make_unique<Partner>(hosts_.host(host).target().create_guest(GuestSpec{}));
}

void BusyDomain::work() {
  if (is_suspended_) return;
  if (is_moving_) work_while_moved();
  if (load_.writes_per_ms == 0) return;
  const uint64_t due = (host().now_ns() - worked_until_ns_) * load_.writes_per_ms / kNsPerMs;
  if (due == 0) return;
  // What its own work takes does not make more work due.
  memory_->write(*domain_, due);
  vcpus_->work();
  worked_until_ns_ = host().now_ns();
}

/// What a partner writes through its mapping is noted when that goes; nobody promises it earlier.
void BusyDomain::work_while_moved() {
  vcpus_->let_one_sleep();
  if (!traffic_ || load_.is_abrupt) return;
  if (std::string said = traffic_->exercise(); !said.empty()) wrong_meanwhile_.push_back(std::move(said));
}

void BusyDomain::suspend() {
  if (traffic_ && load_.is_abrupt) traffic_->leave_open();
  if (traffic_ && !load_.is_abrupt) traffic_->disconnect();
  check_wall_clock(wrong_meanwhile_);
  vcpus_->prepare_suspension(wrong_meanwhile_);
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
  if (woken == migration::Woken::kRestored) check_ports(wrong);
  vcpus_->wake(woken, wait(), wrong);
  worked_until_ns_ = host().now_ns();
  if (traffic_ && traffic_->is_connected()) {
    if (std::string said = traffic_->go_on(); !said.empty()) wrong.push_back(std::move(said));
  } else {
    share(wrong);
  }
}

void BusyDomain::share(std::vector<std::string>& wrong) {
  if (!traffic_) return;
  if (std::string said = traffic_->connect(*partners_[at_]); !said.empty()) wrong.push_back(std::move(said));
}

std::vector<std::string> BusyDomain::bury() {
  if (!traffic_ || !traffic_->is_connected()) return {};
  const auto is_there = [&] { return host().toolstack().info(domain_->id()).has_value(); };
  const std::string said = traffic_->bury(is_there);
  return said.empty() ? std::vector<std::string>{} : std::vector{said};
}

std::vector<std::string> BusyDomain::go_on() {
  std::vector<std::string> wrong;
  if (is_suspended_) {
    host().toolstack().go_on(domain_->id());
    wake(migration::Woken::kCancelled, wrong);
  }
  is_moving_ = false;
  if (!is_suspended_) vcpus_->wake_sleeper(host().target(), false, wrong);
  return wrong;
}

std::vector<std::string> BusyDomain::arrive(size_t at, const BuiltGuest& built, const HostTarget::Luggage& luggage) {
  std::vector<std::string> wrong;
  at_ = at;
  domain_ = &host().target().adopt_moved(built, load_.guest.type, luggage);
  calls_->move_to(*domain_);
  vcpus_->move_to(*domain_);
  if (traffic_) traffic_->move_to(*domain_);
  wake(migration::Woken::kRestored, wrong);
  is_moving_ = false;
  if (!is_suspended_) vcpus_->wake_sleeper(host().target(), true, wrong);
  return wrong;
}

BusyVcpus::Wait BusyDomain::wait() {
  return [this](uint64_t ns) { host().target().pass_time(ns); };
}

void BusyDomain::check_wall_clock(std::vector<std::string>& wrong) {
  const shared_info info = calls_->read_shared_info();
  const uint64_t now =
      (uint64_t{info.wc_sec_hi} << 32 | info.wc_sec) * kNsPerSecond + info.wc_nsec + calls_->vcpu().time_ns();
  if (now < wall_ns_) {
    wrong.push_back("the guest's wall clock goes back from " + std::to_string(wall_ns_) + " to " + std::to_string(now));
  }
  wall_ns_ = now;
}

void BusyDomain::check_ports(std::vector<std::string>& wrong) {
  const shared_info info = calls_->read_shared_info();
  for (size_t word = 0; word < std::size(info.evtchn_pending); ++word) {
    if (info.evtchn_pending[word] == 0) continue;
    wrong.push_back("an event is pending on a port that is not open, in word " + std::to_string(word));
    return;
  }
}

std::vector<std::string> BusyDomain::check() {
  if (is_suspended_) return {"it stands still"};
  std::vector<std::string> wrong = std::exchange(wrong_meanwhile_, {});
  check_wall_clock(wrong);
  vcpus_->check(wait(), wrong);
  if (const std::string said = memory_->check(*domain_); !said.empty()) wrong.push_back(said);
  if (traffic_ && traffic_->is_connected()) {
    if (std::string said = traffic_->exercise(); !said.empty()) wrong.push_back(std::move(said));
  }
  return wrong;
}

}  // namespace assay::hosts
