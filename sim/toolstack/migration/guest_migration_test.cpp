/// Guests that are saved and restored on whatever target the program was linked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/memory_image.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/migration/stream_pipe.hpp"
#include "sim/toolstack/migration/testing/moving_test.hpp"
#include "sim/toolstack/migration/testing/stream_verifier.hpp"

namespace assay::migration {
namespace {

using testing::Moving;

using GuestMigration = testing::MovingTestOfType;

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

/// All of them go on: each has registers, a stack and a mailbox of its own.
TEST_P(GuestMigration, SeveralVcpus_AreRestored) {
  constexpr uint32_t kVcpus = 3;
  Moving moving(target(), GetParam(), kVcpus);
  Domain& guest = moving.create();
  const Gva counter = guest.alloc_pages(1);
  const auto count = [&](Domain& domain, uint32_t vcpu) {
    return domain.vcpu(vcpu).atomic(ASSAY_ATOMIC_ADD, counter, sizeof(uint64_t), 1).value;
  };
  for (uint32_t vcpu = 0; vcpu < kVcpus; ++vcpu) EXPECT_EQ(count(guest, vcpu), vcpu);
  moving.suspend(guest);
  const Bytes stream = moving.save(guest);
  const GuestSpace space = guest.space();
  const Gva heap = guest.heap_mark();
  target().destroy_guest(guest);

  Domain& moved = moving.adopt(moving.restore(stream), space, heap);
  ASSERT_EQ(wake_guest(moved, kPatienceNs), Woken::kRestored);
  ASSERT_EQ(moved.vcpu_count(), kVcpus);
  for (uint32_t vcpu = 0; vcpu < kVcpus; ++vcpu) {
    EXPECT_EQ(count(moved, vcpu), kVcpus + vcpu);
    EXPECT_EQ(moved.vcpu(0).hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_is_up, vcpu, 0}), 1) << "vCPU " << vcpu;
  }
}

/// Less than one page of it is ever between the two.
TEST_P(GuestMigration, RestoredWhileItIsSaved_IsTheSame) {
  Moving moving(target(), GetParam());
  Domain& guest = moving.create();
  moving.fill(guest);
  moving.suspend(guest);
  const Bytes stream = moving.save(guest);
  constexpr size_t kBytes = 1000;
  Host saver(target().dom0());
  StreamPipe pipe(kBytes, [&](ByteSink& sink) { saver.save(guest.id(), sink); });
  const RestoredDomain restored = moving.restore(pipe);
  pipe.finish();
  EXPECT_EQ(pipe.bytes_most(), kBytes);
  EXPECT_GT(pipe.turns(), stream.size() / kBytes);
  MemorySource source(stream);
  EXPECT_EQ(image_of_domain(moving.host().tools(), restored.id, restored.frames, GetParam() == GuestType::kPv64)
                .difference(image_of_stream(source), rewritten_pfns(guest.space())),
            "");
  const GuestSpace space = guest.space();
  const Gva heap = guest.heap_mark();
  target().destroy_guest(guest);
  Domain& moved = moving.adopt(restored, space, heap);
  EXPECT_EQ(wake_guest(moved, kPatienceNs), Woken::kRestored);
  EXPECT_EQ(moving.check(moved), "");
}

TEST_P(GuestMigration, RestoreThatGivesUp_LeavesASourceThatGoesOn) {
  Moving moving(target(), GetParam());
  Domain& guest = moving.create();
  moving.fill(guest);
  moving.suspend(guest);
  Host saver(target().dom0());
  {
    StreamPipe pipe(1000, [&](ByteSink& sink) { saver.save(guest.id(), sink); });
    GuestSpec small;
    small.type = GetParam();
    small.pages = 512;
    EXPECT_THROW(moving.host().restore(small, pipe), StreamError);
  }
  moving.host().go_on(guest.id());
  EXPECT_EQ(wake_guest(guest, kPatienceNs), Woken::kCancelled);
  EXPECT_EQ(moving.check(guest), "");
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
