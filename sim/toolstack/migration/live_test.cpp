/// PVH guests that are saved while they run, on whatever target the program was linked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/memory_image.hpp"
#include "sim/toolstack/migration/testing/moving_test.hpp"
#include "sim/toolstack/migration/testing/stream_verifier.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {
namespace {

using ::testing::HasSubstr;
using testing::Moving;

/// The guest writes one more page of its own each time something is sent, until it stops, `limit` pages at most.
class WritingGuest final : public ByteSink {
 public:
  WritingGuest(Domain& guest, uint64_t limit) : guest_(guest), first_(guest.alloc_pages(limit)), limit_(limit) {}
  void write(std::span<const std::byte> bytes) override {
    stream_.write(bytes);
    if (writes_ == limit_) return;
    guest_.vcpu(0).write(page(writes_), writes_ + 1);
    ++writes_;
  }
  [[nodiscard]] const Bytes& stream() const { return stream_.bytes(); }
  [[nodiscard]] uint64_t written() const { return writes_; }
  void stop() { limit_ = writes_; }
  [[nodiscard]] Gva page(uint64_t index) const { return first_ + index * kPageSize; }

 private:
  Domain& guest_;
  Gva first_;
  uint64_t limit_;
  uint64_t writes_ = 0;
  MemorySink stream_;
};

/// Takes so many bytes, then the connection is lost.
class LostConnection final : public ByteSink {
 public:
  explicit LostConnection(uint64_t bytes) : left_(bytes) {}
  void write(std::span<const std::byte> bytes) override {
    if (bytes.size() > left_) throw std::runtime_error("the connection is lost");
    left_ -= bytes.size();
  }

 private:
  uint64_t left_;
};

class Live : public testing::MovingTest {
 protected:
  void SetUp() override {
    MovingTest::SetUp();
    if (IsSkipped()) return;
    moving_.emplace(target(), GuestType::kPvh);
    guest_ = &moving_->create();
    moving_->fill(*guest_);
  }
  Moving& moving() { return *moving_; }
  Domain& guest() { return *guest_; }
  SaveReport save(ByteSink& sink, const LiveOptions& options = {}) {
    return moving().host().save_live(
        guest().id(), sink, [this] { moving().suspend(guest()); }, options);
  }

 private:
  std::optional<Moving> moving_;
  Domain* guest_ = nullptr;
};

TEST_F(Live, WhatIsWrittenMeanwhile_Arrives) {
  WritingGuest sink(guest(), 100);
  const auto suspend = [&] {
    sink.stop();
    moving().suspend(guest());
  };
  const SaveReport report = moving().host().save_live(guest().id(), sink, suspend, {.rounds_max = 4, .pages_left = 0});
  ASSERT_GT(sink.written(), 12u);
  ASSERT_LT(sink.written(), 100u);
  EXPECT_EQ(report.rounds.size(), 5u);
  EXPECT_GE(report.pages, guest().space().pages + report.rounds[1]);
  EXPECT_LT(report.rounds.back(), guest().space().pages / 4);
  EXPECT_TRUE(!testing::verifier_missing().empty() || testing::verifier_complaint(sink.stream()).empty());

  const GuestSpace space = guest().space();
  const Gva heap = guest().heap_mark();
  const RestoredDomain restored = moving().restore(sink.stream());
  MemorySource source(sink.stream());
  EXPECT_EQ(
      image_of_domain(moving().host().tools(), restored.id, restored.frames, false).difference(image_of_stream(source)),
      "");
  target().destroy_guest(guest());
  Domain& moved = moving().adopt(restored, space, heap);
  EXPECT_EQ(wake_guest(moved, kPatienceNs), Woken::kRestored);
  EXPECT_EQ(moving().check(moved), "");
  for (uint64_t i = 0; i < sink.written(); ++i) EXPECT_EQ(moved.vcpu(0).read<uint64_t>(sink.page(i)), i + 1);
}

TEST_F(Live, RestOfAQuietGuest_IsSmall) {
  MemorySink sink;
  const SaveReport report = save(sink);
  ASSERT_EQ(report.rounds.size(), 2u) << "one of pre-copy, and the rest";
  EXPECT_EQ(report.rounds[0], guest().space().pages - 1);
  // Mailbox, stack and what the suspension needs.
  EXPECT_LT(report.rounds[1], 32u);
}

TEST_F(Live, LostConnection_LeavesAGuestThatRunsAndIsNotTracked) {
  for (const uint64_t bytes : {0u, 100u, 1'000'000u, 4'000'000u}) {
    LostConnection sink(bytes);
    EXPECT_THROW(save(sink), std::runtime_error);
    EXPECT_EQ(moving().check(guest()), "");
  }
  // Tracking can begin anew, and all is saved.
  MemorySink sink;
  EXPECT_EQ(save(sink).rounds[0], guest().space().pages - 1);
  moving().host().go_on(guest().id());
  EXPECT_EQ(wake_guest(guest(), kPatienceNs), Woken::kCancelled);
  EXPECT_EQ(moving().check(guest()), "");
}

TEST_F(Live, ConnectionLostAfterTheSuspension_LeavesAGuestThatGoesOn) {
  MemorySink whole;
  save(whole);
  moving().host().go_on(guest().id());
  ASSERT_EQ(wake_guest(guest(), kPatienceNs), Woken::kCancelled);
  LostConnection sink(whole.bytes().size() - 64);
  EXPECT_THROW(save(sink), std::runtime_error);
  moving().host().go_on(guest().id());
  EXPECT_EQ(wake_guest(guest(), kPatienceNs), Woken::kCancelled);
  EXPECT_EQ(moving().check(guest()), "");
}

TEST_F(Live, PvGuest_IsRefusedAndRunsOn) {
  Moving other(target());
  Domain& pv = other.create();
  MemorySink sink;
  try {
    other.host().save_live(pv.id(), sink, [] { FAIL() << "it is not even begun"; });
    ADD_FAILURE() << "a PV guest cannot be tracked";
  } catch (const ToolstackError& error) {
    EXPECT_THAT(error.what(), HasSubstr("is PV and cannot be saved while it runs"));
    EXPECT_THAT(error.what(), HasSubstr("EOPNOTSUPP"));
    EXPECT_THAT(error.what(), HasSubstr("have it suspend itself, and save it then"));
  }
  EXPECT_TRUE(sink.bytes().empty());
  EXPECT_EQ(pv.vcpu(0).hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_is_up, 0, 0}), 1);
}

}  // namespace
}  // namespace assay::migration
