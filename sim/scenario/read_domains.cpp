/// Domains, their vCPUs and what those do.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "sim/input/nearest.hpp"
#include "sim/scenario/keys.hpp"
#include "sim/scenario/reader.hpp"

namespace assay::scenario {
namespace {

constexpr uint32_t kDomainsMax = 10'000;
constexpr uint64_t kBudgetMinNs = 10 * kNsPerUs;
/// Pages per second: one each microsecond, which takes half of it.
constexpr uint32_t kWriteRateMax = 1'000'000;
constexpr uint32_t kGuestMibMin = 4, kGuestMibMax = 1024;
/// That a guest may execute when the file does not say: some seconds of the host's time.
constexpr uint64_t kInstructionsUsual = 100'000'000;
constexpr uint64_t kPauseMinNs = 10 * kNsPerUs;  ///< less, and a vCPU would do nothing but call the hypervisor

}  // namespace

void Reader::read_domains(const Entry& top) {
  top.require("domains");
  for (const YAML::Node& node : list_of(top, "domains")) read_domain(node);
  if (scenario_.domains.empty()) top.fail("domains", "there must be at least one");
  uint64_t vcpus = 0;
  for (const DomainSpec& domain : scenario_.domains) vcpus += domain.vcpus.size();
  if (vcpus > kVcpusMax) top.fail("domains", fmt::format("{} vCPUs; at most {} are possible", vcpus, kVcpusMax));
}

void Reader::read_domain(const YAML::Node& node) {
  const Entry entry(file_, node, keys::kDomain);
  DomainSpec domain;
  domain.group = entry.text("name");
  domain.where = file_.place(node);
  if (std::ranges::find(scenario_.domains, domain.group, &DomainSpec::group) != scenario_.domains.end()) {
    entry.fail("name", fmt::format("there is a domain {} already", domain.group));
  }
  read_workloads(entry, domain);
  domain.weight = entry.count("weight", 1, kWeightMax);
  domain.cap = entry.count("cap", 0, 100 * kVcpusPerDomainMax);
  domain.budget_ns = entry.duration("budget");
  domain.period_ns = entry.duration("period");
  if (domain.budget_ns.has_value() != domain.period_ns.has_value()) entry.fail("'budget' and 'period' go together");
  if (domain.budget_ns && (*domain.budget_ns == 0 || *domain.budget_ns > *domain.period_ns)) {
    entry.fail("budget", "must be longer than 0, and not longer than the period");
  }
  domain.extratime = entry.flag("extratime", false);
  domain.pool = entry.has("pool") ? pool_named(entry, "pool") : 0;
  check_parameters(entry, domain);
  domain.hard = pcpus_of(entry, "affinity");
  domain.soft = pcpus_of(entry, "soft_affinity");
  domain.nodes = nodes_of(entry);
  if (domain.nodes && !domain.soft) domain.soft = pcpus_of(*domain.nodes);
  check_affinity(entry, domain);
  domain.exists_from_the_start = entry.flag("created", true);
  const uint32_t count = entry.count("count", 1, kDomainsMax).value_or(1);
  for (uint32_t i = 0; i < count; ++i) {
    domain.name = count == 1 ? domain.group : fmt::format("{}-{}", domain.group, i);
    scenario_.domains.push_back(domain);
  }
}

/// What the scheduler of its pool would have to refuse; of one that is not named, only the target knows.
void Reader::check_parameters(const Entry& entry, const DomainSpec& domain) const {
  const SchedulerKind kind = scenario_.pools[domain.pool].scheduler.kind;
  const bool is_any = kind == SchedulerKind::kAny;
  for (const char* key : {"weight", "cap"}) {
    if (entry.has(key) && !may_have_shares(kind)) entry.fail(key, "only credit and credit2 have one");
  }
  if (domain.cap) check_cap(entry, "cap", domain, *domain.cap);
  if (domain.budget_ns && !is_any && kind != SchedulerKind::kRtds) entry.fail("budget", "only rtds has one");
  for (const char* key : {"budget", "period"}) {
    const uint64_t time_ns = entry.duration(key, kBudgetMinNs);
    if (time_ns < kBudgetMinNs || time_ns % kNsPerUs != 0) entry.fail(key, "at least 10us, and whole microseconds");
  }
}

/// What is scheduled together runs, and is charged, as one.
void Reader::check_cap(const Entry& entry, const char* key, const DomainSpec& domain, uint32_t cap) const {
  const uint64_t units = (domain.vcpus.size() + scenario_.pcpus_together - 1) / scenario_.pcpus_together;
  if (cap > 100 * units) {
    entry.fail(key, fmt::format("domain {} has {} vCPUs{}: at most {}",
                                domain.name.empty() ? domain.group : domain.name, domain.vcpus.size(),
                                scenario_.pcpus_together > 1 ? ", some of them scheduled as one" : "", 100 * units));
  }
}

void Reader::check_affinity(const Entry& entry, const DomainSpec& domain) const {
  if (!domain.hard) return;
  const Pool& pool = scenario_.pools[domain.pool];
  for (uint32_t pcpu = 0; pcpu < scenario_.pcpus; ++pcpu) {
    if (domain.hard->has(pcpu) && pool.pcpus.has(pcpu)) return;
  }
  entry.fail("affinity", fmt::format("no pCPU of it is in pool {}: nothing could ever run", pool.name));
}

void Reader::read_workloads(const Entry& entry, DomainSpec& domain) {
  const int ways = int{entry.has("workload")} + int{entry.has("workloads")} + int{entry.has("guest")};
  if (ways != 1) {
    entry.fail("either 'workload', for all vCPUs, or 'workloads', a list with one for each, or 'guest', a kernel");
  }
  if (entry.has("guest")) return read_guest(entry, domain);
  if (entry.has("workload")) {
    const uint32_t vcpus = entry.count("vcpus", 1, kVcpusPerDomainMax).value_or(1);
    domain.vcpus.assign(vcpus, workload_of(entry["workload"]));
  } else {
    for (const YAML::Node& node : list_of(entry, "workloads")) domain.vcpus.push_back(workload_of(node));
    if (domain.vcpus.empty() || domain.vcpus.size() > kVcpusPerDomainMax) {
      entry.fail("workloads", fmt::format("a domain has 1 to {} vCPUs", kVcpusPerDomainMax));
    }
    const auto vcpus = entry.count("vcpus", 1, kVcpusPerDomainMax);
    if (vcpus && *vcpus != domain.vcpus.size()) entry.fail("vcpus", "there is another number of 'workloads'");
  }
  if (domain.written_pages() > kWrittenPagesMax) {
    entry.fail(fmt::format("its memory writers have {} pages; at most {} in one domain", domain.written_pages(),
                           kWrittenPagesMax));
  }
  uint64_t players = 0;
  for (const WorkloadSpec& vcpu : domain.vcpus) players += vcpu.kind == WorkloadSpec::Kind::kPingPong ? 1 : 0;
  if (players % 2 != 0) entry.fail("ping-pong takes two: an even number of vCPUs with that workload");
}

WorkloadSpec Reader::workload_of(const YAML::Node& node) {
  using Kind = WorkloadSpec::Kind;
  if (node.IsScalar()) {
    YAML::Node map;
    map["kind"] = node;
    const auto known = std::ranges::find(keys::kWorkloads, node.Scalar());
    const auto kind =
        known == keys::kWorkloads.end() ? Kind::kPeriodic : static_cast<Kind>(known - keys::kWorkloads.begin());
    if (kind == Kind::kIdle || kind == Kind::kCpuBound) return {.kind = kind};
    const std::set<std::string> names(keys::kWorkloads.begin(), keys::kWorkloads.end());
    if (known != keys::kWorkloads.end())
      file_.fail(node, fmt::format("{} needs times: {{kind: {}, ...}}", node.Scalar(), node.Scalar()));
    file_.fail(node,
               fmt::format("there is no workload {}{}", node.Scalar(), did_you_mean(nearest(names, node.Scalar()))));
  }
  const Entry entry(file_, node, keys::kWorkload);
  WorkloadSpec spec;
  spec.kind = static_cast<Kind>(entry.choice("kind", keys::kWorkloads));
  struct Times {
    const char* work;
    const char* pause;
  };
  constexpr std::array<Times, 10> kTimes{{{nullptr, nullptr},
                                          {nullptr, nullptr},
                                          {"work", "period"},
                                          {"run", "sleep"},
                                          {"hold", "think"},
                                          {"work", nullptr},
                                          {nullptr, "period"},
                                          {"work", "timeout"},
                                          {nullptr, nullptr},
                                          {nullptr, "period"}}};
  const Times times = kTimes.at(static_cast<size_t>(spec.kind));
  for (const char* key : {"work", "period", "run", "sleep", "hold", "think", "timeout"}) {
    const std::string_view name = key;
    const bool fits = (times.work != nullptr && name == times.work) || (times.pause != nullptr && name == times.pause);
    if (entry.has(key) && !fits) entry.fail(key, fmt::format("a workload of kind {} has none", entry.text("kind")));
  }
  if (times.work != nullptr) spec.work_ns = entry.required_duration(times.work);
  if (times.pause != nullptr) spec.pause_ns = entry.required_duration(times.pause);
  if (times.pause != nullptr && spec.pause_ns < kPauseMinNs)
    entry.fail(times.pause, "at least 10us: it would never yield");
  const bool is_periodic = spec.kind == Kind::kPeriodic;
  if (entry.has("deadline") && !is_periodic) entry.fail("deadline", "only a periodic workload has one");
  if (is_periodic) spec.deadline_ns = entry.duration("deadline", spec.pause_ns);
  if (is_periodic && (spec.deadline_ns < spec.work_ns || spec.deadline_ns > spec.pause_ns)) {
    entry.fail("deadline",
               "lies between the work and the period: no job could ever meet it, or the next one begins before");
  }
  read_writing(entry, spec);
  spec.variation = entry.percent("variation").value_or(0);
  if (spec.variation > kWholePcpu) entry.fail("variation", "at most 100%");
  return spec;
}

void Reader::read_guest(const Entry& entry, DomainSpec& domain) {
  domain.vcpus.assign(entry.count("vcpus", 1, kVcpusPerDomainMax).value_or(1), {.kind = WorkloadSpec::Kind::kIdle});
  const Entry guest(file_, entry["guest"], keys::kGuest);
  KernelSpec& kernel = domain.kernel.emplace();
  guest.require("kernel");
  kernel.path = image_of(guest, "kernel");
  if (guest.has("initrd")) kernel.initrd = image_of(guest, "initrd");
  const size_t type = guest.has("type") ? guest.choice("type", keys::kGuestTypes) : 0;
  if (type != 0) kernel.type = type == 1 ? GuestType::kPv64 : GuestType::kPvh;
  kernel.command_line = guest.optional_text("cmdline").value_or("");
  kernel.memory_mib = guest.count("memory", kGuestMibMin, kGuestMibMax).value_or(kernel.memory_mib);
  kernel.instructions_max = guest.count("instructions", 1, UINT32_MAX).value_or(kInstructionsUsual);
}

std::filesystem::path Reader::image_of(const Entry& entry, const char* key) const {
  try {
    return find_image(entry.text(key), folders_);
  } catch (const std::runtime_error& error) {
    entry.fail(key, error.what());
  }
}

void Reader::read_writing(const Entry& entry, WorkloadSpec& spec) {
  const bool is_writer = spec.kind == WorkloadSpec::Kind::kMemoryWriter;
  for (const char* key : {"rate", "pages", "pattern"}) {
    if (entry.has(key) && !is_writer) entry.fail(key, "only a memory-writer has one");
  }
  if (!is_writer) return;
  spec.rate = entry.required_count("rate", 1, kWriteRateMax);
  spec.pages = entry.required_count("pages", 1, kWrittenPagesMax);
  spec.is_random = entry.has("pattern") && entry.choice("pattern", keys::kPatterns) == 1;
  if (entry.has("variation")) entry.fail("variation", "a memory-writer has none: its rate is what it promises");
}

void Reader::read_slots() {
  for (const SlotsOfPool& slots : slots_) {
    Scheduler& scheduler = scenario_.pools[slots.pool].scheduler;
    if (!slots.node.IsSequence()) file_.fail(slots.node, "'slots' is a list of domain, vcpu and runtime");
    uint64_t sum = 0;
    for (const YAML::Node& node : slots.node) {
      const Entry entry(file_, node, keys::kSlot);
      const std::vector<size_t> domains = domains_named(entry, "domain");
      if (domains.size() != 1) entry.fail("domain", "a slot is one domain's");
      const uint32_t vcpu = entry.count("vcpu", 0, kVcpusPerDomainMax).value_or(0);
      check_vcpu(entry, domains, vcpu);
      scheduler.slots.push_back({domains.front(), vcpu, entry.required_duration("runtime")});
      if (scheduler.slots.size() > kSlotsMax) entry.fail(fmt::format("at most {} slots", kSlotsMax));
      sum += scheduler.slots.back().runtime_ns;
      if (sum > scheduler.frame_ns) entry.fail("runtime", "the slots are longer than the frame");
    }
  }
}

std::vector<size_t> Reader::domains_called(const YAML::Node& node) const {
  std::vector<size_t> found;
  std::set<std::string> known;
  const std::string name = node.IsScalar() ? node.Scalar() : "";
  for (size_t i = 0; i < scenario_.domains.size(); ++i) {
    const DomainSpec& domain = scenario_.domains[i];
    if (domain.name == name || domain.group == name) found.push_back(i);
    if (known.size() < 1000) known.insert(domain.group);
  }
  if (found.empty()) file_.fail(node, fmt::format("there is no domain {}{}", name, did_you_mean(nearest(known, name))));
  return found;
}

std::vector<size_t> Reader::domains_named(const Entry& entry, const char* key) const {
  entry.require(key);
  const YAML::Node node = entry[key];
  if (!node.IsSequence()) return domains_called(node);
  std::vector<size_t> all;
  for (const YAML::Node& item : node) {
    for (const size_t domain : domains_called(item)) all.push_back(domain);
  }
  if (all.empty()) entry.fail(key, "names no domain");
  return all;
}

void Reader::check_vcpu(const Entry& entry, const std::vector<size_t>& domains, uint32_t vcpu) const {
  for (const size_t domain : domains) {
    const DomainSpec& spec = scenario_.domains[domain];
    if (vcpu >= spec.vcpus.size())
      entry.fail("vcpu", fmt::format("domain {} has {} vCPUs", spec.name, spec.vcpus.size()));
  }
}

}  // namespace assay::scenario
