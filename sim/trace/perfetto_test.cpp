#include "sim/trace/perfetto.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "sim/engine/rng.hpp"
#include "sim/trace/testing/scene.hpp"
#include "sim/trace/trace_recorder.hpp"

namespace assay::trace {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Slice {
  int64_t begin, end;  ///< ns
  std::string name;
};

struct Picture {
  std::map<int, std::string> tracks;
  std::map<std::string, std::vector<Slice>> slices;
  std::map<std::string, std::vector<std::string>> instants;
};

int64_t nanoseconds(const json& microseconds) {
  return std::llround(microseconds.get<double>() * 1000);
}

Picture picture_of(const Trace& trace) {
  std::string text;
  write_perfetto(trace, [&](std::string_view piece) { text += piece; });
  Picture picture;
  std::map<std::string, std::vector<Slice>> open;
  const json whole = json::parse(text);
  for (const json& event : whole.at("traceEvents")) {
    const std::string phase = event.at("ph");
    const int tid = event.at("tid");
    if (phase == "M") {
      if (event.at("name") == "thread_name") picture.tracks[tid] = event.at("args").at("name");
      continue;
    }
    const std::string track = picture.tracks.at(tid);
    const int64_t at = nanoseconds(event.at("ts"));
    if (phase == "B") {
      open[track].push_back({at, at, event.at("name")});
    } else if (phase == "E") {
      open[track].back().end = at;
      picture.slices[track].push_back(open[track].back());
      open[track].pop_back();
    } else if (phase == "X") {
      picture.slices[track].push_back({at, at + nanoseconds(event.at("dur")), event.at("name")});
    } else {
      EXPECT_EQ(phase, "i");
      picture.instants[track].push_back(event.at("name"));
    }
  }
  for (const auto& [track, slices] : open) EXPECT_THAT(slices, IsEmpty()) << track;
  return picture;
}

/// Any two slices of a track lie within each other or apart.
void expect_nested(const Picture& picture) {
  for (const auto& [track, slices] : picture.slices) {
    for (const Slice& one : slices) {
      EXPECT_LE(one.begin, one.end) << track << " " << one.name;
      for (const Slice& other : slices) {
        const bool crosses = one.begin < other.begin && other.begin < one.end && one.end < other.end;
        EXPECT_FALSE(crosses) << track << ": " << one.name << " and " << other.name;
      }
    }
  }
}

std::vector<std::string> words(const std::vector<Slice>& slices) {
  std::vector<Slice> sorted = slices;
  std::ranges::sort(sorted, {}, [](const Slice& slice) { return std::tuple(slice.begin, -slice.end, slice.name); });
  std::vector<std::string> text;
  for (const Slice& slice : sorted) {
    text.push_back(slice.name + " " + std::to_string(slice.begin) + ".." + std::to_string(slice.end));
  }
  return text;
}

TEST(Perfetto, Tracks_AreThePcpusAndTheVcpus) {
  const Picture picture = picture_of(small_trace());
  std::vector<std::string> names;
  for (const auto& [tid, name] : picture.tracks) names.push_back(name);
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("pcpu 02", "pcpu 03", "d1v0", "d2v1"));
  expect_nested(picture);
}

TEST(Perfetto, Pcpus_ShowWhatTheyRun) {
  Picture picture = picture_of(small_trace());
  EXPECT_THAT(words(picture.slices["pcpu 02"]),
              ElementsAre("d1v0 1000..3500", "d2v1 3500..10500", "idle 10500..11000"));
  EXPECT_THAT(words(picture.slices["pcpu 03"]), ElementsAre("idle 1000..8000", "d1v0 8000..11000"));
  EXPECT_THAT(picture.instants["pcpu 02"], ElementsAre("core event 0x1f004 7 0x12345"));
}

TEST(Perfetto, Calls_LieWithinRunning_AndThoseThatBlockBetween) {
  Picture picture = picture_of(small_trace());
  EXPECT_THAT(words(picture.slices["d1v0"]),
              ElementsAre("running 1000..3001", "EVTCHNOP_send 2000..2500", "SCHEDOP_block 3001..8000",
                          "running 8000..11000", "SCHEDOP_yield 11000..11000"));
  EXPECT_THAT(words(picture.slices["d2v1"]), ElementsAre("running 3500..10000", "cpuid 4000..4500", "wrmsr 5000..5500",
                                                         "in 7000..7500", "halt 10000..11000"));
  EXPECT_THAT(picture.instants["d1v0"],
              ElementsAre("goes on at 0x9000, left at 0x1000", "#PF error 0x6 address 0x7000 at 0x9000"));
}

TEST(Perfetto, WhoIsFirstSeenLeaving_HasRunFromTheBeginning) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  scene.idles(100, 1);
  scene.calls(200, 0, {1, 0}, __HYPERVISOR_sched_op, SCHEDOP_yield);
  scene.answers(300, 0, {1, 0}, 0);
  scene.idles(400, 1);
  Picture picture = picture_of(recorder.trace());
  EXPECT_THAT(words(picture.slices["pcpu 00"]), ElementsAre("d1v0 100..200"));
  EXPECT_THAT(words(picture.slices["d1v0"]), ElementsAre("running 100..300", "SCHEDOP_yield 200..300"));
}

TEST(Perfetto, Captions_NameDomainsAndStandOnATrackOfTheirOwn) {
  std::string text;
  const Captions captions{.domains = {{1, "a <b> \"c\""}}, .remarks = {{2500, "late"}}};
  write_perfetto(
      small_trace(), [&](std::string_view piece) { text += piece; }, captions);
  std::map<int, std::string> processes;
  std::vector<std::pair<std::string, double>> remarks;
  const json whole = json::parse(text);
  for (const json& event : whole.at("traceEvents")) {
    const int pid = event.at("pid");
    if (event.value("name", "") == "process_name") processes[pid] = event.at("args").at("name");
    if (processes[pid] == "Remarks" && event.at("ph") == "i") remarks.emplace_back(event.at("name"), event.at("ts"));
  }
  std::vector<std::string> names;
  for (const auto& [pid, name] : processes) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("pCPUs", "domain 1: a <b> \"c\"", "domain 2", "Remarks"));
  EXPECT_THAT(remarks, ElementsAre(std::pair<std::string, double>("late", 2.5)));
}

/// Files hold what no machine does: the picture may be nonsense, but it is one.
TEST(Perfetto, EventsThatContradictEachOther_StillNest) {
  Rng rng = Rng(1).fork("contradictions");
  for (int i = 0; i < 500; ++i) {
    Trace trace = small_trace();
    for (Event& event : trace.events) {
      if (rng.below(4) == 0) event.pcpu = static_cast<uint32_t>(2 + rng.below(2));
      if (event.vcpu && rng.below(4) == 0) event.vcpu = VcpuName{1, 0};
      Exit* const exit = std::get_if<Exit>(&event.what);
      if (exit == nullptr || rng.below(2) == 0) continue;
      exit->gave_up_pcpu = rng.below(2) == 0;
      if (exit->back) exit->back->now_ns = event.now_ns + rng.below(9'000);
    }
    expect_nested(picture_of(trace));
  }
}

TEST(Perfetto, AnEmptyTrace_IsStillJson) {
  EXPECT_THAT(picture_of(Trace{}).tracks, IsEmpty());
}

TEST(Perfetto, TextThatIsNoUtf8_IsReplaced) {
  Trace trace;
  trace.subject = "kernel \xff";
  EXPECT_THAT(picture_of(trace).tracks, IsEmpty());
}

}  // namespace
}  // namespace assay::trace
