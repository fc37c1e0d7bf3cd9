#include "sim/trace/perfetto.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace assay::trace {
namespace {

using json = nlohmann::ordered_json;

constexpr uint64_t kPcpusProcess = 1;
constexpr uint64_t kFirstDomainProcess = 2;
constexpr uint64_t kRemarksProcess = kFirstDomainProcess + UINT16_MAX + 1;

double microseconds(uint64_t ns) {
  return static_cast<double>(ns) / 1000;
}

/// Text of guests and files need not be UTF-8.
std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool is_fault(uint32_t reason) {
  return reason == ASSAY_EXIT_EXCEPTION || reason == ASSAY_EXIT_STAGE2 || reason == ASSAY_EXIT_TRIPLE;
}

/// What the core does for the vCPU, and answers.
bool is_request(uint32_t reason) {
  return reason == ASSAY_EXIT_HYPERCALL || reason == ASSAY_EXIT_IO || reason == ASSAY_EXIT_MSR ||
         reason == ASSAY_EXIT_CPUID || reason == ASSAY_EXIT_HALT;
}

/// "EVTCHNOP_send" of "EVTCHNOP_send {port 7}": slices of one name get one colour.
std::string first_word(const std::string& text) {
  return text.substr(0, text.find(' '));
}

/// A line of the picture.
struct Track {
  uint64_t process = 0;
  uint64_t thread = 0;   ///< 0: not seen yet
  bool is_open = false;  ///< a slice that says what runs
  uint64_t end_ns = 0;   ///< of the slices so far; nothing begins or ends before
  uint64_t from(uint64_t now_ns) const { return std::max(now_ns, end_ns); }
};

class Exporter {
 public:
  Exporter(const Trace& trace, const Sink& sink, const Captions& captions)
      : trace_(trace), sink_(sink), captions_(captions) {
    if (trace.events.empty()) return;
    first_ns_ = trace.events.front().now_ns;
    last_ns_ = trace.events.back().now_ns;
  }

  void write() {
    const json about{{"subject", trace_.subject}, {"dropped", trace_.dropped}};
    sink_("{\"displayTimeUnit\":\"ns\",\"otherData\":" + dumped(about) + ",\"traceEvents\":[\n");
    for (const Event& event : trace_.events) {
      std::visit([&](const auto& what) { take(event, what); }, event.what);
    }
    for (auto& [pcpu, track] : pcpus_) close(track, last_ns_);
    for (auto& [vcpu, track] : vcpus_) close(track, last_ns_);
    remark();
    sink_("\n]}\n");
  }

 private:
  void take(const Event& event, const Switch& change) {
    Track& track = pcpu_track(event.pcpu);
    close(track, event.now_ns);
    if (change.from.kind == Occupant::Kind::kVcpu) close(vcpu_track(change.from.vcpu), event.now_ns);
    if (change.to.kind == Occupant::Kind::kUnknown) return;
    open(track, event.now_ns, to_string(change.to));
    if (change.to.kind == Occupant::Kind::kVcpu) open(vcpu_track(change.to.vcpu), event.now_ns, "running");
  }

  void take(const Event& event, const Exit& exit) {
    Track& track = runs(event);
    if (event.now_ns < track.end_ns) return;  // it has not come back yet: no trace of ours
    if (exit.gave_up_pcpu) close(track, event.now_ns);
    if (is_request(exit.left.reason)) return call(event.now_ns, track, exit);
    if (is_fault(exit.left.reason)) instant(track, event.now_ns, describe_reason(exit));
  }

  void take(const Event& event, const Delivery&) {
    instant(vcpu_track(*event.vcpu), event.now_ns, describe_what(event));
  }
  void take(const Event& event, const CoreEvent&) {
    instant(pcpu_track(event.pcpu), event.now_ns, describe_what(event));
  }

  void remark() {
    Track track;
    if (!captions_.remarks.empty()) add(track, kRemarksProcess, "Remarks", "remarks");
    for (const Captions::Remark& each : captions_.remarks) instant(track, each.now_ns, each.words);
  }

  /// Track of the vCPU that does something. When nothing has been said of it, it has run from the beginning.
  Track& runs(const Event& event) {
    Track& place = pcpus_[event.pcpu];
    if (place.thread == 0) open(pcpu_track(event.pcpu), first_ns_, to_string(*event.vcpu));
    const bool is_new = !vcpus_.contains(*event.vcpu);
    Track& track = vcpu_track(*event.vcpu);
    open(track, is_new ? first_ns_ : event.now_ns, "running");
    return track;
  }

  void call(uint64_t now_ns, Track& track, const Exit& exit) {
    const std::string what = describe_reason(exit);
    track.end_ns = exit.back ? exit.back->now_ns : last_ns_;
    json made = made_event("X", track, now_ns);
    made["dur"] = microseconds(track.end_ns - now_ns);
    made["name"] = first_word(what);
    made["args"] = {{"what", what}, {"result", exit.back ? describe_return(exit) : "has not come back"}};
    put(made);
  }

  void instant(const Track& track, uint64_t now_ns, const std::string& what) {
    json made = made_event("i", track, now_ns);
    made["s"] = "t";
    made["name"] = what;
    put(made);
  }

  void open(Track& track, uint64_t now_ns, const std::string& name) {
    if (track.is_open) return;
    track.end_ns = track.from(now_ns);
    track.is_open = true;
    json made = made_event("B", track, track.end_ns);
    made["name"] = name;
    put(made);
  }
  void close(Track& track, uint64_t now_ns) {
    if (!track.is_open) return;
    track.end_ns = track.from(now_ns);
    track.is_open = false;
    put(made_event("E", track, track.end_ns));
  }

  Track& pcpu_track(uint32_t pcpu) {
    Track& track = pcpus_[pcpu];
    if (track.thread == 0) add(track, kPcpusProcess, "pCPUs", fmt::format("pcpu {:02}", pcpu));
    return track;
  }
  Track& vcpu_track(VcpuName vcpu) {
    Track& track = vcpus_[vcpu];
    if (track.thread == 0) {
      const auto name = captions_.domains.find(vcpu.domid);
      const std::string of = name == captions_.domains.end() ? "" : ": " + name->second;
      add(track, kFirstDomainProcess + vcpu.domid, fmt::format("domain {}{}", vcpu.domid, of), to_string(vcpu));
    }
    return track;
  }

  void add(Track& track, uint64_t process, const std::string& process_name, const std::string& name) {
    track.process = process;
    track.thread = ++threads_;
    for (const auto& [what, text] : {std::pair("process_name", process_name), std::pair("thread_name", name)}) {
      put({{"ph", "M"}, {"pid", process}, {"tid", track.thread}, {"name", what}, {"args", {{"name", text}}}});
    }
  }

  static json made_event(const char* phase, const Track& track, uint64_t now_ns) {
    return {{"ph", phase}, {"pid", track.process}, {"tid", track.thread}, {"ts", microseconds(now_ns)}};
  }
  void put(const json& value) {
    sink_((is_first_ ? "" : ",\n") + dumped(value));
    is_first_ = false;
  }

  const Trace& trace_;
  const Sink& sink_;
  const Captions& captions_;
  uint64_t first_ns_ = 0;
  uint64_t last_ns_ = 0;
  uint64_t threads_ = 0;
  bool is_first_ = true;
  std::map<uint32_t, Track> pcpus_;
  std::map<VcpuName, Track> vcpus_;
};

}  // namespace

void write_perfetto(const Trace& trace, const Sink& sink, const Captions& captions) {
  Exporter(trace, sink, captions).write();
}

}  // namespace assay::trace
