/// Each detector on planted faults and on the core without one.
#include <gmock/gmock.h>

#include <array>

#include "conformance/runner/assemble.hpp"
#include "fuzz/faults/cases_detector.hpp"
#include "fuzz/faults/catalogue.hpp"
#include "fuzz/faults/differential_detector.hpp"
#include "fuzz/faults/fuzz_detector.hpp"
#include "fuzz/faults/properties_detector.hpp"
#include "fuzz/faults/scenarios_detector.hpp"
#include "sim/base/paths.hpp"
#include "sim/target/host/target_host.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSeed = 1;
constexpr unsigned kJobs = 2;
constexpr const char* kPending = "evtchn.close_keeps_pending";
constexpr const char* kCopy = "copy.pinned_grant_reread";
constexpr const char* kVirq = "evtchn.global_virq_on_any_vcpu";
constexpr const char* kStatus = "evtchn.status_of_anybody";

TargetFactory core_with(const std::string& fault) {
  return [fault] {
    HostOptions options;
    options.core = artifact("hv-faults.so");
    options.command_line = fault.empty() ? "" : "fault=" + fault;
    options.claimed = {Capability::kTwoGuests, Capability::kMultiVcpu, Capability::kSteer};
    return make_host_target(options);
  };
}

/// Finds nothing in the core without a fault, and each of three.
void finds_three_and_no_more(Detector& detector, const std::array<const char*, 3>& faults) {
  EXPECT_FALSE(detector.look(core_with("")).found);
  for (const char* fault : faults) {
    const Detection detection = detector.look({core_with(fault), find_fault(fault).index});
    EXPECT_TRUE(detection.found) << fault;
    EXPECT_GT(detection.steps, 0u) << fault;
  }
}

TEST(CasesDetector, FindsThreePlantedFaults_AndNothingWithoutOne) {
  CasesDetector detector(select_variants(all_variants(), {"evtchn.", "grant."}), kSeed, kJobs);
  finds_three_and_no_more(detector, {kPending, kCopy, kVirq});
}

TEST(PropertiesDetector, FindsThreePlantedFaults_AndNothingWithoutOne) {
  PropertiesDetector detector(kSeed, kJobs);
  finds_three_and_no_more(detector, {kPending, kCopy, kVirq});
}

TEST(FuzzDetector, FindsThreePlantedFaults_AndNothingWithoutOne) {
  FuzzDetector detector(kSeed, kJobs);
  finds_three_and_no_more(detector, {kPending, kStatus, kVirq});
}

/// Told where the fault is, it plays less and says the same.
template <typename Make>
void says_the_same_when_told_where(const Make& make, const std::string& fault) {
  auto all = make();
  auto some = make();
  ASSERT_FALSE(some.look(core_with("")).found);
  ASSERT_FALSE(all.look(core_with("")).found);
  const Detection by_all = all.look(core_with(fault));
  const Detection by_some = some.look({core_with(fault), find_fault(fault).index});
  EXPECT_EQ(by_some.found, by_all.found) << fault;
  EXPECT_EQ(by_some.by, by_all.by) << fault;
  EXPECT_EQ(by_some.steps, by_all.steps) << fault;
}

TEST(Reach, ToldWhereTheFaultIs_DetectorsSayTheSame) {
  const auto variants = select_variants(all_variants(), {"evtchn.close", "grant.map"});
  for (const char* fault : {kPending, kCopy, "sched.running_vcpu_stays"}) {
    says_the_same_when_told_where([&] { return CasesDetector(variants, kSeed, kJobs); }, fault);
    says_the_same_when_told_where([] { return FuzzDetector(kSeed, kJobs, 20); }, fault);
  }
}

TEST(Reach, OfAFaultThatNothingComesBy_NothingIsPlayed) {
  Reach reach(3);
  EXPECT_THAT(reach.tasks(7), ::testing::ElementsAre(0, 1, 2)) << "nobody has told";
  reach.note(0, {6, 7});
  reach.note(1, {});
  EXPECT_THAT(reach.tasks(7), ::testing::ElementsAre(0, 2));
  EXPECT_THAT(reach.tasks(8), ::testing::ElementsAre(2));
  EXPECT_THAT(reach.tasks(std::nullopt), ::testing::ElementsAre(0, 1, 2));
}

TEST(FuzzDetector, ACoreThatDoesNotBoot_IsFound) {
  FuzzDetector detector(kSeed, kJobs, 1);
  const Detection detection = detector.look(core_with("no.such_fault"));
  EXPECT_TRUE(detection.found);
  EXPECT_EQ(detection.by, "boot");
}

TEST(ScenariosDetector, FindsWhatSchedulersDoWrong_AndNothingWithoutAFault) {
  ScenariosDetector detector(kSeed, kJobs);
  const Detection none = detector.look(core_with(""));
  EXPECT_FALSE(none.found) << none.by << ": " << none.message;
  for (const char* fault : {"sched.credit2_epoch_never_ends", "sched.running_vcpu_stays", "sched.steal_stops_early"}) {
    const Detection found = detector.look({core_with(fault), find_fault(fault).index});
    EXPECT_TRUE(found.found) << fault;
    EXPECT_GT(found.steps, 0u);
    EXPECT_NE(found.by.find(".seed"), std::string::npos);
  }
}

TEST(FuzzInputs, BeginWithTheCorpora_AndTheSeedDecidesTheRest) {
  const auto count = [](const std::vector<InputBatch>& batches) {
    size_t inputs = 0;
    for (const InputBatch& batch : batches) inputs += batch.inputs.size();
    return inputs;
  };
  const size_t files = count(input_batches(kSeed, 0));
  EXPECT_GE(files, fuzz::kGuestTargets) << "fuzz/corpora has some of each target that plays with guests";
  EXPECT_EQ(count(input_batches(kSeed, 100)), files + 100 * fuzz::kGuestTargets);
  const auto one = input_batches(kSeed, 100);
  EXPECT_EQ(one.front().inputs, input_batches(kSeed, 100).front().inputs);
  EXPECT_NE(one.front().inputs, input_batches(kSeed + 1, 100).front().inputs);
  for (const InputBatch& batch : one) {
    for (const std::string& input : batch.inputs) EXPECT_LE(input.size(), batch.target->bytes_max());
  }
}

ReferenceTarget right_core() {
  RunOptions options;
  options.jobs = kJobs;
  return {core_with(""), options};
}

DifferentialDetector differential() {
  return {Reference(right_core(), kSeed, 12, 60), core_with(""), kSeed, kJobs};
}

TEST(DifferentialDetector, FindsThreePlantedFaults_AndNothingWithoutOne) {
  DifferentialDetector detector = differential();
  finds_three_and_no_more(detector, {kPending, kCopy, kVirq});
}

TEST(DifferentialDetector, AsksTheReferenceInTheEnd_WhetherWhatWasLeftOutMayBe) {
  DifferentialDetector detector = differential();
  Detection found = detector.look(core_with(kPending));
  ASSERT_TRUE(found.found);
  const Detection small = found;
  detector.settle({&found});
  EXPECT_EQ(found.by, small.by) << "the reference is the same core here, and agrees";
}

TEST(DifferentialDetector, WhereTheReferenceDoesNotDifferAfterAll_TheLongerSequenceStands) {
  const char* fault = "";
  const TargetFactory changing = [&fault] { return core_with(fault)(); };
  DifferentialDetector detector(Reference({changing, right_core().options}, kSeed, 12, 60), core_with(""), kSeed,
                                kJobs);
  Detection found = detector.look(core_with(kPending));
  ASSERT_TRUE(found.found);
  const Detection small = found;
  fault = kPending;
  detector.settle({&found});
  EXPECT_NE(found.by, small.by);
  EXPECT_GT(found.steps, small.steps);
}

TEST(DifferentialDetector, WhereTheReferenceIsGoneInTheEnd_TheLongerSequencesStand) {
  bool is_gone = false;
  const TargetFactory leaving = [&is_gone] {
    if (is_gone) throw TargetUnavailable("it left");
    return core_with("")();
  };
  DifferentialDetector detector(Reference({leaving, right_core().options}, kSeed, 12, 60), core_with(""), kSeed, kJobs);
  Detection one = detector.look(core_with(kPending));
  Detection two = detector.look(core_with(kPending));
  ASSERT_TRUE(one.found && two.found);
  const Detection small = one;
  is_gone = true;
  detector.settle({&one, &two});
  for (const Detection& detection : {one, two}) {
    EXPECT_TRUE(detection.found);
    EXPECT_GT(detection.steps, small.steps);
  }
}

TEST(Reference, NotOnThisMachine_IsUnavailable) {
  const ReferenceTarget missing{[]() -> std::unique_ptr<Target> { throw TargetUnavailable("no Xen here"); }, {}};
  try {
    const Reference reference(missing, kSeed, 1, 1);
    FAIL() << "it has traces";
  } catch (const TargetUnavailable& error) {
    EXPECT_THAT(error.what(), HasSubstr("no Xen here"));
  }
}

TEST(FirstDifference, IsWhereOneStopped_OrSawSomethingElse) {
  EXPECT_EQ(first_difference({1, 2, 3}, {1, 2, 3}), std::nullopt);
  EXPECT_EQ(first_difference({1, 2, 3}, {1, 2, 3, 4}), std::nullopt);
  EXPECT_EQ(first_difference({1, 2, 3}, {1, 4, 3}), 1u);
  EXPECT_EQ(first_difference({1, 2, 3}, {1, 2}), 2u);
  EXPECT_EQ(first_difference({1, 2, 3}, {}), 0u);
}

}  // namespace
}  // namespace assay
