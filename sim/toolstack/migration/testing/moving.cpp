#include "sim/toolstack/migration/testing/moving.hpp"

#include <gtest/gtest.h>

#include "sim/toolstack/guest_adopter.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/memory_pattern.hpp"
#include "sim/toolstack/migration/moved_guest.hpp"

namespace assay::migration::testing {

namespace {

const MemoryPattern kPattern(0);
constexpr unsigned kPollsMax = 1000;
constexpr uint64_t kPollNs = 1'000'000;

Gva heap_start(const Domain& guest) {
  return Gva{guest.space().layout.heap_start};
}

}  // namespace

GuestSpec Moving::spec() const {
  GuestSpec spec;
  spec.type = type_;
  spec.pages = 1024;
  spec.vcpus = spec.vcpus_online = vcpus_;
  return spec;
}

Domain& Moving::create() {
  return target_.create_guest(spec());
}

void Moving::fill(Domain& guest) {
  ASSERT_EQ(guest.alloc_pages(MemoryPattern::kPages), heap_start(guest));
  kPattern.fill(guest, heap_start(guest));
}

std::string Moving::check(Domain& guest) {
  return kPattern.difference(guest, heap_start(guest));
}

void Moving::suspend(Domain& guest) {
  suspend_guest(guest);
  for (unsigned poll = 0; poll < kPollsMax; ++poll) {
    const auto info = host_.info(guest.id());
    ASSERT_TRUE(info);
    if ((info->flags & XEN_DOMINF_shutdown) != 0) return;
    target_.pass_time(kPollNs);
  }
  FAIL() << "the guest does not suspend itself";
}

Bytes Moving::save(Domain& guest, uint64_t given_up) {
  MemorySink sink;
  const SaveReport report = host_.save(guest.id(), sink);
  EXPECT_EQ(report.bytes, sink.bytes().size());
  // A PVH guest has shared_info at one of its gfns, whose memory it has lost.
  EXPECT_EQ(report.pages, guest.space().pages - given_up - (type_ == GuestType::kPvh ? 1 : 0));
  return sink.bytes();
}

RestoredDomain Moving::restore(const Bytes& stream) {
  MemorySource source(stream);
  return restore(source);
}

Domain& Moving::adopt(const RestoredDomain& restored, const GuestSpace& space, Gva heap) {
  const BuiltGuest built = moved_guest(host_.tools(), restored, space, vcpus_);
  host_.start(restored.id);
  Domain& guest = dynamic_cast<GuestAdopter&>(target_).adopt_guest(built, restored.type);
  guest.heap_go_back(heap);
  return guest;
}

}  // namespace assay::migration::testing
