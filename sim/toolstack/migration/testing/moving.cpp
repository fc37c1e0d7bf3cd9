#include "sim/toolstack/migration/testing/moving.hpp"

#include <gtest/gtest.h>

#include "sim/toolstack/guest_adopter.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/moved_guest.hpp"

namespace assay::migration::testing {

namespace {

constexpr uint64_t kStamped = 64;
constexpr uint64_t kWords = kPageSize / sizeof(uint64_t);
constexpr unsigned kPollsMax = 1000;
constexpr uint64_t kPollNs = 1'000'000;

uint64_t stamp(uint64_t page, uint64_t word) {
  return page << 32 ^ (word + 1) * 0x9e3779b97f4a7c15;
}

/// The first pages of the heap.
Gva stamped_page(const Domain& guest, uint64_t page) {
  return Gva{guest.space().layout.heap_start} + page * kPageSize;
}

}  // namespace

GuestSpec Moving::spec() const {
  GuestSpec spec;
  spec.type = type_;
  spec.pages = 1024;
  return spec;
}

Domain& Moving::create() {
  return target_.create_guest(spec());
}

void Moving::fill(Domain& guest) {
  ASSERT_EQ(guest.alloc_pages(kStamped), stamped_page(guest, 0));
  for (uint64_t page = 0; page < kStamped; ++page) {
    std::array<uint64_t, kWords> words;
    for (uint64_t word = 0; word < kWords; ++word) words[word] = stamp(page, word);
    guest.vcpu(0).write(stamped_page(guest, page), words);
  }
}

std::string Moving::check(Domain& guest) {
  for (uint64_t page = 0; page < kStamped; ++page) {
    const auto words = guest.vcpu(0).read<std::array<uint64_t, kWords>>(stamped_page(guest, page));
    for (uint64_t word = 0; word < kWords; ++word) {
      if (words[word] != stamp(page, word)) return "word " + std::to_string(word) + " of page " + std::to_string(page);
    }
  }
  return "";
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

Bytes Moving::save(Domain& guest) {
  MemorySink sink;
  const SaveReport report = host_.save(guest.id(), sink);
  EXPECT_EQ(report.bytes, sink.bytes().size());
  // A PVH guest has shared_info at one of its gfns, whose memory it has lost.
  EXPECT_EQ(report.pages, guest.space().pages - (type_ == GuestType::kPvh ? 1 : 0));
  return sink.bytes();
}

RestoredDomain Moving::restore(const Bytes& stream) {
  MemorySource source(stream);
  return host_.restore(spec(), source);
}

Domain& Moving::adopt(const RestoredDomain& restored, const GuestSpace& space, Gva heap) {
  const BuiltGuest built = moved_guest(host_.tools(), restored, space, 1);
  host_.start(restored.id);
  Domain& guest = dynamic_cast<GuestAdopter&>(target_).adopt_guest(built, restored.type);
  guest.heap_go_back(heap);
  return guest;
}

}  // namespace assay::migration::testing
