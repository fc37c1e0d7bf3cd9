#include "sim/scenario/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/input/input_error.hpp"
#include "sim/input/nearest.hpp"
#include "sim/scenario/keys.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/scenario/units.hpp"

namespace assay::scenario {
namespace {

constexpr uint64_t kLivenessDefaultNs = kNsPerS;
constexpr uint64_t kFaultDelayMaxNs = kNsPerMs;
constexpr uint32_t kFreeFramesMax = 1'000'000;
constexpr uint64_t kSlowFactorMax = 100 * kWholePcpu;
constexpr uint64_t kRatelimitMinNs = 100 * kNsPerUs, kRatelimitMaxNs = 500 * kNsPerMs;
constexpr uint64_t kSliceUsualNs = 30 * kNsPerMs;
constexpr size_t kChangesMax = 100;
constexpr uint64_t kFileBytesMax = 1 << 20;

}  // namespace

void Reader::read() {
  const Entry top(file_, file_.root(), keys::kTop);
  scenario_.about = top.optional_text("about").value_or("");
  scenario_.finds = top.optional_text("finds").value_or("");
  scenario_.duration_ns = top.required_duration("duration");
  scenario_.liveness_ns = top.duration("liveness", kLivenessDefaultNs);
  if (scenario_.liveness_ns == 0)
    top.fail("liveness", "must be longer than 0: it is how soon everything runnable runs");
  read_machine(top);
  read_pools(top);
  read_domains(top);
  read_slots();
  read_faults(top);
  read_interleaving(top);
  read_actions(top);
  read_expectations(top);
}

std::vector<YAML::Node> Reader::list_of(const Entry& top, const char* key) const {
  const YAML::Node node = top[key];
  if (!node) return {};
  if (!node.IsSequence()) top.fail(key, "expected a list of entries, each beginning with '- '");
  return {node.begin(), node.end()};
}

void Reader::read_machine(const Entry& top) {
  top.require("machine");
  const Entry machine(file_, top["machine"], keys::kMachine);
  const auto pcpus = machine.count("pcpus", 1, kPcpusMax);
  const bool has_topology = machine.has("sockets") || machine.has("cores") || machine.has("threads");
  const uint32_t cores = machine.count("cores", 1, kPcpusMax).value_or(1);
  const uint32_t threads = machine.count("threads", 1, kPcpusMax).value_or(1);
  const uint64_t product = uint64_t{machine.count("sockets", 1, kPcpusMax).value_or(1)} * cores * threads;
  if (!pcpus && !has_topology) machine.fail("say how many 'pcpus' there are, or 'sockets', 'cores' and 'threads'");
  if (pcpus && has_topology && product != *pcpus) {
    machine.fail("pcpus", fmt::format("{} pCPUs cannot be: sockets x cores x threads are {}", *pcpus, product));
  }
  if (product > kPcpusMax) machine.fail(fmt::format("{} pCPUs; at most {} are possible", product, kPcpusMax));
  scenario_.pcpus = pcpus.value_or(static_cast<uint32_t>(product));
  scenario_.threads_per_core = threads;
  if (has_topology) scenario_.cores_per_socket = cores;
  read_nodes(machine);
  if (machine.has("granularity")) read_granularity(machine);
}

void Reader::read_nodes(const Entry& machine) {
  const uint32_t nodes = machine.count("nodes", 1, kNodesMax).value_or(1);
  scenario_.nodes = nodes;
  if (scenario_.pcpus % nodes != 0) {
    machine.fail("nodes", fmt::format("{} pCPUs cannot be divided among {} nodes", scenario_.pcpus, nodes));
  }
  const uint32_t each = scenario_.pcpus / nodes;
  if (nodes > 1 && each % scenario_.threads_per_core != 0) {
    machine.fail("nodes",
                 fmt::format("a node would have {} pCPUs: the threads of a core cannot be on two nodes", each));
  }
  const uint32_t socket = scenario_.cores_per_socket * scenario_.threads_per_core;
  if (socket != 0 && each % socket != 0 && socket % each != 0) {
    machine.fail("nodes", fmt::format("a node would have {} pCPUs, and a socket has {}: nodes are whole sockets, or "
                                      "equal parts of one",
                                      each, socket));
  }
}

/// Nothing when it is not given.
std::optional<PcpuSet> Reader::nodes_of(const Entry& entry) const {
  if (!entry.has("nodes")) return std::nullopt;
  const auto nodes = parse_pcpus(entry.text("nodes"));
  if (!nodes) entry.fail("nodes", fmt::format("{} is no set of nodes; write 1, 0-1 or 0,2", entry.text("nodes")));
  if (nodes->at_or_above(scenario_.nodes) != PcpuSet::kNone) {
    entry.fail("nodes", fmt::format("there is no node {}: the machine has nodes 0 to {}",
                                    nodes->at_or_above(scenario_.nodes), scenario_.nodes - 1));
  }
  return nodes;
}

PcpuSet Reader::pcpus_of(const PcpuSet& nodes) const {
  PcpuSet pcpus;
  for (uint32_t pcpu = 0; pcpu < scenario_.pcpus; ++pcpu) {
    if (nodes.has(pcpu / (scenario_.pcpus / scenario_.nodes))) pcpus.add(pcpu);
  }
  return pcpus;
}

void Reader::read_granularity(const Entry& machine) {
  scenario_.granularity = static_cast<Granularity>(machine.choice("granularity", keys::kGranularities));
  if (scenario_.granularity == Granularity::kCpu) return;
  uint32_t& together = scenario_.pcpus_together;
  together = scenario_.threads_per_core;
  if (scenario_.granularity == Granularity::kSocket) together *= std::max(scenario_.cores_per_socket, 1u);
  if (together == 1) machine.fail("granularity", "every pCPU is one of its own: say how many 'threads' a core has");
  if (const uint32_t each = scenario_.pcpus / scenario_.nodes; each % together != 0) {
    machine.fail(
        "granularity",
        fmt::format("a node has {} pCPUs: those that are scheduled together, {}, cannot be on two", each, together));
  }
  if (scenario_.pcpus + together > ASSAY_PCPUS_MAX) {
    machine.fail("granularity", fmt::format("{} pCPUs leave none together for the privileged domain, which needs {}",
                                            scenario_.pcpus, together));
  }
}

std::optional<PcpuSet> Reader::pcpus_of(const Entry& entry, const char* key) const {
  const auto pcpus = entry.pcpus(key, scenario_.pcpus);
  const uint32_t together = scenario_.pcpus_together;
  for (uint32_t pcpu = 0; pcpus && pcpu < scenario_.pcpus; ++pcpu) {
    const uint32_t first = pcpu / together * together;
    if (pcpus->has(pcpu) == pcpus->has(first)) continue;
    entry.fail(key, fmt::format("pCPUs {} to {} are scheduled together ('granularity'): all of them or none", first,
                                first + together - 1));
  }
  return pcpus;
}

Scheduler Reader::scheduler_of(const YAML::Node& node) {
  Scheduler scheduler;
  const Entry entry(file_, node, keys::kScheduler);
  scheduler.kind = static_cast<SchedulerKind>(entry.choice("name", keys::kSchedulers));
  scheduler.ratelimit_ns = entry.duration("ratelimit");
  scheduler.timeslice_ns = entry.duration("timeslice");
  const bool has_slice = scheduler.kind == SchedulerKind::kCredit;
  const bool has_limit = has_slice || scheduler.kind == SchedulerKind::kCredit2;
  if (scheduler.timeslice_ns && !has_slice) entry.fail("timeslice", "only credit has one");
  if (scheduler.ratelimit_ns && !has_limit) entry.fail("ratelimit", "only credit and credit2 have one");
  check_times(entry, scheduler);
  const bool has_frame = scheduler.kind == SchedulerKind::kArinc653;
  if (has_frame) scheduler.frame_ns = entry.required_duration("frame");
  if (has_frame && scenario_.pcpus_together > 1) {
    entry.fail("name", "arinc653 schedules single vCPUs: it goes with the 'granularity' cpu of the machine only");
  }
  if (!has_frame && entry.has("frame")) entry.fail("frame", "only arinc653 has one");
  if (!has_frame && entry.has("slots")) entry.fail("slots", "only arinc653 has them");
  if (has_frame) entry.require("slots");
  return scheduler;
}

/// Source: public/sysctl.h, XEN_SYSCTL_SCHED_RATELIMIT_* and XEN_SYSCTL_CSCHED_TSLICE_*.
void Reader::check_times(const Entry& entry, const Scheduler& scheduler) {
  const uint64_t slice_ns = scheduler.timeslice_ns.value_or(kSliceUsualNs);
  if (slice_ns < kNsPerMs || slice_ns > kNsPerS || slice_ns % kNsPerMs != 0) {
    entry.fail("timeslice", "from 1ms to 1s, and whole milliseconds");
  }
  const uint64_t limit_ns = scheduler.ratelimit_ns.value_or(0);
  const bool in_range = limit_ns >= kRatelimitMinNs && limit_ns <= kRatelimitMaxNs && limit_ns % kNsPerUs == 0;
  if (limit_ns != 0 && !in_range) entry.fail("ratelimit", "0, or from 100us to 500ms, and whole microseconds");
  if (scheduler.kind == SchedulerKind::kCredit && limit_ns > slice_ns) {
    entry.fail("ratelimit", fmt::format("longer than the time slice, {}", show_duration(slice_ns)));
  }
}

void Reader::read_pools(const Entry& top) {
  if (!top.has("pools")) {
    Pool pool{"all", {}, {}, file_.place(top["machine"])};
    for (uint32_t pcpu = 0; pcpu < scenario_.pcpus; ++pcpu) pool.pcpus.add(pcpu);
    if (top.has("scheduler")) pool.scheduler = scheduler_of(top["scheduler"]);
    if (top.has("scheduler") && top["scheduler"]["slots"]) slots_.push_back({0, top["scheduler"]["slots"]});
    scenario_.pools.push_back(std::move(pool));
    return;
  }
  if (top.has("scheduler")) top.fail("scheduler", "with 'pools', each pool has its own");
  PcpuSet taken;
  for (const YAML::Node& node : list_of(top, "pools")) {
    const Entry entry(file_, node, keys::kPool);
    Pool pool{entry.text("name"), {}, {}, file_.place(node)};
    const bool is_known = std::ranges::find(scenario_.pools, pool.name, &Pool::name) != scenario_.pools.end();
    if (is_known) entry.fail("name", fmt::format("there is a pool {} already", pool.name));
    if (entry.has("pcpus") == entry.has("nodes")) entry.fail("either 'pcpus' or 'nodes', whose pCPUs it has");
    const auto nodes = nodes_of(entry);
    pool.pcpus = nodes ? pcpus_of(*nodes) : *pcpus_of(entry, "pcpus");
    for (uint32_t pcpu = 0; pcpu < scenario_.pcpus; ++pcpu) {
      if (!pool.pcpus.has(pcpu)) continue;
      if (taken.has(pcpu))
        entry.fail(nodes ? "nodes" : "pcpus", fmt::format("pools overlap: another one has pCPU {} already", pcpu));
      taken.add(pcpu);
    }
    if (entry.has("scheduler")) pool.scheduler = scheduler_of(entry["scheduler"]);
    if (entry.has("scheduler") && entry["scheduler"]["slots"]) {
      slots_.push_back({scenario_.pools.size(), entry["scheduler"]["slots"]});
    }
    scenario_.pools.push_back(std::move(pool));
  }
  if (scenario_.pools.empty()) top.fail("pools", "there must be at least one");
}

size_t Reader::pool_named(const Entry& entry, const char* key) const {
  const std::string name = entry.text(key);
  std::set<std::string> known;
  for (size_t i = 0; i < scenario_.pools.size(); ++i) {
    if (scenario_.pools[i].name == name) return i;
    known.insert(scenario_.pools[i].name);
  }
  entry.fail(key, fmt::format("there is no pool {}{}", name, did_you_mean(nearest(known, name))));
}

void Reader::read_interleaving(const Entry& top) {
  const YAML::Node node = top["interleaving"];
  if (!node) return;
  InterleavingSpec spec;
  if (node.IsScalar()) {
    if (node.Scalar() != "none") top.fail("interleaving", "expected none, {changes: [...]} or {one_in: N}");
    scenario_.interleaving = spec;
    return;
  }
  const Entry entry(file_, node, keys::kInterleaving);
  if (entry.has("changes") == entry.has("one_in")) entry.fail("either 'changes', a list of points, or 'one_in'");
  if (const auto one_in = entry.count("one_in", 1, UINT32_MAX)) spec.one_in = *one_in;
  if (entry.has("changes")) {
    spec.changes.emplace();
    for (const YAML::Node& point : list_of(entry, "changes")) {
      const auto number = parse_count(point.IsScalar() ? point.Scalar() : "");
      if (!number) file_.fail(point, "'changes': expected the number of a scheduling point, counted from 0");
      spec.changes->push_back(*number);
    }
    if (spec.changes->size() > kChangesMax) entry.fail("changes", fmt::format("at most {}", kChangesMax));
  }
  scenario_.interleaving = std::move(spec);
}

void Reader::read_faults(const Entry& top) {
  if (!top.has("faults")) return;
  const Entry entry(file_, top["faults"], keys::kFaults);
  FaultSpec& faults = scenario_.faults;
  faults.signal_delay_ns = entry.duration("signal_delay", 0);
  faults.timer_lateness_ns = entry.duration("timer_lateness", 0);
  faults.clock_jitter_ns = entry.duration("clock_jitter", 0);
  for (const char* key : {"signal_delay", "timer_lateness", "clock_jitter"}) {
    if (entry.duration(key, 0) > kFaultDelayMaxNs) entry.fail(key, "at most 1ms: what is later is broken hardware");
  }
  faults.free_frames = entry.count("free_frames", 0, kFreeFramesMax);
  if (entry.has("slow_pcpus") != entry.has("slow_factor")) entry.fail("'slow_pcpus' and 'slow_factor' go together");
  if (const auto slow = entry.pcpus("slow_pcpus", scenario_.pcpus)) faults.slow_pcpus = *slow;
  faults.slow_factor = entry.percent("slow_factor").value_or(kWholePcpu);
  if (faults.slow_factor < kWholePcpu || faults.slow_factor > kSlowFactorMax) {
    entry.fail("slow_factor", "from 100% to 10000%: the time that it takes, of the usual one");
  }
  faults.until_ns = entry.duration("until", scenario_.duration_ns);
  if (faults.until_ns > scenario_.duration_ns) {
    entry.fail("until", "faults end with the safety phase, whose end is 'duration'");
  }
}

Scenario read_scenario(const std::string& name, std::string_view text, const ImageFolders& folders) {
  const YamlInput file(name, text);
  Scenario scenario;
  scenario.name = std::filesystem::path(name).stem().string();
  Reader(file, folders, scenario).read();
  return scenario;
}

Scenario read_scenario_file(const std::filesystem::path& path, ImageFolders folders) {
  std::error_code error;
  const uint64_t bytes = std::filesystem::file_size(path, error);
  if (!error && bytes > kFileBytesMax) throw InputError(path.string() + ": larger than any scenario (1 MiB)");
  const YamlInput file = YamlInput::from_file(path.string());
  Scenario scenario;
  scenario.name = path.stem().string();
  folders.insert(folders.begin(), std::filesystem::absolute(path).parent_path());
  Reader(file, folders, scenario).read();
  return scenario;
}

}  // namespace assay::scenario
