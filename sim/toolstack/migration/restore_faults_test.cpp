/// Saving and restoring where something fails: one clear error, nothing left behind, and the source can go on. On the
/// bundled core, with guests in process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "sim/engine/rng.hpp"
#include "sim/toolstack/call_fault.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/stream_error.hpp"
#include "sim/toolstack/migration/stream_headers.hpp"
#include "sim/toolstack/migration/testing/moving.hpp"
#include "sim/toolstack/testing/guest_checks.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {
namespace {

using ::testing::HasSubstr;
using testing::Moving;
using testing::MovingTarget;
using toolstack::CallFault;

class RestoreFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!shared_.target) shared_ = testing::boot_direct_hv();
    target().begin_case(0);
    moving_.emplace(target());
    guest_ = &moving_->create();
    moving_->fill(*guest_);
    moving_->suspend(*guest_);
    stream_ = moving_->save(*guest_);
    free_ = toolstack::testing::free_pages(target());
    // Of this domain it knows already; another one would come next.
    first_unused_ = DomId{static_cast<uint16_t>(guest_->id().raw() + 1)};
  }
  void TearDown() override { EXPECT_EQ(target().audit(), ""); }
  static void TearDownTestSuite() { shared_ = {}; }

  static Target& target() { return *shared_.target; }
  Moving& moving() { return *moving_; }
  Domain& guest() { return *guest_; }
  [[nodiscard]] const Bytes& stream() const { return stream_; }

  void expect_nothing_left(const std::string& when) {
    EXPECT_FALSE(toolstack::testing::domain_exists(target(), first_unused_)) << when;
    EXPECT_EQ(toolstack::testing::free_pages(target()), free_) << when;
  }
  void expect_source_goes_on() {
    moving().host().go_on(guest().id());
    EXPECT_EQ(wake_guest(guest(), kPatienceNs), Woken::kCancelled);
    EXPECT_EQ(moving().check(guest()), "");
  }
  std::string restore_error(const Bytes& bytes) {
    try {
      const RestoredDomain restored = moving().restore(bytes);
      moving().host().destroy(restored.id);
    } catch (const StreamError& error) {
      return error.what();
    } catch (const ToolstackError& error) {
      return error.what();
    }
    return "";
  }
  std::shared_ptr<CallFault> watch() {
    auto failing = std::make_shared<CallFault>();
    target().dom0().observe(failing);
    return failing;
  }

 private:
  static inline MovingTarget shared_;
  std::optional<Moving> moving_;
  Domain* guest_ = nullptr;
  Bytes stream_;
  uint64_t free_ = 0;
  DomId first_unused_;
};

/// After Xen's f25599c0c1: a restore told of success although a step of it had failed.
TEST_F(RestoreFaults, EachHypercallThatFails_IsToldAndLeavesNothing) {
  const auto failing = watch();
  const RestoredDomain restored = moving().restore(stream());
  const uint64_t calls = failing->calls();
  moving().host().destroy(restored.id);
  ASSERT_GT(calls, 20u);
  for (uint64_t call = 0; call < calls; ++call) {
    failing->arm(call);
    const std::string said = restore_error(stream());
    EXPECT_THAT(said, HasSubstr("ENOMEM")) << "call " << call;
    expect_nothing_left("call " + std::to_string(call));
  }
  target().dom0().observe(nullptr);
  expect_source_goes_on();
}

TEST_F(RestoreFaults, EachHypercallOfSavingThatFails_IsToldAndTheSourceGoesOn) {
  const auto failing = watch();
  EXPECT_EQ(moving().save(guest()).size(), stream().size());
  const uint64_t calls = failing->calls();
  for (uint64_t call = 0; call < calls; ++call) {
    failing->arm(call);
    MemorySink sink;
    try {
      moving().host().save(guest().id(), sink);
      ADD_FAILURE() << "call " << call << " failed unnoticed";
    } catch (const ToolstackError& error) {
      EXPECT_THAT(error.what(), HasSubstr("ENOMEM")) << "call " << call;
    }
    failing->arm(CallFault::kNone);
    EXPECT_THAT(restore_error(sink.bytes()), HasSubstr("the stream ends")) << "call " << call;
  }
  target().dom0().observe(nullptr);
  expect_source_goes_on();
}

TEST_F(RestoreFaults, StreamCutAtEachRecord_LeavesNothing) {
  uint64_t cuts = 0;
  for (uint64_t at = kImageHeaderBytes + kDomainHeaderBytes; at < stream().size(); ++cuts) {
    EXPECT_THAT(restore_error(Bytes(stream().begin(), stream().begin() + static_cast<std::ptrdiff_t>(at))),
                HasSubstr("the stream ends"));
    expect_nothing_left("cut at " + std::to_string(at));
    uint32_t body = 0;
    std::memcpy(&body, &stream().at(at + offsetof(RecordHeaderBytes, body_bytes)), sizeof body);
    at += kRecordHeaderBytes + (body + kAlignment - 1) / kAlignment * kAlignment;
  }
  EXPECT_GE(cuts, 10u);
  expect_source_goes_on();
}

TEST_F(RestoreFaults, SourceOrRoomThatIsNotThere_IsSaid) {
  MemorySink sink;
  EXPECT_THROW(moving().host().save(DomId{999}, sink), ToolstackError);
  GuestSpec small;
  small.pages = 512;
  MemorySource source(stream());
  EXPECT_THROW(moving().host().restore(small, source), StreamError);
  GuestSpec other;
  other.type = GuestType::kPvh;
  MemorySource again(stream());
  EXPECT_THROW(moving().host().restore(other, again), StreamError);
  expect_nothing_left("a guest that is too small, or of another type");
  expect_source_goes_on();
  EXPECT_THROW(moving().host().save(guest().id(), sink), ToolstackError) << "it runs";
}

/// Whatever stands in a stream: an error and nothing left, or a domain that can be removed.
TEST_F(RestoreFaults, ChangedStreams_HarmNobody) {
  Rng rng(7);
  uint64_t refused = 0;
  constexpr uint64_t kChanges = 120;
  const uint64_t page_bytes = stream().size() * 9 / 10;
  for (uint64_t change = 0; change < kChanges; ++change) {
    Bytes bytes = stream();
    // Half of the changes hit what is no content of pages: the beginning and the end.
    const uint64_t at = change % 2 == 0 ? rng.below(bytes.size()) : (rng.below(4096) + page_bytes) % bytes.size();
    bytes[change % 4 == 1 ? rng.below(2048) : at] = static_cast<std::byte>(rng.below(256));
    refused += restore_error(bytes).empty() ? 0u : 1u;
    expect_nothing_left("change " + std::to_string(change));
  }
  EXPECT_GT(refused, kChanges / 20);
  expect_source_goes_on();
}

}  // namespace
}  // namespace assay::migration
