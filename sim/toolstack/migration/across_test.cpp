/// One guest on two hypervisors: saved on one, restored on the other, and back. It cannot tell.
#include <gtest/gtest.h>

#include "sim/toolstack/migration/guest_suspension.hpp"
#include "sim/toolstack/migration/memory_image.hpp"
#include "sim/toolstack/migration/testing/moving.hpp"
#include "sim/toolstack/migration/testing/stream_verifier.hpp"

namespace assay::migration {
namespace {

using testing::Moving;
using testing::MovingTarget;

MemoryImage image_of(const Bytes& stream) {
  MemorySource source(stream);
  return image_of_stream(source);
}

class Across : public ::testing::TestWithParam<GuestType> {
 protected:
  void SetUp() override {
    xen_ = testing::boot_moving_xen();
    if (!xen_.target) GTEST_SKIP() << xen_.reason;
    hv_ = testing::boot_moving_hv();
    xen_.target->begin_case(0);
    hv_.target->begin_case(0);
  }

  /// Saves the guest, removes it, and has it run on the other side, where every page is as it was.
  Domain& move(Moving& from, Target& source, Domain& guest, Moving& to) {
    from.suspend(guest);
    const Bytes stream = from.save(guest);
    EXPECT_TRUE(!testing::verifier_missing().empty() || testing::verifier_complaint(stream).empty());
    const GuestSpace space = guest.space();
    const Gva heap = guest.heap_mark();
    source.destroy_guest(guest);
    const RestoredDomain restored = to.restore(stream);
    const MemoryImage arrived =
        image_of_domain(to.host().tools(), restored.id, restored.frames, GetParam() == GuestType::kPv64);
    EXPECT_EQ(arrived.pages(), image_of(stream).pages());
    EXPECT_EQ(arrived.difference(image_of(stream), rewritten_pfns(space)), "");
    Domain& moved = to.adopt(restored, space, heap);
    EXPECT_EQ(wake_guest(moved, kPatienceNs), Woken::kRestored);
    EXPECT_EQ(to.check(moved), "");
    return moved;
  }

  static constexpr uint32_t kVcpus = 2;

  /// There and back. The guest's own counter goes on, and the hypercalls of each of its vCPUs are answered by whom it
  /// is with.
  void go_and_return(Target& home, Target& abroad) {
    Moving at_home(home, GetParam(), kVcpus), away(abroad, GetParam(), kVcpus);
    Domain& first = at_home.create();
    at_home.fill(first);
    const Gva counter = first.alloc_pages(1);
    const auto count = [&](Domain& guest) {
      return guest.vcpu(kVcpus - 1).atomic(ASSAY_ATOMIC_ADD, counter, sizeof(uint64_t), 1).value;
    };
    EXPECT_EQ(count(first), 0u);
    Domain& second = move(at_home, home, first, away);
    EXPECT_EQ(count(second), 1u);
    Domain& third = move(away, abroad, second, at_home);
    EXPECT_EQ(count(third), 2u);
    for (uint32_t vcpu = 0; vcpu < kVcpus; ++vcpu) {
      EXPECT_EQ(third.vcpu(vcpu).hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_is_up, vcpu, 0}), 1);
    }
  }

  MovingTarget xen_, hv_;
};

TEST_P(Across, GuestOfXen_GoesToHvAndReturns) {
  go_and_return(*xen_.target, *hv_.target);
}

TEST_P(Across, GuestOfHv_GoesToXenAndReturns) {
  go_and_return(*hv_.target, *xen_.target);
}

INSTANTIATE_TEST_SUITE_P(Type, Across, ::testing::Values(GuestType::kPv64, GuestType::kPvh),
                         [](const auto& type) { return std::string(to_string(type.param)); });

}  // namespace
}  // namespace assay::migration
