#include "fuzz/faults/campaign.hpp"

#include <gmock/gmock.h>

#include "fuzz/faults/cases_detector.hpp"

namespace assay {
namespace {

/// Finds what it was made to find; cores are known by nothing, so it counts the looks.
class Scripted final : public Detector {
 public:
  Scripted(std::string_view name, std::vector<uint64_t> answers) : name_(name), answers_(std::move(answers)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  Detection look(const Suspect&) override {
    if (looks_ == answers_.size()) throw Interrupted{};
    const uint64_t steps = answers_[looks_++];
    if (steps == 0) return {};
    return {.found = true, .verdict = "fail", .by = "x", .message = "m", .steps = steps};
  }

 private:
  std::string_view name_;
  std::vector<uint64_t> answers_;
  size_t looks_ = 0;
};

Campaign campaign_of(std::vector<uint64_t> one, std::vector<uint64_t> other) {
  Campaign campaign;
  for (const char* name : {"a.a", "a.b", "a.c"}) campaign.faults.push_back({name, "s", "w", "m", "t", 0});
  campaign.detectors.push_back(std::make_unique<Scripted>("one", std::move(one)));
  campaign.detectors.push_back(std::make_unique<Scripted>("other", std::move(other)));
  campaign.core_with = [](const std::string&) { return TargetFactory(); };
  return campaign;
}

TEST(FaultCampaign, AsksEveryDetectorAboutEveryFault) {
  size_t told = 0;
  const KillMatrix matrix = run_campaign(campaign_of({0, 7, 0}, {0, 3, 9}), [&](const FaultRow&) { ++told; });
  EXPECT_EQ(told, 3u);
  EXPECT_FALSE(matrix.interrupted);
  ASSERT_EQ(matrix.faults.size(), 3u);
  EXPECT_FALSE(matrix.faults[0].found());
  EXPECT_TRUE(matrix.faults[1].found());
  const KillSummary summary = summarise(matrix);
  EXPECT_EQ(summary.found, 2u);
  EXPECT_THAT(summary.by_detector, ::testing::ElementsAre(1, 2));
  EXPECT_EQ(summary.median_steps, 9u);
}

TEST(FaultCampaign, Interrupted_KeepsTheRowsSoFar) {
  const KillMatrix matrix = run_campaign(campaign_of({1, 1, 1}, {1}), [](const FaultRow&) {});
  EXPECT_TRUE(matrix.interrupted);
  EXPECT_EQ(matrix.faults.size(), 1u);
}

TEST(FaultCampaign, Baseline_MustBeClean) {
  EXPECT_EQ(baseline_trouble(campaign_of({0}, {0})), "");
  EXPECT_THAT(baseline_trouble(campaign_of({0}, {4})), ::testing::HasSubstr("the other find something"));
}

/// Puts right what it found.
class Hesitant final : public Detector {
 public:
  [[nodiscard]] std::string_view name() const override { return "hesitant"; }
  Detection look(const Suspect&) override {
    return {.found = ++looks_ != 2, .verdict = "fail", .by = "x", .message = "m", .steps = 9};
  }
  void settle(const std::vector<Detection*>& found) override {
    for (Detection* const detection : found) detection->steps = found.size();
  }

 private:
  int looks_ = 0;
};

TEST(FaultCampaign, InTheEnd_DetectorsMayPutRightWhatTheyFound) {
  Campaign campaign = campaign_of({}, {});
  campaign.detectors.clear();
  campaign.detectors.push_back(std::make_unique<Hesitant>());
  const KillMatrix matrix = run_campaign(campaign, [](const FaultRow&) {});
  EXPECT_EQ(matrix.faults[0].detections[0].steps, 2u);
  EXPECT_EQ(matrix.faults[1].detections[0].steps, 9u) << "which was not found";
}

TEST(CasesDetector, CountsOperationsUpToTheFailedCheck) {
  const std::vector<CaseStep> steps{{"", "harness", "builds a guest", false, 1},
                                    {"d1v0", "hypercall", "x", false, 3},
                                    {"d1v0", "read", "back {x}", false, 3},
                                    {"", "check", "fine", false, 1},
                                    {"d1v0", "read", "y", false, 1},
                                    {"d1v0", "hypercall", "a begins", false, 1},
                                    {"d1v0", "hypercall", "a = 0", false, 1},
                                    {"", "check", "wrong", true, 1},
                                    {"d1v0", "hypercall", "z", false, 1}};
  EXPECT_EQ(operations_of(steps), 5u);
}

}  // namespace
}  // namespace assay
