/// Guests of the toolstack, on whatever target the program was linked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "sim/toolstack/testing/guest_checks.hpp"
#include "sim/toolstack/testing/suite_target.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {
namespace {

using ::testing::AllOf;
using testing::check_alive;
using testing::check_pv_boot;
using testing::check_pvh_boot;
using testing::guest_spec;
using ::testing::HasSubstr;

/// 640 MiB: more than any machine of these tests has.
constexpr uint64_t kMorePagesThanTheMachine = 163'840;

/// The target is booted once per process; each test starts with dom0 alone.
class ToolstackGuests : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!shared_.target) shared_ = testing::boot_suite_target();
    if (!shared_.target) GTEST_SKIP() << shared_.reason;
    shared_.target->begin_case(0);
  }
  static void TearDownTestSuite() { shared_ = {}; }
  Target& target() { return *shared_.target; }
  [[nodiscard]] uint32_t dom0_vcpus() const { return shared_.dom0_vcpus; }

 private:
  static inline testing::SuiteTarget shared_;
};

TEST_P(ToolstackGuests, Pv64Guest_IsAliveAndBootedByTheBook) {
  Domain& guest = target().create_guest(guest_spec(GuestType::kPv64));
  check_alive(guest);
  check_pv_boot(guest);
}

TEST_P(ToolstackGuests, PvhGuest_IsAliveAndBootedByTheBook) {
  Domain& guest = target().create_guest(guest_spec(GuestType::kPvh));
  check_alive(guest);
  check_pvh_boot(guest);
}

TEST_P(ToolstackGuests, ThreeGuests_LiveAtOnce) {
  Domain& first = target().create_guest(guest_spec(GuestType::kPv64));
  Domain& second = target().create_guest(guest_spec(GuestType::kPvh));
  Domain& third = target().create_guest(guest_spec(GuestType::kPv64));
  for (int round = 0; round < 3; ++round) {
    check_alive(third);
    check_alive(first);
    check_alive(second);
  }
}

TEST_P(ToolstackGuests, FurtherVcpus_AnswerInBothGuestTypes) {
  for (const GuestType type : {GuestType::kPv64, GuestType::kPvh}) {
    Domain& guest = target().create_guest(guest_spec(type, 3));
    ASSERT_EQ(guest.vcpu_count(), 3u);
    check_alive(guest);
    target().destroy_guest(guest);
  }
}

TEST_P(ToolstackGuests, Guests_OfOddAndLargeSizes_Boot) {
  for (const GuestType type : {GuestType::kPv64, GuestType::kPvh}) {
    for (const uint64_t pages : {900u, 1025u, 5000u}) {
      Domain& guest = target().create_guest(guest_spec(type, 1, pages));
      check_alive(guest);
      type == GuestType::kPv64 ? check_pv_boot(guest) : check_pvh_boot(guest);
      target().destroy_guest(guest);
    }
  }
}

TEST_P(ToolstackGuests, Guests_ArePinnedToPcpusOfTheirOwn) {
  Domain& first = target().create_guest(guest_spec(GuestType::kPv64, 2));
  Domain& second = target().create_guest(guest_spec(GuestType::kPvh));
  std::set<uint32_t> taken;
  for (const auto& [guest, vcpu] : {std::pair{&first, 0u}, {&first, 1u}, {&second, 0u}}) {
    const std::vector<uint32_t> pcpus = testing::pcpus_of(target(), guest->id(), vcpu);
    ASSERT_EQ(pcpus.size(), 1u);
    EXPECT_GE(pcpus[0], dom0_vcpus());
    EXPECT_TRUE(taken.insert(pcpus[0]).second);
  }
}

TEST_P(ToolstackGuests, Destroy_LeavesNothing) {
  for (const GuestType type : {GuestType::kPv64, GuestType::kPvh}) {
    const uint64_t free = testing::free_pages(target());
    Domain& guest = target().create_guest(guest_spec(type, 2));
    const DomId id = guest.id();
    EXPECT_TRUE(testing::domain_exists(target(), id));
    EXPECT_LT(testing::free_pages(target()), free);
    target().destroy_guest(guest);
    EXPECT_FALSE(testing::domain_exists(target(), id));
    EXPECT_TRUE(testing::regains_free_pages(target(), free)) << to_string(type);
  }
}

TEST_P(ToolstackGuests, BuildThatFails_NamesTheStepAndLeavesNothing) {
  const uint64_t free = testing::free_pages(target());
  for (const GuestType type : {GuestType::kPv64, GuestType::kPvh}) {
    try {
      target().create_guest(guest_spec(type, 1, kMorePagesThanTheMachine));
      ADD_FAILURE() << "a guest larger than the machine was built";
    } catch (const ToolstackError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(to_string(type)), HasSubstr("populate_physmap")));
    }
    EXPECT_TRUE(testing::regains_free_pages(target(), free)) << to_string(type);
  }
}

INSTANTIATE_TEST_SUITE_P(OnTarget, ToolstackGuests, ::testing::Values(testing::suite_target_name()),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace assay::toolstack
