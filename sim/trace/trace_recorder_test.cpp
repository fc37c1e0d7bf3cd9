#include "sim/trace/trace_recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "sim/trace/testing/scene.hpp"

namespace assay::trace {
namespace {

using ::testing::ElementsAre;

constexpr VcpuName kPv{1, 0};
constexpr VcpuName kHvm{2, 0};

template <typename T>
std::vector<T> all(const Trace& trace) {
  std::vector<T> found;
  for (const Event& event : trace.events) {
    if (const T* const one = std::get_if<T>(&event.what); one != nullptr) found.push_back(*one);
  }
  return found;
}

TEST(TraceRecorder, Return_BelongsToTheExit_OfTheSameVcpu) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  scene.calls(10, 0, kPv, __HYPERVISOR_sched_op, SCHEDOP_yield);
  scene.calls(11, 1, kHvm, __HYPERVISOR_xen_version);
  scene.answers(20, 1, kHvm, 4);
  scene.answers(21, 0, kPv, -22);
  const auto exits = all<Exit>(recorder.trace());
  ASSERT_EQ(exits.size(), 2u);
  ASSERT_TRUE(exits[0].back && exits[1].back);
  EXPECT_EQ(static_cast<int64_t>(exits[0].back->values[0]), -22);
  EXPECT_EQ(exits[0].back->now_ns, 21u);
  EXPECT_EQ(exits[1].back->values[0], 4u);
  EXPECT_FALSE(exits[0].gave_up_pcpu);
}

TEST(TraceRecorder, Arguments_AreThoseOfTheCallingConvention) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  assay_regs& r = scene.regs(kPv);
  r.rbx = 7, r.rcx = 8, r.rdx = 3, r.r8 = 5, r.r9 = 6, r.r10 = 4;
  scene.calls(10, 0, kPv, 0, 1, 2);
  assay_regs& e = scene.regs(kHvm);
  e.rbx = 0xf00000001, e.rcx = 2, e.rdx = 3, e.rbp = 6;
  scene.set_mode(kHvm, ASSAY_MODE_HVM, 32);
  scene.calls(11, 1, kHvm, 0, 5, 4);
  const auto exits = all<Exit>(recorder.trace());
  EXPECT_THAT(exits.at(0).arguments, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(exits.at(1).arguments, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(TraceRecorder, SizeOfCode_IsAlwaysOne) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  for (const uint8_t bits : std::array<uint8_t, 4>{0, 16, 32, 64}) {
    scene.set_mode(kPv, ASSAY_MODE_PV64, bits);
    scene.leaves(10, 0, kPv, ASSAY_EXIT_PREEMPTED);
  }
  std::vector<int> sizes;
  for (const Exit& exit : all<Exit>(recorder.trace())) sizes.push_back(exit.code_bits);
  EXPECT_THAT(sizes, ElementsAre(64, 16, 32, 64));
}

TEST(TraceRecorder, Result_OfA32BitCaller_KeepsItsSign) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  scene.set_mode(kHvm, ASSAY_MODE_HVM, 32);
  scene.calls(10, 0, kHvm, __HYPERVISOR_xen_version);
  scene.answers(11, 0, kHvm, 0xffffffea);
  EXPECT_EQ(static_cast<int64_t>(all<Exit>(recorder.trace()).at(0).back->values[0]), -22);
}

TEST(TraceRecorder, Switches_AreChangesOnly_AndMarkTheExitThatLedThere) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  scene.enters(10, 0, kPv);
  scene.leaves(20, 0, kPv, ASSAY_EXIT_PREEMPTED);
  scene.enters(21, 0, kPv);
  scene.leaves(30, 0, kPv, ASSAY_EXIT_PREEMPTED);
  scene.idles(31, 0);
  scene.idles(40, 0);
  const auto switches = all<Switch>(recorder.trace());
  ASSERT_EQ(switches.size(), 2u);
  EXPECT_EQ(switches[0].from.kind, Occupant::Kind::kUnknown);
  EXPECT_EQ(switches[0].to.vcpu, kPv);
  EXPECT_EQ(switches[1].to.kind, Occupant::Kind::kIdle);
  const auto exits = all<Exit>(recorder.trace());
  EXPECT_FALSE(exits.at(0).gave_up_pcpu);
  EXPECT_TRUE(exits.at(1).gave_up_pcpu);
}

TEST(TraceRecorder, PvEntry_ElsewhereThanLeft_IsADelivery) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  scene.regs(kPv).rip = 0x1000;
  scene.leaves(10, 0, kPv, ASSAY_EXIT_PREEMPTED);
  scene.regs(kPv).rip = 0x8000;
  scene.enters(11, 0, kPv);
  const auto deliveries = all<Delivery>(recorder.trace());
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].rip, 0x8000u);
  EXPECT_EQ(deliveries[0].from_rip, 0x1000u);
  EXPECT_FALSE(deliveries[0].vector.has_value());
}

TEST(TraceRecorder, PvEntry_Beside_OrBehindAnIret_IsNone) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  scene.regs(kPv).rip = 0x1000;
  scene.calls(10, 0, kPv, __HYPERVISOR_memory_op);
  scene.regs(kPv).rip -= 2;  // a continuation
  scene.enters(11, 0, kPv);
  scene.leaves(20, 0, kPv, ASSAY_EXIT_EXCEPTION);
  scene.regs(kPv).rip += 15;  // emulated
  scene.enters(21, 0, kPv);
  scene.calls(30, 0, kPv, __HYPERVISOR_iret);
  scene.regs(kPv).rip = 0x8000;
  scene.enters(31, 0, kPv);
  EXPECT_TRUE(all<Delivery>(recorder.trace()).empty());
}

TEST(TraceRecorder, HvmInjection_IsADelivery) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  scene.set_mode(kHvm, ASSAY_MODE_HVM);
  scene.enters(10, 0, kHvm, 0xf3);
  scene.leaves(20, 0, kHvm, ASSAY_EXIT_HALT);
  scene.enters(21, 0, kHvm);
  const auto deliveries = all<Delivery>(recorder.trace());
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].vector, 0xf3);
}

TEST(TraceRecorder, BeyondTheLimit_TheOldestAreDropped_AndTheirReturnsForgotten) {
  RecorderOptions options;
  options.events_max = 2;
  TraceRecorder recorder(std::move(options));
  Scene scene(recorder);
  for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) scene.leaves(vcpu, vcpu, {1, vcpu}, ASSAY_EXIT_HALT);
  EXPECT_EQ(recorder.trace().dropped, 0u);
  scene.leaves(5, 2, {1, 2}, ASSAY_EXIT_HALT);
  EXPECT_EQ(recorder.trace().dropped, 1u);
  EXPECT_EQ(recorder.trace().events.size(), 2u);
  EXPECT_EQ(recorder.trace().events.front().now_ns, 1u);
  scene.enters(6, 0, {1, 0});
  scene.enters(7, 1, {1, 1});
  const auto exits = all<Exit>(recorder.trace());
  ASSERT_EQ(exits.size(), 2u);
  EXPECT_TRUE(exits[0].back.has_value());
  EXPECT_FALSE(exits[1].back.has_value());
}

TEST(TraceRecorder, Filter_KeepsOneDomain_AndHalfOfItsSwitches) {
  RecorderOptions options;
  options.filter.domain = 1;
  TraceRecorder recorder(std::move(options));
  Scene scene(recorder);
  scene.idles(1, 0);
  scene.enters(10, 0, kHvm);
  scene.leaves(20, 0, kHvm, ASSAY_EXIT_HALT);
  scene.enters(21, 0, kPv);
  scene.leaves(30, 0, kPv, ASSAY_EXIT_PREEMPTED);
  scene.enters(31, 0, kHvm);
  const auto switches = all<Switch>(recorder.trace());
  ASSERT_EQ(switches.size(), 3u);
  EXPECT_EQ(switches[0].to.kind, Occupant::Kind::kOther);
  EXPECT_EQ(switches[1].from.kind, Occupant::Kind::kOther);
  EXPECT_EQ(switches[1].to.vcpu, kPv);
  EXPECT_EQ(switches[2].to.kind, Occupant::Kind::kOther);
  EXPECT_EQ(all<Exit>(recorder.trace()).size(), 1u);
}

TEST(TraceRecorder, Window_IsHalfOpen) {
  RecorderOptions options;
  options.filter.from_ns = 10;
  options.filter.to_ns = 20;
  TraceRecorder recorder(std::move(options));
  Scene scene(recorder);
  for (const uint64_t now : {9u, 10u, 19u, 20u}) {
    scene.leaves(now, 0, kPv, ASSAY_EXIT_PREEMPTED);
    scene.enters(now, 0, kPv);
  }
  EXPECT_EQ(all<Exit>(recorder.trace()).size(), 2u);
}

TEST(TraceRecorder, Filter_OfAFinishedTrace_IsThatOfTheRecorder) {
  RecorderOptions options;
  options.filter.domain = 1;
  options.filter.from_ns = 2'000;
  const Filter filter = options.filter;
  TraceRecorder filtered(std::move(options));
  TraceRecorder whole({});
  Scene(filtered).play();
  Scene(whole).play();
  const Trace later = filter.of(whole.trace());
  ASSERT_EQ(later.events.size(), filtered.trace().events.size());
  for (size_t i = 0; i < later.events.size(); ++i) {
    EXPECT_EQ(later.events[i].now_ns, filtered.trace().events[i].now_ns);
    EXPECT_EQ(later.events[i].what.index(), filtered.trace().events[i].what.index());
  }
}

TEST(TraceRecorder, Memory_IsReadAtTheCall_AndAtItsReturn) {
  evtchn_alloc_unbound memory{.dom = DOMID_SELF, .remote_dom = 3, .port = 0};
  RecorderOptions options;
  options.read = [&](const assay_run&, uint64_t va, std::span<std::byte> bytes) -> size_t {
    if (va != 0x5000 || bytes.size() != sizeof memory) return 0;
    std::memcpy(bytes.data(), &memory, sizeof memory);
    return sizeof memory;
  };
  TraceRecorder recorder(std::move(options));
  Scene scene(recorder);
  scene.calls(10, 0, kPv, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, 0x5000);
  memory.port = 9;
  scene.answers(11, 0, kPv, 0);
  scene.calls(20, 0, kPv, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, 0x5000);
  scene.answers(21, 0, kPv, 0);
  const auto exits = all<Exit>(recorder.trace());
  EXPECT_EQ(exits.at(0).argument.size(), sizeof memory);
  EXPECT_EQ(exits.at(0).back->argument.size(), sizeof memory);
  EXPECT_TRUE(exits.at(1).back->argument.empty());
}

TEST(TraceRecorder, Code_IsAroundRip_OrBehindItAtTheEdge) {
  RecorderOptions options;
  options.with_code = true;
  options.read = [](const assay_run&, uint64_t va, std::span<std::byte> bytes) -> size_t {
    return va < 0x1000 || va >= 0x2000 ? 0 : std::min<size_t>(bytes.size(), 0x2000 - va);
  };
  TraceRecorder recorder(std::move(options));
  Scene scene(recorder);
  for (const uint64_t rip : {0x1000u, 0x1800u, 0x1ffeu, 0x3000u}) {
    scene.regs(kPv).rip = rip;
    scene.leaves(10, 0, kPv, ASSAY_EXIT_PREEMPTED);
  }
  const auto exits = all<Exit>(recorder.trace());
  EXPECT_EQ(exits.at(0).code_before, 0);
  EXPECT_EQ(exits.at(0).code.size(), kCodeBytesMax);
  EXPECT_EQ(exits.at(1).code_before, 16);
  EXPECT_EQ(exits.at(2).code.size(), 18u);
  EXPECT_TRUE(exits.at(3).code.empty());
}

TEST(TraceRecorder, CoreEvent_IsOnBehalfOfWhoRuns) {
  TraceRecorder recorder({});
  Scene scene(recorder);
  scene.enters(10, 0, kPv);
  scene.core_says(11, 0, 5, std::array<uint64_t, 9>{1, 2, 3, 4, 5, 6, 7, 8, 9});
  scene.core_says(12, 1, 6, {});
  const Trace& trace = recorder.trace();
  EXPECT_EQ(trace.events.at(1).vcpu, kPv);
  EXPECT_EQ(std::get<CoreEvent>(trace.events.at(1).what).count, CoreEvent::kWords);
  EXPECT_FALSE(trace.events.at(2).vcpu.has_value());
}

}  // namespace
}  // namespace assay::trace
