#include "sim/run/guest_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/engine/rng.hpp"
#include "sim/run/debugger.hpp"
#include "sim/run/recording.hpp"
#include "sim/run/testing/tiny_kernel.hpp"

namespace assay {
namespace {

using testing::Code;
using ::testing::HasSubstr;

constexpr uint64_t kLimitNs = 2'000'000'000;

class GuestRunTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  std::unique_ptr<GuestRun> boot(const Code& code, GuestType type = GuestType::kPv64) {
    testing::write_file(path_, testing::tiny_kernel(code.all(), type));
    GuestRunInputs inputs;
    inputs.core = artifact("hv.so");
    inputs.kernel = path_;
    inputs.memory_mib = 16;
    return std::make_unique<GuestRun>(inputs);
  }
  std::string refusal(std::span<const std::byte> file, std::optional<GuestType> type = std::nullopt) {
    testing::write_file(path_, file);
    try {
      static_cast<void>(KernelImage::load(path_, type));
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("assay-guest-run-test-" + std::to_string(::getpid()) + ".elf");
};

TEST_F(GuestRunTest, Shutdown_EndsTheRun_WithItsReason) {
  const auto run = boot(Code().shutdown(SHUTDOWN_poweroff));
  EXPECT_EQ(run->advance(kLimitNs), GuestEnd::kPoweroff) << run->hypervisor_console() << run->describe();
  EXPECT_EQ(boot(Code().shutdown(SHUTDOWN_reboot))->advance(kLimitNs), GuestEnd::kReboot);
  EXPECT_EQ(boot(Code().shutdown(SHUTDOWN_crash))->advance(kLimitNs), GuestEnd::kCrash);
}

TEST_F(GuestRunTest, JumpIntoNothing_CrashesTheDomain_WithARegisterDump) {
  const auto run = boot(Code().rax(0x7000'0000'0000).bytes({0xff, 0xe0}));  // jmp *%rax
  EXPECT_EQ(run->advance(kLimitNs), GuestEnd::kCrash);
  EXPECT_THAT(run->hypervisor_console(), HasSubstr("rip e033:0000700000000000"));
  EXPECT_THAT(run->hypervisor_console(), HasSubstr("crashed"));
}

TEST_F(GuestRunTest, HvmGuestWithoutHandlers_TripleFaults) {
  const auto run = boot(Code().bytes({0x0f, 0x0b}), GuestType::kPvh);  // ud2
  EXPECT_EQ(run->advance(kLimitNs), GuestEnd::kReboot) << run->hypervisor_console();
}

TEST_F(GuestRunTest, EndlessLoop_RunsToTheLimit_AndDomainZeroIsServedMeanwhile) {
  const auto run = boot(Code().bytes({0xeb, 0xfe}));  // jmp .
  constexpr uint64_t kMs = 1'000'000;
  const uint64_t start = run->now_ns();
  EXPECT_EQ(run->advance(start + 5 * kMs), GuestEnd::kRunning);
  EXPECT_GE(run->now_ns(), start + 5 * kMs);
  EXPECT_LT(run->now_ns(), start + 6 * kMs);
  EXPECT_GT(run->instructions(), 4 * kMs) << "one a nanosecond, but for what domain 0 takes";
}

TEST_F(GuestRunTest, SameInputs_SameDigest_AndAnotherSeedAnother) {
  Code code;
  code.rbx(5000).bytes({0x48, 0xff, 0xcb, 0x75, 0xfb}).shutdown(SHUTDOWN_poweroff);
  const auto one = boot(code);
  one->advance(kLimitNs);
  const uint64_t digest = one->digest();
  const auto two = boot(code);
  two->advance(kLimitNs);
  EXPECT_EQ(two->digest(), digest);
}

TEST_F(GuestRunTest, GoingBack_ExecutesTheSameAgain) {
  Code code;
  code.rbx(1'000'000).bytes({0x48, 0xff, 0xcb, 0x75, 0xfb}).shutdown(SHUTDOWN_poweroff);
  const auto run = boot(code);
  run->advance(run->now_ns() + 500'000);
  const auto moment = run->take_moment();
  const uint64_t instructions = run->instructions();
  run->advance(kLimitNs);
  const uint64_t digest = run->digest();
  for (int i = 0; i < 3; ++i) {
    run->go_back(*moment);
    EXPECT_EQ(run->instructions(), instructions);
    EXPECT_EQ(run->advance(kLimitNs), GuestEnd::kPoweroff);
    EXPECT_EQ(run->digest(), digest);
  }
}

TEST_F(GuestRunTest, Recording_IsReadBack_AndGarbageIsRefused) {
  const auto run = boot(Code().rbx(1000).bytes({0x48, 0xff, 0xcb, 0x75, 0xfb}).shutdown(SHUTDOWN_poweroff));
  DigestLog log(*run);
  run->watch(&log);
  run->advance(kLimitNs);
  run->watch(nullptr);
  Recording recording;
  recording.inputs = run->inputs();
  recording.made_by = "a test";
  recording.end = run->end();
  recording.digests = log.digests();
  const std::filesystem::path file = path_.string() + ".recording";
  recording.save(file);
  const Recording back = Recording::load(file);
  EXPECT_EQ(back.digests, recording.digests);
  EXPECT_EQ(back.inputs.kernel, recording.inputs.kernel);
  EXPECT_EQ(back.end, GuestEnd::kPoweroff);

  const std::vector<std::byte> whole = read_whole_file(file, 1 << 20);
  Rng rng(7);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::byte> bytes = whole;
    if (rng.below(2) == 0) {
      bytes.resize(rng.below(bytes.size()));
    } else {
      bytes[rng.below(bytes.size())] ^= static_cast<std::byte>(1u << rng.below(8));
    }
    testing::write_file(file, bytes);
    try {
      static_cast<void>(Recording::load(file));
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr(file.string()));
    }
  }
  std::filesystem::remove(file);
}

TEST_F(GuestRunTest, Debugger_StepsBackOverAHypercall_ToTheEarlierRegisters) {
  Code code;
  code.bytes({0x31, 0xff, 0x31, 0xf6}).rax(__HYPERVISOR_xen_version).syscall();  // xor %edi,%edi; xor %esi,%esi
  code.rbx(7).shutdown(SHUTDOWN_poweroff);
  const auto run = boot(code);
  Debugger debugger(*run, kLimitNs);
  constexpr uint64_t kSyscallAt = testing::kTinyKernelAt + 14;
  const debug::StopPoint point{debug::PointKind::kSoftwareBreak, kSyscallAt, 1};
  ASSERT_TRUE(debugger.set_point(point));
  const auto never = [] { return false; };
  EXPECT_EQ(debugger.resume({}, never).reason, debug::Stop::Reason::kBreakpoint);
  EXPECT_EQ(debugger.registers(1)->rip, kSyscallAt);
  EXPECT_EQ(debugger.registers(1)->rax, 17u);
  EXPECT_EQ(debugger.resume({debug::Direction::kForward, 1}, never).reason, debug::Stop::Reason::kStep);
  EXPECT_EQ(debugger.registers(1)->rip, kSyscallAt + 2);
  EXPECT_EQ(debugger.registers(1)->rax, 4u << 16 | 17u) << "version 4.17";
  EXPECT_EQ(debugger.resume({debug::Direction::kBackward, 1}, never).reason, debug::Stop::Reason::kStep);
  EXPECT_EQ(debugger.registers(1)->rip, kSyscallAt);
  EXPECT_EQ(debugger.registers(1)->rax, 17u);
  EXPECT_EQ(debugger.resume({debug::Direction::kBackward, {}}, never).reason, debug::Stop::Reason::kBeginOfHistory);
  EXPECT_EQ(debugger.position(), 0u);
  ASSERT_TRUE(debugger.clear_point(point));
  EXPECT_EQ(debugger.resume({}, never).reason, debug::Stop::Reason::kEndOfHistory);
  EXPECT_EQ(debugger.resume({debug::Direction::kBackward, 1}, never).reason, debug::Stop::Reason::kStep);
}

TEST_F(GuestRunTest, KernelImage_SaysWhatIsWrong) {
  const std::vector<std::byte> good = testing::tiny_kernel(Code().bytes({0x90}).all(), GuestType::kPv64);
  EXPECT_EQ(refusal(good), "");
  EXPECT_THAT(refusal({}), HasSubstr("too short"));
  EXPECT_THAT(refusal(std::vector<std::byte>(64, std::byte{'x'})), HasSubstr("not an ELF file"));
  EXPECT_THAT(refusal(good, GuestType::kPvh), HasSubstr("PHYS32_ENTRY"));
  EXPECT_THAT(refusal(std::span(good).first(0x1000)), HasSubstr("outside the file"));
  const std::vector<std::byte> pvh = testing::tiny_kernel(Code().bytes({0x90}).all(), GuestType::kPvh);
  EXPECT_THAT(refusal(pvh, GuestType::kPv64), HasSubstr("ENTRY"));
  const std::vector<std::byte> huge = testing::tiny_kernel(Code().bytes({0x90}).all(), GuestType::kPv64, 2ull << 30);
  EXPECT_THAT(refusal(huge), HasSubstr("beyond 1 GiB"));
}

TEST_F(GuestRunTest, KernelImages_ThatAreDamaged_NeverHarm) {
  const std::vector<std::byte> good = testing::tiny_kernel(Code().bytes({0x90}).all(), GuestType::kPv64);
  Rng rng(11);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::byte> bytes = good;
    for (uint64_t flips = 1 + rng.below(4); flips > 0; --flips) {
      bytes[rng.below(0x140)] = static_cast<std::byte>(rng.below(256));
    }
    try {
      const KernelImage image = KernelImage::parse(bytes);
      EXPECT_LE(image.physical_end, 1ull << 30);
    } catch (const std::runtime_error&) {
      SUCCEED();
    }
  }
}

TEST_F(GuestRunTest, GuestThatDoesNotFit_IsRefused) {
  testing::write_file(path_, testing::tiny_kernel(Code().bytes({0x90}).all(), GuestType::kPv64, 32 << 20));
  GuestRunInputs inputs;
  inputs.core = artifact("hv.so");
  inputs.kernel = path_;
  inputs.memory_mib = 16;
  try {
    GuestRun run(inputs);
    FAIL();
  } catch (const ToolstackError& error) {
    EXPECT_THAT(error.what(), HasSubstr("need at least"));
  }
}

}  // namespace
}  // namespace assay
