#include "sim/hosts/simulated_host.hpp"

#include "sim/toolstack/error.hpp"

namespace assay::hosts {

namespace {

constexpr uint32_t kDomainsMax = 64;
constexpr uint64_t kDestroyPollNs = 1'000'000;
constexpr unsigned kDestroyPollsMax = 100;

/// What a domain that moves and its partner take.
constexpr Capability kNeeds[] = {Capability::kDom0, Capability::kPv64Guest, Capability::kPvhGuest,
                                 Capability::kTwoGuests, Capability::kMultiVcpu};

void must_host_guests(const std::string& name, const HostTarget& target) {
  std::string missing;
  for (const Capability need : kNeeds) {
    if (!target.has(need)) missing += (missing.empty() ? "" : ", ") + std::string(to_string(need));
  }
  if (missing.empty()) return;
  throw TargetUnavailable("host " + name + ", core " + target.options().core.string() + " (" + target.info().name +
                          "): no domain can live there; asked by trying, it lacks: " + missing);
}

}  // namespace

std::string to_string(const Resources& resources) {
  std::string text = std::to_string(resources.free_pages) + " free pages, domains";
  for (const uint16_t domain : resources.domains) text += " " + std::to_string(domain);
  return text;
}

SimulatedHost::SimulatedHost(std::string name, const HostOptions& options)
    : name_(std::move(name)), target_(make_host_target(options)) {
  must_host_guests(name_, *target_);
  begin(0);
}

void SimulatedHost::begin(uint64_t seed) {
  ballast_.reset();
  target_->begin_case(seed);
  toolstack_.emplace(target_->dom0());
}

Resources SimulatedHost::resources() {
  const toolstack::Privileged& dom0 = toolstack_->tools().dom0;
  Resources found;
  xen_sysctl physinfo = toolstack::make_sysctl(XEN_SYSCTL_physinfo);
  toolstack::must(dom0.sysctl(physinfo), "physinfo of host " + name_);
  found.free_pages = physinfo.u.physinfo.free_pages;
  static_assert(kDomainsMax * sizeof(xen_domctl_getdomaininfo) <= toolstack::Privileged::kBufferBytes);
  xen_sysctl list = toolstack::make_sysctl(XEN_SYSCTL_getdomaininfolist);
  list.u.getdomaininfolist.max_domains = kDomainsMax;
  toolstack::set_handle(list.u.getdomaininfolist.buffer, dom0.buffer());
  toolstack::must(dom0.sysctl(list), "getdomaininfolist of host " + name_);
  std::vector<xen_domctl_getdomaininfo> infos(list.u.getdomaininfolist.num_domains);
  dom0.read_buffer(std::as_writable_bytes(std::span(infos)));
  for (const auto& info : infos) found.domains.push_back(info.domain);
  return found;
}

bool SimulatedHost::can_run(DomId domain) {
  const auto info = toolstack_->info(domain);
  constexpr uint32_t kHeld = XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_paused;
  return info && (info->flags & kHeld) == 0;
}

void SimulatedHost::leave_room(uint64_t pages) {
  const uint64_t free = resources().free_pages;
  if (free <= pages) return;
  const toolstack::DomainControl& control = toolstack_->tools().control;
  const DomId ballast = control.create(GuestSpec{});
  ballast_ = ballast;
  control.set_max_memory(ballast, free);
  const uint64_t now_free = resources().free_pages;
  if (now_free > pages) static_cast<void>(control.populate(ballast, now_free - pages));
}

void SimulatedHost::make_room() {
  if (!ballast_) return;
  toolstack_->destroy(*ballast_);
  for (unsigned poll = 0; poll < kDestroyPollsMax && toolstack_->info(*ballast_); ++poll) {
    target_->pass_time(kDestroyPollNs);
  }
  ballast_.reset();
}

}  // namespace assay::hosts
