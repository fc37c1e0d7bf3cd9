/// Streams with checkpoints, on whatever target the program was linked for: what is restored is the last whole one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/migration/stream_headers.hpp"
#include "sim/toolstack/migration/testing/moving_test.hpp"
#include "sim/toolstack/migration/testing/stream_verifier.hpp"

namespace assay::migration {
namespace {

using ::testing::HasSubstr;
using testing::Moving;

constexpr uint64_t kCheckpoints = 3;

class Checkpoints : public testing::MovingTestOfType {
 protected:
  void SetUp() override {
    MovingTestOfType::SetUp();
    if (IsSkipped()) return;
    moving_.emplace(target(), GetParam());
    guest_ = &moving_->create();
    moving_->fill(*guest_);
    counter_ = guest_->alloc_pages(1);
  }
  Moving& moving() { return *moving_; }
  Domain& guest() { return *guest_; }
  [[nodiscard]] Gva counter() const { return counter_; }

  /// The guest counts between any two checkpoints: with the k-th its counter is k, at the end kCheckpoints.
  SaveReport save(ByteSink& sink) {
    CheckpointPlan plan;
    plan.checkpoints = kCheckpoints;
    plan.suspend = [this] { moving().suspend(guest()); };
    plan.go_on = [this] { go_on(); };
    return moving().host().save_checkpoints(guest().id(), sink, plan);
  }
  void go_on() {
    moving().host().go_on(guest().id());
    ASSERT_EQ(wake_guest(guest(), kPatienceNs), Woken::kCancelled);
    guest().vcpu(0).atomic(ASSAY_ATOMIC_ADD, counter(), sizeof(uint64_t), 1);
  }

  /// The counter of who is restored from that, in a domain that is gone afterwards.
  uint64_t restored_count(const Bytes& stream, RestoredDomain& restored) {
    restored = moving().restore(stream);
    Domain& moved = moving().adopt(restored, guest().space(), guest().heap_mark());
    EXPECT_EQ(wake_guest(moved, kPatienceNs), Woken::kRestored);
    EXPECT_EQ(moving().check(moved), "");
    const auto count = moved.vcpu(0).read<uint64_t>(counter());
    target().destroy_guest(moved);
    return count;
  }

 private:
  std::optional<Moving> moving_;
  Domain* guest_ = nullptr;
  Gva counter_{};
};

/// Offsets behind each CHECKPOINT; in `cuts` these, too, and one in the middle of each record.
std::vector<uint64_t> checkpoint_ends(const Bytes& stream, std::vector<uint64_t>& cuts) {
  std::vector<uint64_t> ends;
  for (uint64_t at = kImageHeaderBytes + kDomainHeaderBytes; at < stream.size();) {
    RecordHeaderBytes header;
    std::memcpy(&header, &stream.at(at), sizeof header);
    const uint64_t next = at + kRecordHeaderBytes + (header.body_bytes + kAlignment - 1) / kAlignment * kAlignment;
    cuts.push_back((at + next) / 2);
    at = next;
    if (header.type != static_cast<uint32_t>(RecordType::kCheckpoint)) continue;
    ends.push_back(next);
    cuts.push_back(next);
  }
  return ends;
}

TEST_P(Checkpoints, WholeStream_IsTheEnd) {
  MemorySink sink;
  const SaveReport report = save(sink);
  ASSERT_EQ(report.rounds.size(), kCheckpoints + 1);
  EXPECT_EQ(report.bytes, sink.bytes().size());
  if (GetParam() == GuestType::kPvh) {
    EXPECT_LT(report.rounds[1], report.rounds[0] / 4) << "what was written since, and no more";
  }
  EXPECT_TRUE(!testing::verifier_missing().empty() || testing::verifier_complaint(sink.bytes()).empty());
  RestoredDomain restored;
  EXPECT_EQ(restored_count(sink.bytes(), restored), kCheckpoints);
  EXPECT_EQ(restored.checkpoints, kCheckpoints);
  EXPECT_EQ(restored.cut, "");
  go_on();
  EXPECT_EQ(moving().check(guest()), "") << "the source goes on all the same";
}

TEST_P(Checkpoints, StreamCutAnywhere_IsTheLastWholeOneOrNothing) {
  MemorySink sink;
  save(sink);
  std::vector<uint64_t> cuts;
  const std::vector<uint64_t> ends = checkpoint_ends(sink.bytes(), cuts);
  ASSERT_EQ(ends.size(), kCheckpoints);
  // A restore takes a second where guests are emulated, and the restorer is the same.
  const size_t step = target().info().kind == "xen" ? 5 : 2;
  for (size_t i = 0; i < cuts.size(); i += step) {
    const uint64_t cut = cuts[i];
    const Bytes part(sink.bytes().begin(), sink.bytes().begin() + static_cast<std::ptrdiff_t>(cut));
    const auto whole = static_cast<uint64_t>(std::ranges::count_if(ends, [&](uint64_t end) { return end <= cut; }));
    if (whole == 0) {
      EXPECT_THROW(moving().restore(part), StreamCut) << cut;
      continue;
    }
    RestoredDomain restored;
    EXPECT_EQ(restored_count(part, restored), whole - 1) << cut;
    EXPECT_EQ(restored.checkpoints, whole);
    EXPECT_THAT(restored.cut, HasSubstr("the stream ends at offset " + std::to_string(cut)));
  }
}

/// A stream that is wrong is none to go on from, whatever came before.
TEST_P(Checkpoints, WrongRecordBehindOne_IsRefused) {
  MemorySink sink;
  save(sink);
  std::vector<uint64_t> cuts;
  const uint64_t behind = checkpoint_ends(sink.bytes(), cuts)[1];
  Bytes wrong = sink.bytes();
  const uint32_t unknown = 0x7fff'0000;
  std::memcpy(&wrong.at(behind), &unknown, sizeof unknown);
  try {
    const RestoredDomain restored = moving().restore(wrong);
    ADD_FAILURE() << "a domain of " << restored.checkpoints << " checkpoints";
  } catch (const StreamCut& cut) {
    ADD_FAILURE() << cut.what();
  } catch (const StreamError& error) {
    EXPECT_EQ(error.offset(), behind);
  }
}

INSTANTIATE_TEST_SUITE_P(Type, Checkpoints, ::testing::Values(GuestType::kPv64, GuestType::kPvh),
                         [](const auto& type) { return std::string(to_string(type.param)); });

}  // namespace
}  // namespace assay::migration
