/// Every hypercall of the domain builder fails once: nothing may stay behind. No hypervisor is needed for that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/toolstack/testing/fake_layout.hpp"
#include "sim/toolstack/testing/fake_privileged.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {
namespace {

using ::testing::AllOf;
using testing::FakeState;
using ::testing::HasSubstr;

AgentImage fake_image() {
  AgentImage image;
  image.layout = testing::fake_layout();
  const uint64_t physical = image.layout.image_start - image.layout.virt_base;
  image.segments.push_back(
      {image.layout.image_start, physical, std::vector<std::byte>(5000, std::byte{0x90}), 5000, true});
  return image;
}

GuestSpec spec_of(GuestType type) {
  GuestSpec spec;
  spec.type = type;
  spec.vcpus = 2;
  return spec;
}

class ToolstackFake : public ::testing::TestWithParam<GuestType> {
 protected:
  /// Builds on a fresh fake; the error, or nothing.
  std::optional<std::string> build(std::optional<uint64_t> failing_call) {
    state_ = FakeState{};
    const auto dom0 = testing::make_fake_dom0(state_);
    const AgentImage image = fake_image();
    Toolstack toolstack(*dom0, image, {1, 2});
    state_.failing_call = failing_call;
    try {
      built_ = toolstack.build(spec_of(GetParam()));
    } catch (const ToolstackError& error) {
      return error.what();
    }
    return std::nullopt;
  }

  FakeState state_;
  BuiltGuest built_{};
};

TEST_P(ToolstackFake, Build_RunsTheDomain_MapsNothingAfterwards) {
  EXPECT_EQ(build(std::nullopt), std::nullopt);
  EXPECT_EQ(built_.id, DomId{testing::kFakeDomain});
  ASSERT_EQ(built_.mailbox_frames.size(), 2u);
  EXPECT_EQ(built_.mailbox_frames[1].size(), ASSAY_MAILBOX_BYTES / kPageSize);
  EXPECT_TRUE(state_.domain_runs);
  EXPECT_TRUE(state_.foreign.empty());
}

TEST_P(ToolstackFake, Build_TakesFewRoundTrips) {
  ASSERT_EQ(build(std::nullopt), std::nullopt);
  RecordProperty("round_trips", static_cast<int>(state_.requests));
  EXPECT_LT(state_.requests, 150u);
}

TEST_P(ToolstackFake, Build_AnyCallFails_IsAnErrorThatLeavesNothing) {
  ASSERT_EQ(build(std::nullopt), std::nullopt);
  const uint64_t calls = state_.calls;
  ASSERT_GT(calls, 10u);
  for (uint64_t failing = 0; failing < calls; ++failing) {
    const std::optional<std::string> error = build(failing);
    ASSERT_TRUE(error.has_value()) << failing;
    EXPECT_THAT(*error, AllOf(HasSubstr("returned -12 (ENOMEM)"), Not(HasSubstr("cleaning up")))) << failing;
    EXPECT_FALSE(state_.domain_exists) << failing << ": " << *error;
    EXPECT_TRUE(state_.foreign.empty()) << failing << ": " << *error;
  }
}

TEST_P(ToolstackFake, Destroy_Twice_IsNoError) {
  state_ = FakeState{};
  const auto dom0 = testing::make_fake_dom0(state_);
  const AgentImage image = fake_image();
  Toolstack toolstack(*dom0, image, {});
  const DomId id = toolstack.build(spec_of(GetParam())).id;
  toolstack.destroy(id);
  EXPECT_FALSE(state_.domain_exists);
  toolstack.destroy(id);
}

TEST_P(ToolstackFake, Build_TooManyVcpus_IsRefusedBeforeAnyCall) {
  state_ = FakeState{};
  const auto dom0 = testing::make_fake_dom0(state_);
  const AgentImage image = fake_image();
  Toolstack toolstack(*dom0, image, {});
  GuestSpec spec = spec_of(GetParam());
  spec.vcpus = kVcpusMax + 1;
  EXPECT_THROW(toolstack.build(spec), ToolstackError);
  EXPECT_EQ(state_.calls, 0u);
}

INSTANTIATE_TEST_SUITE_P(Types, ToolstackFake, ::testing::Values(GuestType::kPv64, GuestType::kPvh),
                         [](const auto& type) { return std::string(to_string(type.param)); });

}  // namespace
}  // namespace assay::toolstack
