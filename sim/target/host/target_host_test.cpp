#include "sim/target/host/target_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/paths.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint32_t kVersionCall = 17;
constexpr uint32_t kConsoleCall = 18;

std::unique_ptr<Target> target_of(const std::string& core) {
  HostOptions options;
  options.core = artifact("core_" + core + ".so");
  options.memory_bytes = 64u << 20;
  options.arena_bytes = 1u << 20;
  return make_host_target(options);
}

std::string death_of(Target& target, uint32_t number, TargetDied::How expected) {
  try {
    target.dom0().vcpu(0).hypercall(number);
    return "alive";
  } catch (const TargetDied& died) {
    EXPECT_EQ(died.how(), expected);
    return died.what();
  }
}

TEST(TargetHost, TinyCore_HasADom0AndNothingElse) {
  const auto target = target_of("tiny");
  EXPECT_EQ(target->info().kind, "core");
  EXPECT_EQ(target->info().name, "tiny");
  EXPECT_TRUE(target->has(Capability::kDom0));
  EXPECT_FALSE(target->has(Capability::kPv64Guest));
  EXPECT_FALSE(target->has(Capability::kPvhGuest));
  EXPECT_FALSE(target->has(Capability::kMultiVcpu));
  EXPECT_TRUE(target->has(Capability::kVirtualTime));
}

TEST(TargetHost, TinyCore_AnswersAndKeepsMemory) {
  const auto target = target_of("tiny");
  target->begin_case(1);
  Vcpu& vcpu = target->dom0().vcpu(0);
  EXPECT_EQ(vcpu.hypercall(kVersionCall), 4 << 16 | 17);
  EXPECT_EQ(vcpu.hypercall(kConsoleCall), -38);
  const Gva page = target->dom0().alloc_pages(1);
  vcpu.write<uint64_t>(page, 42);
  EXPECT_EQ(vcpu.read<uint64_t>(page), 42u);
  EXPECT_THAT(target->evidence(), HasSubstr("update_va_mapping of shared_info returned -38"));
}

TEST(TargetHost, BeginCase_StartsAfresh) {
  const auto target = target_of("tiny");
  target->begin_case(1);
  const Gva page = target->dom0().alloc_pages(1);
  target->dom0().vcpu(0).write<uint64_t>(page, 42);
  target->begin_case(1);
  EXPECT_EQ(target->dom0().vcpu(0).read<uint64_t>(page), 0u);
  EXPECT_EQ(target->dom0().alloc_pages(1), page);
}

TEST(TargetHost, Digest_IsOfTheSeedAndTheSteps) {
  const auto target = target_of("tiny");
  const auto digest = [&](uint64_t seed, uint64_t calls) {
    target->begin_case(seed);
    for (uint64_t i = 0; i < calls; ++i) target->dom0().vcpu(0).hypercall(kVersionCall);
    return target->digest();
  };
  const uint64_t first = digest(1, 3);
  EXPECT_EQ(digest(1, 3), first);
  EXPECT_NE(digest(2, 3), first);
  EXPECT_NE(digest(1, 4), first);
}

TEST(TargetHost, CrashingCore_DiesAndIsFreshForTheNextCase) {
  const auto target = target_of("crash");
  target->begin_case(1);
  EXPECT_EQ(death_of(*target, kConsoleCall, TargetDied::How::kPanic), "panic: console_io is too much");
  target->begin_case(2);
  EXPECT_THAT(death_of(*target, kVersionCall, TargetDied::How::kExited), HasSubstr("SIGSEGV: wrote to 0x10"));
  target->begin_case(3);
  EXPECT_EQ(target->dom0().vcpu(0).hypercall(0), -38);
  EXPECT_EQ(target->boots(), 2u);
}

TEST(TargetHost, OverrunningCore_IsToldByHowMuch) {
  const auto target = target_of("overrun");
  target->begin_case(1);
  EXPECT_THAT(death_of(*target, kVersionCall, TargetDied::How::kExited),
              HasSubstr("16 bytes past the end of the arena"));
}

TEST(TargetHost, CoreThatNeverReturns_IsHang) {
  const auto target = target_of("hang");
  target->begin_case(1);
  EXPECT_THAT(death_of(*target, kConsoleCall, TargetDied::How::kHang), HasSubstr("without returning"));
}

TEST(TargetHost, OtherPortVersion_IsUnavailableWithBothVersions) {
  try {
    target_of("other_version");
    FAIL() << "accepted";
  } catch (const TargetUnavailable& unavailable) {
    EXPECT_THAT(unavailable.what(), HasSubstr("port version 2.0, this host speaks 1.3"));
  }
}

TEST(TargetHost, GuestOnTinyCore_IsAnErrorOfTheToolstackNotACrash) {
  const auto target = target_of("tiny");
  target->begin_case(1);
  EXPECT_ANY_THROW(target->create_guest(GuestSpec{}));
  EXPECT_EQ(target->dom0().vcpu(0).hypercall(kVersionCall), 4 << 16 | 17);
}

}  // namespace
}  // namespace assay
