/// Guests that are saved and restored on whatever target the program was linked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/memory_image.hpp"
#include "sim/toolstack/migration/testing/moving.hpp"
#include "sim/toolstack/migration/testing/stream_verifier.hpp"

namespace assay::migration {
namespace {

using testing::Moving;

class GuestMigration : public ::testing::TestWithParam<GuestType> {
 protected:
  void SetUp() override {
    if (!shared_.target) shared_ = testing::boot_moving_target();
    if (!shared_.target) GTEST_SKIP() << shared_.reason;
    shared_.target->begin_case(0);
  }
  static void TearDownTestSuite() { shared_ = {}; }
  Target& target() { return *shared_.target; }

 private:
  static inline testing::MovingTarget shared_;
};

TEST_P(GuestMigration, SuspendedGuest_GoesOnWhereItWas) {
  Moving moving(target(), GetParam());
  Domain& guest = moving.create();
  moving.fill(guest);
  moving.suspend(guest);
  moving.host().go_on(guest.id());
  EXPECT_EQ(wake_guest(guest, kPatienceNs), Woken::kCancelled);
  EXPECT_EQ(moving.check(guest), "");
}

TEST_P(GuestMigration, SavedGuest_IsRestoredPageByPage) {
  Moving moving(target(), GetParam());
  Domain& guest = moving.create();
  moving.fill(guest);
  moving.suspend(guest);
  const Bytes stream = moving.save(guest);
  const GuestSpace space = guest.space();
  const Gva heap = guest.heap_mark();
  target().destroy_guest(guest);

  const RestoredDomain restored = moving.restore(stream);
  MemorySource source(stream);
  EXPECT_EQ(image_of_domain(moving.host().tools(), restored.id, restored.frames, GetParam() == GuestType::kPv64)
                .difference(image_of_stream(source), rewritten_pfns(space)),
            "");
  Domain& moved = moving.adopt(restored, space, heap);
  EXPECT_EQ(wake_guest(moved, kPatienceNs), Woken::kRestored);
  EXPECT_EQ(moving.check(moved), "");
}

TEST_P(GuestMigration, Stream_IsOneForXensOwnChecker) {
  if (const std::string missing = testing::verifier_missing(); !missing.empty()) GTEST_SKIP() << missing;
  Moving moving(target(), GetParam());
  Domain& guest = moving.create();
  moving.suspend(guest);
  EXPECT_EQ(testing::verifier_complaint(moving.save(guest)), "");
}

INSTANTIATE_TEST_SUITE_P(Type, GuestMigration, ::testing::Values(GuestType::kPv64, GuestType::kPvh),
                         [](const auto& type) { return std::string(to_string(type.param)); });

}  // namespace
}  // namespace assay::migration
