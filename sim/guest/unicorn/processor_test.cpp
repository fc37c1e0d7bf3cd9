#include "sim/guest/unicorn/processor.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace assay::unicorn {
namespace {

constexpr uint64_t kCode = 0xffffffff80100000;
constexpr uint64_t kData = 0xffff880000000000;

class ProcessorTest : public ::testing::Test, private Filler {
 protected:
  bool fill(uint64_t address, assay_access access) override {
    asked_.push_back({address, access});
    if (filling_ == nullptr) return false;
    put(address & ~uint64_t{4095}, filling_, true);
    return true;
  }
  void put(uint64_t va, uint8_t* host, bool is_writable, bool is_executable = false) {
    processor_.map(va, host, 4096, is_executable);
    processor_.allow(va, is_writable);
  }
  void SetUp() override {
    regs_.rip = kCode;
    regs_.rsp = kData + sizeof data_;
    regs_.rflags = 0x202;
    regs_.code_bits = 64;
    put(kData, data_, true);
  }
  Stop run(std::initializer_list<uint8_t> code, uint64_t budget = 1000) {
    std::memset(code_, 0x90, sizeof code_);
    std::copy(code.begin(), code.end(), code_);
    put(kCode, code_, false, true);
    processor_.load(regs_, 0);
    const Stop stop = processor_.run(budget);
    processor_.store(regs_);
    return stop;
  }
  alignas(4096) uint8_t code_[4096];
  alignas(4096) uint8_t data_[4096] = {};
  assay_regs regs_{};
  Processor processor_{*this};
  uint8_t* filling_ = nullptr;
  std::vector<std::pair<uint64_t, assay_access>> asked_;
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
  put(0x1000, data_, false);
  EXPECT_EQ(run(load).why, Stop::Why::kSyscall);
  EXPECT_EQ(regs_.rax, 42u);
}

TEST_F(ProcessorTest, ReadOnlyMemory_IsAMissForWrites) {
  put(0x1000, data_, false);
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

/// Unicorn keys what it translated by a place of its own for each mapping, and gives a place that became free to the
/// next mapping: code of another time must not come back with it.
TEST_F(ProcessorTest, CodeThatChangedBetweenMappings_IsNotOfAnEarlierOne) {
  alignas(4096) static std::array<uint8_t, 4096> other;
  const auto result = [&](uint8_t value) {
    regs_.rip = kCode;
    EXPECT_EQ(run({0xb8, value, 0, 0, 0, 0xeb, 0x00, 0x0f, 0x05}).why, Stop::Why::kSyscall);  // mov; jmp +0; syscall
    return regs_.rax;
  };
  EXPECT_EQ(result(1), 1u);
  processor_.unmap(kCode, 4096);
  put(0x1000, other.data(), true);  // where the code was
  EXPECT_EQ(result(2), 2u);
  processor_.unmap(0x1000, 4096);
  processor_.unmap(kCode, 4096);
  EXPECT_EQ(result(2), 2u);
}

TEST_F(ProcessorTest, WhatIsForbidden_IsAskedForAgain_AndMayBeElsewhere) {
  alignas(4096) static std::array<uint8_t, 4096> first, second;
  const std::initializer_list<uint8_t> store{0x48, 0x89, 0x04, 0x25, 0x00, 0x10, 0x00, 0x00, 0x0f, 0x05};
  put(0x1000, first.data(), true);
  regs_.rax = 1;
  EXPECT_EQ(run(store).why, Stop::Why::kSyscall);
  processor_.forbid_all();
  processor_.allow(kCode, false);
  processor_.allow(kData, true);
  regs_.rip = kCode;
  regs_.rax = 2;
  processor_.load(regs_, 0);
  const Stop stop = processor_.run(1000);  // with the same mappings
  EXPECT_EQ(stop.why, Stop::Why::kMiss);
  EXPECT_TRUE(stop.access_is_unknown);
  put(0x1000, second.data(), true);
  regs_.rip = kCode;
  EXPECT_EQ(run(store).why, Stop::Why::kSyscall);
  EXPECT_EQ(first[0], 1u);
  EXPECT_EQ(second[0], 2u);
}

TEST_F(ProcessorTest, Budget_EndsBeforeTheNextBlock_NotAtTheOneBefore) {
  // inc rax; jmp +0; inc rbx; jmp +0; inc rcx; syscall
  const std::initializer_list<uint8_t> blocks{0x48, 0xff, 0xc0, 0xeb, 0x00, 0x48, 0xff, 0xc3,
                                              0xeb, 0x00, 0x48, 0xff, 0xc1, 0x0f, 0x05};
  for (uint64_t budget = 1; budget <= 4; ++budget) {
    regs_.rip = kCode;
    EXPECT_EQ(run(blocks, budget).why, Stop::Why::kBudget);
    EXPECT_EQ(regs_.rip, kCode + (budget <= 2 ? 5 : 10)) << budget;
    EXPECT_EQ(processor_.executed(), budget <= 2 ? 2u : 4u);
  }
}

TEST_F(ProcessorTest, OneInstruction_IsOne_AndTheTrapFlagIsNotLeftBehind) {
  run({0x0f, 0x05, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0});  // syscall; inc rax; inc rax
  processor_.load(regs_, 0);
  EXPECT_EQ(processor_.run_one().why, Stop::Why::kBudget);
  processor_.store(regs_);
  EXPECT_EQ(regs_.rax, 1u);
  EXPECT_EQ(regs_.rip, kCode + 5);
  EXPECT_EQ(regs_.rflags & 0x100, 0u);
  regs_.rip = kCode;
  processor_.load(regs_, 0);
  EXPECT_EQ(processor_.run_one().why, Stop::Why::kSyscall);
}

TEST_F(ProcessorTest, OneInstruction_OfARepeatedOne_IsOneTurn) {
  regs_.rcx = 3;
  regs_.rdi = kData;
  put(kCode, code_, false, true);
  code_[0] = 0xf3;  // rep stosb
  code_[1] = 0xaa;
  processor_.load(regs_, 0);
  EXPECT_EQ(processor_.run_one().why, Stop::Why::kBudget);
  processor_.store(regs_);
  EXPECT_EQ(regs_.rcx, 2u);
  EXPECT_EQ(regs_.rip, kCode);
}

TEST_F(ProcessorTest, FloatingPoint_IsAnExceptionWhileTheTaskIsSwitched) {
  EXPECT_EQ(run({0xd9, 0xd0, 0x0f, 0x05}).why, Stop::Why::kSyscall);  // fnop; syscall
  regs_.cr0 = 8;
  regs_.rip = kCode;
  const Stop stop = run({0xd9, 0xd0, 0x0f, 0x05});
  EXPECT_EQ(stop.why, Stop::Why::kException);
  EXPECT_EQ(stop.vector, 7u);
  EXPECT_EQ(regs_.rip, kCode);
  regs_.cr0 = 0;
  EXPECT_EQ(run({0xd9, 0xd0, 0x0f, 0x05}).why, Stop::Why::kSyscall);
}

class EveryInstruction : public Tracer {
 public:
  bool on_instruction(uint64_t address) override {
    if (address == stop_at) return true;
    seen.push_back(address);
    return false;
  }
  void on_access(uint64_t address, bool is_write) override { used.push_back({address, is_write}); }
  uint64_t stop_at = Processor::kNowhere;
  std::vector<uint64_t> seen;
  std::vector<std::pair<uint64_t, bool>> used;
};

TEST_F(ProcessorTest, Tracer_SeesEachInstruction_AndStopsExactlyBeforeOne_WithoutLosingCount) {
  EveryInstruction tracer;
  tracer.stop_at = kCode + 3;
  processor_.trace(&tracer);
  const std::initializer_list<uint8_t> code{0x48, 0xff, 0xc0, 0x48,
                                            0xff, 0xc3, 0x0f, 0x05};  // inc rax; inc rbx; syscall
  EXPECT_EQ(run(code).why, Stop::Why::kTraced);
  EXPECT_EQ(regs_.rip, kCode + 3);
  EXPECT_EQ(regs_.rax, 1u);
  EXPECT_EQ(regs_.rbx, 0u);
  EXPECT_EQ(processor_.executed(), 1u);
  tracer.stop_at = Processor::kNowhere;
  processor_.load(regs_, 0);
  EXPECT_EQ(processor_.run(0, true).why, Stop::Why::kSyscall) << "the budget was looked at before";
  EXPECT_EQ(processor_.executed(), 2u);
  EXPECT_EQ(tracer.seen, (std::vector<uint64_t>{kCode, kCode + 3, kCode + 6}));
  processor_.trace(nullptr);
  regs_.rip = kCode;
  EXPECT_EQ(run(code).why, Stop::Why::kSyscall);
  EXPECT_EQ(tracer.seen.size(), 3u);
}

TEST_F(ProcessorTest, WatchedMemory_IsReported_ForWhatIsAskedAndNothingElse) {
  EveryInstruction tracer;
  processor_.trace(&tracer);
  processor_.watch_memory({{kData + 8, 8, false, true}});
  put(kData, data_, true);
  regs_.rbx = kData;
  // mov %rax, (%rbx); mov %rax, 8(%rbx); mov 8(%rbx), %rcx; syscall
  run({0x48, 0x89, 0x03, 0x48, 0x89, 0x43, 0x08, 0x48, 0x8b, 0x4b, 0x08, 0x0f, 0x05});
  EXPECT_EQ(tracer.used, (std::vector<std::pair<uint64_t, bool>>{{kData + 8, true}}));
}

TEST_F(ProcessorTest, ThirtyTwoBitCode_IsExecutedAsSuch) {
  std::memset(code_, 0x90, sizeof code_);
  const uint8_t code[] = {0xb8, 0x01, 0x00, 0x00, 0x00, 0x40, 0xcc};  // mov $1, %eax; inc %eax; int3
  std::memcpy(code_, code, sizeof code);
  put(0x2000, code_, false, true);
  regs_.rip = 0x2000;
  regs_.code_bits = 32;
  processor_.load(regs_, 0);
  const Stop stop = processor_.run(100);
  processor_.store(regs_);
  EXPECT_EQ(stop.why, Stop::Why::kTrap);
  EXPECT_EQ(regs_.rax, 2u);
}

/// push %rax; cmp %rax, %rax; an access to 0x1000; syscall.
constexpr uint8_t kPush = 0x50, kCmp[] = {0x48, 0x39, 0xc0};

TEST_F(ProcessorTest, MissInTheMiddleOfABlock_LeavesExactRegistersAndFlags) {
  const std::vector<std::vector<uint8_t>> accesses{{0x48, 0x8b, 0x0c, 0x25, 0x00, 0x10, 0x00, 0x00},  // mov, load
                                                   {0x48, 0x89, 0x0c, 0x25, 0x00, 0x10, 0x00, 0x00},  // mov, store
                                                   {0xf0, 0x48, 0x01, 0x0c, 0x25, 0x00, 0x10, 0x00, 0x00},  // lock add
                                                   {0x0f, 0x10, 0x04, 0x25, 0x00, 0x10, 0x00, 0x00},        // movups
                                                   {0xdb, 0x2c, 0x25, 0x00, 0x10, 0x00, 0x00}};             // fld
  for (const auto& access : accesses) {
    std::memset(code_, 0x90, sizeof code_);
    code_[0] = kPush;
    std::copy(std::begin(kCmp), std::end(kCmp), code_ + 1);
    std::copy(access.begin(), access.end(), code_ + 4);
    put(kCode, code_, false, true);
    regs_.rip = kCode;
    regs_.rsp = kData + sizeof data_;
    regs_.rflags = 0x202;
    processor_.load(regs_, 0);
    const Stop stop = processor_.run(1000);
    processor_.store(regs_);
    EXPECT_EQ(stop.why, Stop::Why::kMiss);
    EXPECT_EQ(stop.address, 0x1000u);
    EXPECT_EQ(regs_.rip, kCode + 4);
    EXPECT_EQ(regs_.rsp, kData + sizeof data_ - 8);
    EXPECT_EQ(regs_.rflags & 0x40, 0x40u) << "ZF, as cmp left it";
    EXPECT_EQ(processor_.executed(), 2u);
  }
}

TEST_F(ProcessorTest, Filler_LetsTheInstructionGoOn) {
  filling_ = data_;
  data_[0] = 7;
  EXPECT_EQ(run({0x48, 0x8b, 0x04, 0x25, 0x00, 0x10, 0x00, 0x00, 0x0f, 0x05}).why, Stop::Why::kSyscall);
  EXPECT_EQ(regs_.rax, 7u);
  EXPECT_EQ(asked_, (std::vector<std::pair<uint64_t, assay_access>>{{0x1000, ASSAY_ACCESS_READ}}));
  EXPECT_EQ(processor_.executed(), 2u);
}

TEST_F(ProcessorTest, InstructionThatTouchesMorePagesThanThereAreRegions_GoesOn) {
  constexpr uint64_t kPages = 3 * Processor::kRegionsMax;
  filling_ = data_;
  regs_.rcx = kPages * 4096 / 8;
  regs_.rdi = 0x10000000;
  regs_.rax = 7;
  EXPECT_EQ(run({0xf3, 0x48, 0xab, 0x0f, 0x05}, UINT64_MAX).why, Stop::Why::kSyscall);  // rep stosq; syscall
  EXPECT_EQ(regs_.rcx, 0u);
  EXPECT_EQ(data_[8], 7u);
  EXPECT_EQ(asked_.size(), kPages);
}

TEST_F(ProcessorTest, JumpIntoNothing_AndIntoWhatIsNotExecutable_AreMissesThere) {
  regs_.rax = 0x5000;
  Stop stop = run({0xff, 0xe0});  // jmp *%rax
  EXPECT_EQ(stop.why, Stop::Why::kMiss);
  EXPECT_EQ(stop.access, ASSAY_ACCESS_EXECUTE);
  EXPECT_EQ(regs_.rip, 0x5000u);
  EXPECT_EQ(processor_.executed(), 1u);
  regs_.rax = kData;
  regs_.rip = kCode;
  stop = run({0xff, 0xe0});
  EXPECT_EQ(stop.why, Stop::Why::kMiss);
  EXPECT_EQ(stop.access, ASSAY_ACCESS_EXECUTE);
  EXPECT_EQ(stop.address, kData);
  EXPECT_EQ(regs_.rip, kData);
}

TEST_F(ProcessorTest, CodeThatSomebodyElseChanged_IsExecutedAsItIsNow) {
  run({0xb8, 0x01, 0x00, 0x00, 0x00, 0x0f, 0x05});  // mov $1, %eax; syscall
  EXPECT_EQ(regs_.rax, 1u);
  code_[1] = 2;
  regs_.rip = kCode;
  processor_.load(regs_, 0);
  EXPECT_EQ(processor_.run(1000).why, Stop::Why::kSyscall);
  processor_.store(regs_);
  EXPECT_EQ(regs_.rax, 2u);
}

TEST_F(ProcessorTest, CodeThatChangesItself_IsCountedAndStoppedAsItIsNow) {
  // Twice: call f; then cpuid in f becomes two nops, and inc %rax; f: cpuid; ret
  put(kData, code_, true, true);
  put(kCode, code_, true, true);
  regs_.rbx = kCode + 0x20;
  const std::initializer_list<uint8_t> code{
      0xe8, 0x1b, 0x00, 0x00, 0x00,  // call f
      0x66, 0xc7, 0x03, 0x90, 0x90,  // movw $0x9090, (%rbx)
      0xe8, 0x11, 0x00, 0x00, 0x00,  // call f
      0x0f, 0x05,                    // syscall
      0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
      0x90, 0x90, 0x90, 0x90, 0x0f, 0xa2, 0x48, 0xff, 0xc0, 0xc3,  // f: cpuid; inc %rax; ret
  };
  std::memset(code_, 0x90, sizeof code_);
  std::copy(code.begin(), code.end(), code_);
  put(kCode, code_, true, true);
  alignas(4096) static uint8_t stack[4096];
  put(0x7000, stack, true);
  regs_.rsp = 0x8000;
  processor_.load(regs_, 0);
  EXPECT_EQ(processor_.run(1000).why, Stop::Why::kOutside);
  processor_.store(regs_);
  EXPECT_EQ(regs_.rip, kCode + 0x20);
  regs_.rip += 2;
  processor_.load(regs_, 0);
  EXPECT_EQ(processor_.run(1000).why, Stop::Why::kSyscall) << "the second time there is no cpuid";
  processor_.store(regs_);
  EXPECT_EQ(regs_.rip, kCode + 17);
  EXPECT_EQ(processor_.executed(), 2u + 1 + 1 + 4 + 1);
}

TEST_F(ProcessorTest, MemoryWhereThePresenceTablesAre_IsTheGuests) {
  const uint64_t va = 0xff'fff0'0000;
  put(va, data_, true);
  put(kData, data_, true);
  data_[8] = 9;
  regs_.rbx = va;
  EXPECT_EQ(run({0x48, 0x8b, 0x43, 0x08, 0x0f, 0x05}).why, Stop::Why::kSyscall);  // mov 8(%rbx), %rax
  EXPECT_EQ(regs_.rax, 9u);
}

TEST_F(ProcessorTest, NotCanonicalAddresses_AreProtectionFaults) {
  regs_.rax = 0x900000000000;
  const Stop stop = run({0x50, 0x48, 0x8b, 0x08});  // push %rax; mov (%rax), %rcx
  EXPECT_EQ(stop.why, Stop::Why::kException);
  EXPECT_EQ(stop.vector, 13u);
  EXPECT_EQ(regs_.rip, kCode + 1);
}

}  // namespace
}  // namespace assay::unicorn
