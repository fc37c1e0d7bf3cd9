/// Kernels that go to and fro between hosts.
#include "sim/run/moving_kernel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/run/testing/tiny_kernel.hpp"

namespace assay {
namespace {

using testing::Code;

constexpr uint64_t kMoveLimitNs = 1'000'000'000;
constexpr uint8_t kSuspensions = 5;

/// 32-bit code of a PVH kernel that suspends itself, as often as ebp says, and then powers off with what it counted in
/// esi: one for each suspension that has ended with a restored domain.
Code suspending_kernel() {
  Code code;
  const auto shutdown = [&](uint8_t reason) {
    code.bytes({0x6a, reason, 0x89, 0xe1});            // push $reason; mov %esp, %ecx
    code.bytes({0xbb}).imm32(SCHEDOP_shutdown);        // mov $SCHEDOP_shutdown, %ebx
    code.bytes({0xb8}).imm32(__HYPERVISOR_sched_op);   // mov $sched_op, %eax
    code.bytes({0x0f, 0x01, 0xc1, 0x83, 0xc4, 0x04});  // vmcall; add $4, %esp
  };
  code.bytes({0xbc}).imm32(testing::kTinyKernelAt + 0x3000);  // mov $stack, %esp
  code.bytes({0xbd}).imm32(kSuspensions);                     // mov $kSuspensions, %ebp
  code.bytes({0x31, 0xf6});                                   // xor %esi, %esi
  const size_t loop = code.size();
  shutdown(SHUTDOWN_suspend);
  code.bytes({0x85, 0xc0, 0x75, 0x01, 0x46});  // test %eax, %eax; jne 1f; inc %esi; 1:
  code.bytes({0x4d});                          // dec %ebp
  const auto back = static_cast<uint8_t>(loop - (code.size() + 2));
  code.bytes({0x75, back});                            // jne loop
  code.bytes({0x83, 0xfe, kSuspensions, 0x75, 0xfe});  // cmp $kSuspensions, %esi; jne .
  shutdown(SHUTDOWN_poweroff);
  return code.bytes({0xeb, 0xfe});
}

class MovingKernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_file(path_, testing::tiny_kernel(suspending_kernel().all(), GuestType::kPvh));
  }
  void TearDown() override { std::filesystem::remove(path_); }
  [[nodiscard]] MovingKernel boot(uint64_t seed) const {
    GuestRunInputs inputs;
    inputs.core = artifact("hv.so");
    inputs.kernel = path_;
    inputs.memory_mib = 16;
    inputs.seed = seed;
    return {std::make_unique<GuestRun>(inputs), artifact("hv-faults.so")};
  }
  /// Of all hosts, once it has powered off.
  [[nodiscard]] uint64_t digest_of_moves(uint64_t seed) const {
    MovingKernel kernel = boot(seed);
    for (uint8_t moves = 0; moves < kSuspensions; ++moves) {
      const uint64_t left_ns = kernel.run().now_ns();
      kernel.move(kMoveLimitNs);
      EXPECT_GE(kernel.run().now_ns(), left_ns);
    }
    EXPECT_EQ(kernel.run().inputs().core, artifact("hv-faults.so"));
    EXPECT_EQ(kernel.run().advance(kernel.run().now_ns() + kMoveLimitNs), GuestEnd::kPoweroff)
        << kernel.run().describe();
    return kernel.digest();
  }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("assay-moving-kernel-test-" + std::to_string(::getpid()) + ".elf");
};

TEST_F(MovingKernelTest, ToAndFro_GoesOnToItsEnd_TheSameEachTime) {
  const uint64_t digest = digest_of_moves(1);
  EXPECT_EQ(digest_of_moves(1), digest);
  EXPECT_NE(digest_of_moves(2), digest);
}

TEST_F(MovingKernelTest, OneThatEnds_IsNotMoved) {
  MovingKernel kernel = boot(1);
  for (uint8_t moves = 0; moves < kSuspensions; ++moves) kernel.move(kMoveLimitNs);
  EXPECT_THROW(kernel.move(kMoveLimitNs), GuestUncooperative);
  EXPECT_EQ(kernel.run().end(), GuestEnd::kPoweroff);
  EXPECT_EQ(kernel.moves(), kSuspensions);
}

}  // namespace
}  // namespace assay
