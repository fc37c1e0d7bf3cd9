#include "sim/guest/unicorn/processor.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace assay::unicorn {
namespace {

constexpr uint64_t kCode = 0xffffffff80100000;
constexpr uint64_t kData = 0xffff880000000000;

class ProcessorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    regs_.rip = kCode;
    regs_.rsp = kData + sizeof data_;
    regs_.rflags = 0x202;
    regs_.code_bits = 64;
    processor_.map(kData, data_, sizeof data_, true, false);
  }
  Stop run(std::initializer_list<uint8_t> code, uint64_t budget = 1000) {
    std::memset(code_, 0x90, sizeof code_);
    std::copy(code.begin(), code.end(), code_);
    processor_.map(kCode, code_, sizeof code_, false, true);
    processor_.load(regs_, 0);
    const Stop stop = processor_.run(budget);
    processor_.store(regs_);
    return stop;
  }
  alignas(4096) uint8_t code_[4096];
  alignas(4096) uint8_t data_[4096] = {};
  assay_regs regs_{};
  Processor processor_;
};

TEST_F(ProcessorTest, Syscall_StopsBehindIt_WithRegisters) {
  const Stop stop = run({0x48, 0xff, 0xc0, 0x0f, 0x05});  // inc rax; syscall
  EXPECT_EQ(stop.why, Stop::Why::kSyscall);
  EXPECT_EQ(regs_.rip, kCode + 5);
  EXPECT_EQ(regs_.rax, 1u);
  EXPECT_EQ(processor_.executed(), 2u);
}

TEST_F(ProcessorTest, UnmappedMemory_IsAMissAtTheInstruction_ThatGoesOnOnceMapped) {
  const std::initializer_list<uint8_t> load{0x48, 0x8b, 0x04, 0x25, 0x00, 0x10, 0x00, 0x00, 0x0f, 0x05};
  const Stop stop = run(load);  // mov 0x1000, %rax; syscall
  EXPECT_EQ(stop.why, Stop::Why::kMiss);
  EXPECT_EQ(stop.address, 0x1000u);
  EXPECT_EQ(stop.access, ASSAY_ACCESS_READ);
  EXPECT_EQ(regs_.rip, kCode);
  EXPECT_EQ(processor_.executed(), 0u);
  data_[0] = 42;
  processor_.map(0x1000, data_, sizeof data_, false, false);
  EXPECT_EQ(run(load).why, Stop::Why::kSyscall);
  EXPECT_EQ(regs_.rax, 42u);
}

TEST_F(ProcessorTest, ReadOnlyMemory_IsAMissForWrites) {
  processor_.map(0x1000, data_, sizeof data_, false, false);
  const Stop stop = run({0x48, 0x89, 0x04, 0x25, 0x00, 0x10, 0x00, 0x00});  // mov %rax, 0x1000
  EXPECT_EQ(stop.why, Stop::Why::kMiss);
  EXPECT_EQ(stop.access, ASSAY_ACCESS_WRITE);
}

TEST_F(ProcessorTest, PrivilegedInstructions_AreExceptions_TimeAndTime) {
  for (int again = 0; again < 3; ++again) {
    regs_.rip = kCode;
    const Stop stop = run({0x0f, 0x31});  // rdtsc
    EXPECT_EQ(stop.why, Stop::Why::kException);
    EXPECT_EQ(stop.vector, 13u) << "not a double fault";
    EXPECT_EQ(regs_.rip, kCode);
  }
}

TEST_F(ProcessorTest, SoftwareInterrupts_AreTraps) {
  const Stop stop = run({0xcd, 0x80});
  EXPECT_EQ(stop.why, Stop::Why::kTrap);
  EXPECT_EQ(stop.vector, 0x80u);
  EXPECT_EQ(regs_.rip, kCode + 2);
}

TEST_F(ProcessorTest, Cpuid_StopsAtIt_AlsoInTheMiddleOfABlock) {
  const Stop stop = run({0x48, 0xff, 0xc0, 0x0f, 0xa2, 0x48, 0xff, 0xc0, 0x0f, 0x05});
  EXPECT_EQ(stop.why, Stop::Why::kOutside);
  EXPECT_EQ(regs_.rip, kCode + 3);
  EXPECT_EQ(regs_.rax, 1u);
}

TEST_F(ProcessorTest, Vmcall_IsInvalidHere) {
  EXPECT_EQ(run({0x0f, 0x01, 0xc1}).why, Stop::Why::kInvalid);
  EXPECT_EQ(regs_.rip, kCode);
}

TEST_F(ProcessorTest, Budget_EndsAnEndlessLoop_OnTheSameInstructionEveryTime) {
  const std::initializer_list<uint8_t> loop{0x48, 0xff, 0xc0, 0xeb, 0xfb};  // inc rax; jmp back
  EXPECT_EQ(run(loop, 100).why, Stop::Why::kBudget);
  const uint64_t rax = regs_.rax;
  EXPECT_EQ(processor_.executed(), 100u);
  regs_.rax = 0;
  regs_.rip = kCode;
  run(loop, 100);
  EXPECT_EQ(regs_.rax, rax);
}

TEST_F(ProcessorTest, ThirtyTwoBitCode_IsExecutedAsSuch) {
  std::memset(code_, 0x90, sizeof code_);
  const uint8_t code[] = {0xb8, 0x01, 0x00, 0x00, 0x00, 0x40, 0xcc};  // mov $1, %eax; inc %eax; int3
  std::memcpy(code_, code, sizeof code);
  processor_.map(0x2000, code_, sizeof code_, false, true);
  regs_.rip = 0x2000;
  regs_.code_bits = 32;
  processor_.load(regs_, 0);
  const Stop stop = processor_.run(100);
  processor_.store(regs_);
  EXPECT_EQ(stop.why, Stop::Why::kTrap);
  EXPECT_EQ(regs_.rax, 2u);
}

}  // namespace
}  // namespace assay::unicorn
