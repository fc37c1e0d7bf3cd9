/// Any hypercall number with any arguments from any guest never harms the core: seeded calls by the thousand, with
/// pointers good and bad, and the core's own audit after each guest.
#include <gtest/gtest.h>

#include <array>

#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/engine/rng.hpp"
#include "sim/target/host/target_host.hpp"

namespace assay {
namespace {

constexpr uint64_t kCallsPerGuest = 400;
constexpr uint64_t kGuestsPerCaller = 25;
constexpr uint64_t kPatienceNs = 2'000'000;

enum class Caller { kPv64, kPvh, kDom0 };

class AnyCall : public testing::TestWithParam<Caller> {
 protected:
  void SetUp() override {
    HostOptions options;
    options.core = artifact("hv.so");
    target_ = make_host_target(options);
  }

  Domain& caller() {
    if (GetParam() == Caller::kDom0) return target_->dom0();
    GuestSpec spec;
    spec.type = GetParam() == Caller::kPv64 ? GuestType::kPv64 : GuestType::kPvh;
    spec.vcpus = 2;
    return target_->create_guest(spec);
  }

  /// One argument: nothing, a small number, a domain id, memory of the guest, its very end, or any 64 bits at all.
  uint64_t argument(Rng& rng, Domain& domain, Gva page) {
    const GuestSpace& space = domain.space();
    const std::array<uint64_t, 10> pool{
        0,
        rng.below(40),
        rng.below(8) << 6 | rng.below(40),
        DOMID_SELF,
        page.raw() + rng.below(kPageSize),
        page.raw() + kPageSize - rng.below(64),
        space.va_offset + rng.below(space.pages) * kPageSize,
        0xffff'8000'0000'0000 + rng.next() % (uint64_t{1} << 43),
        uint64_t{1} << rng.below(64),
        rng.next(),
    };
    return pool[rng.below(pool.size())];
  }

  /// Fills the page with words that may be structures, ports, frames, pointers or nothing.
  void scribble(Rng& rng, Domain& domain, Gva page) {
    std::array<uint64_t, 64> words{};
    for (uint64_t& word : words) word = rng.one_in(3) ? 0 : argument(rng, domain, page);
    (void)domain.vcpu(0).write_bytes(page, std::as_bytes(std::span(words)));
  }

  /// Calls until the guest stops answering, which a guest that calls anything may well do to itself.
  void call_anything(Rng rng) {
    Domain& domain = caller();
    Vcpu& vcpu = domain.vcpu(0);
    const Gva page = domain.alloc_pages(2);
    for (uint64_t i = 0; i < kCallsPerGuest; ++i) {
      if (rng.one_in(2)) scribble(rng, domain, page);
      const auto number = static_cast<uint32_t>(rng.one_in(20) ? rng.next() : rng.below(64));
      const auto next = [&] { return argument(rng, domain, page); };
      vcpu.start_hypercall(number, {next(), next(), next(), next(), next()});
      if (!vcpu.finish_hypercall(kPatienceNs)) return;
    }
  }

  std::unique_ptr<Target> target_;
};

TEST_P(AnyCall, AnyNumberAnyArguments_TheCoreIsUnharmed) {
  const Rng root(20260101);
  for (uint64_t guest = 0; guest < kGuestsPerCaller; ++guest) {
    SCOPED_TRACE("guest " + std::to_string(guest));
    target_->begin_case(guest);
    try {
      call_anything(root.fork("guest " + std::to_string(guest)));
    } catch (const TargetDied& died) {
      // A guest that shot itself in the foot answers no more; the core itself must not be what died.
      EXPECT_TRUE(died.how() == TargetDied::How::kDeadAgent || died.how() == TargetDied::How::kHang) << died.what();
    } catch (const HarnessFault&) {
      // It unmapped its own heap, stack or code.
    }
    EXPECT_EQ(target_->audit(), "");
  }
}

std::string name_of(const testing::TestParamInfo<Caller>& tested) {
  if (tested.param == Caller::kPv64) return "Pv64";
  return tested.param == Caller::kPvh ? "Pvh" : "Dom0";
}

INSTANTIATE_TEST_SUITE_P(Callers, AnyCall, testing::Values(Caller::kPv64, Caller::kPvh, Caller::kDom0), name_of);

}  // namespace
}  // namespace assay
