#include "sim/guest/direct/direct_guest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/paths.hpp"
#include "sim/guest/agent_image.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSecond = 1'000'000'000;

/// The tiny core's only vCPU, with a direct guest on it.
class DirectGuestTest : public ::testing::Test {
 protected:
  static MachineConfig config() {
    MachineConfig config;
    config.pcpus = 1;
    config.memory_bytes = 64u << 20;
    config.arena_bytes = 1u << 20;
    return config;
  }
  DirectGuestTest() {
    assay_image kernel{};
    kernel.kernel = reinterpret_cast<const uint8_t*>(image_.file.data());
    kernel.kernel_bytes = image_.file.size();
    kernel.vcpus = 1;
    EXPECT_EQ(machine_.boot(), 0);
    EXPECT_EQ(machine_.build_first_domain(kernel), 0);
    machine_.attach(0, 0, guest_);
    EXPECT_TRUE(machine_.run_until(guest_.is_booted(), kSecond));
  }
  GuestReply execute(assay_op op, std::array<uint64_t, 8> arg, std::span<const std::byte> in = {},
                     std::span<std::byte> out = {}) {
    guest_.start({op, arg, in, out});
    EXPECT_TRUE(machine_.run_until(guest_.has_replied(), machine_.now_ns() + kSecond)) << guest_.trouble();
    return guest_.reply();
  }
  AgentImage image_ = AgentImage::load(artifact("agent-dom0.elf"));
  CoreObject core_{artifact("core_tiny.so")};
  Machine machine_{core_, config()};
  DirectGuest guest_{machine_, image_.layout, GuestType::kPv64, 0};
  uint64_t heap_ = image_.layout.heap_start;
};

TEST_F(DirectGuestTest, Boot_GoesOnWithoutWhatThePoorCoreLacks) {
  EXPECT_TRUE(guest_.is_booted());
  EXPECT_THAT(guest_.trouble(), HasSubstr("set_trap_table returned -38"));
}

TEST_F(DirectGuestTest, Hypercall_ReturnsTheResultRegister) {
  EXPECT_EQ(execute(ASSAY_OP_HYPERCALL, {17}).value[0], 4u << 16 | 17u);
  EXPECT_EQ(static_cast<int64_t>(execute(ASSAY_OP_HYPERCALL, {1000}).value[0]), -38);
}

TEST_F(DirectGuestTest, Memory_ReadsWhatWasWritten) {
  const std::array<std::byte, 5> text{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}};
  EXPECT_EQ(execute(ASSAY_OP_WRITE, {heap_ + 4093}, text).status, ASSAY_STATUS_OK);
  std::array<std::byte, 5> back{};
  EXPECT_EQ(execute(ASSAY_OP_READ, {heap_ + 4093, 5}, {}, back).status, ASSAY_STATUS_OK);
  EXPECT_EQ(back, text);
}

TEST_F(DirectGuestTest, Read_AtTheLimitAndOnePast) {
  std::vector<std::byte> buffer(ASSAY_MAILBOX_DATA_BYTES + 1);
  EXPECT_EQ(execute(ASSAY_OP_READ, {heap_, ASSAY_MAILBOX_DATA_BYTES}, {}, buffer).status, ASSAY_STATUS_OK);
  EXPECT_EQ(execute(ASSAY_OP_READ, {heap_, ASSAY_MAILBOX_DATA_BYTES + 1}, {}, buffer).status,
            ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(execute(ASSAY_OP_WRITE, {heap_}, buffer).status, ASSAY_STATUS_BAD_ARGUMENT);
}

TEST_F(DirectGuestTest, Fill_SetsEveryByte) {
  EXPECT_EQ(execute(ASSAY_OP_FILL, {heap_ + 1, 8191, 0xab}).status, ASSAY_STATUS_OK);
  std::array<std::byte, 2> edge{};
  execute(ASSAY_OP_READ, {heap_, 2}, {}, edge);
  EXPECT_EQ(edge, (std::array{std::byte{0}, std::byte{0xab}}));
  execute(ASSAY_OP_READ, {heap_ + 8191, 2}, {}, edge);
  EXPECT_EQ(edge, (std::array{std::byte{0xab}, std::byte{0}}));
}

TEST_F(DirectGuestTest, Atomic_EveryKind) {
  const auto run = [&](assay_atomic kind, uint64_t width, uint64_t operand, uint64_t comparand = 0) {
    return execute(ASSAY_OP_ATOMIC, {heap_, width, kind, operand, comparand}).value[0];
  };
  EXPECT_EQ(run(ASSAY_ATOMIC_XCHG, 8, 0x1234), 0u);
  EXPECT_EQ(run(ASSAY_ATOMIC_AND, 8, 0xff), 0x1234u);
  EXPECT_EQ(run(ASSAY_ATOMIC_OR, 8, 0x100), 0x34u);
  EXPECT_EQ(run(ASSAY_ATOMIC_ADD, 1, 0xff), 0x34u);
  EXPECT_EQ(run(ASSAY_ATOMIC_CMPXCHG, 2, 7, 0x999), 0x133u);
  EXPECT_EQ(run(ASSAY_ATOMIC_CMPXCHG, 2, 7, 0x133), 0x133u);
  EXPECT_EQ(run(ASSAY_ATOMIC_OR, 8, 0), 7u);
}

TEST_F(DirectGuestTest, Atomic_BadWidthOrKind) {
  EXPECT_EQ(execute(ASSAY_OP_ATOMIC, {heap_, 3, ASSAY_ATOMIC_XCHG}).status, ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(execute(ASSAY_OP_ATOMIC, {heap_, 8, ASSAY_ATOMIC_ADD + 1}).status, ASSAY_STATUS_BAD_ARGUMENT);
}

TEST_F(DirectGuestTest, NoSuchOperation_IsBadOp) {
  EXPECT_EQ(execute(static_cast<assay_op>(ASSAY_OP_COUNT_), {}).status, ASSAY_STATUS_BAD_OP);
}

TEST_F(DirectGuestTest, MachineCode_IsUnsupported) {
  EXPECT_EQ(execute(ASSAY_OP_CALL, {heap_}).status, ASSAY_STATUS_UNSUPPORTED);
}

/// ASSAY_OP_EXECUTE with the stack pointer in the heap.
class DirectInstructionTest : public DirectGuestTest {
 protected:
  // The tiny core maps the image's memory and loads nothing into it.
  DirectInstructionTest() {
    for (const ImageSegment& segment : image_.segments) {
      constexpr size_t kPart = 8192;
      const std::span<const std::byte> bytes = segment.file_bytes;
      if (segment.writable) continue;
      for (size_t at = 0; at < bytes.size(); at += kPart) {
        execute(ASSAY_OP_WRITE, {segment.virtual_address + at}, bytes.subspan(at, std::min(kPart, bytes.size() - at)));
      }
    }
  }
  GuestReply run(uint64_t instruction, uint64_t mode = ASSAY_EXECUTE_KERNEL) {
    registers_.rsp = heap_ + 0x800;
    return execute(ASSAY_OP_EXECUTE, {instruction, mode}, std::as_bytes(std::span(&registers_, 1)),
                   std::as_writable_bytes(std::span(&told_, 1)));
  }
  assay_registers registers_{};
  assay_execution told_{};
};

TEST_F(DirectInstructionTest, Nop_LandsWithTheStateThatWasLoaded) {
  registers_.rax = 1, registers_.r15 = 15, registers_.rflags = 1;
  EXPECT_EQ(run(ASSAY_INSTRUCTION_NOP).status, ASSAY_STATUS_OK);
  EXPECT_EQ(told_.entry, uint32_t{ASSAY_ENTRY_LANDING});
  EXPECT_EQ(told_.at.rax, 1u);
  EXPECT_EQ(told_.at.r15, 15u);
  EXPECT_EQ(told_.at.rflags & 1, 1u);
  EXPECT_EQ(told_.at.rsp, registers_.rsp);
  EXPECT_EQ(execute(ASSAY_OP_HYPERCALL, {17}).value[0], 4u << 16 | 17u) << "it serves again";
}

TEST_F(DirectInstructionTest, Syscall_IsAHypercallAndLeavesItsAddress) {
  registers_.rax = 17;
  EXPECT_EQ(run(ASSAY_INSTRUCTION_SYSCALL).status, ASSAY_STATUS_OK);
  EXPECT_EQ(told_.at.rax, 4u << 16 | 17u);
  EXPECT_EQ(told_.at.rcx, image_.layout.menu + ASSAY_INSTRUCTION_SYSCALL * image_.layout.menu_stride + 2);
}

TEST_F(DirectInstructionTest, LoadAndStore_ReachMemory) {
  registers_.rdi = heap_ + 8, registers_.rax = 0x1234;
  EXPECT_EQ(run(ASSAY_INSTRUCTION_STORE).status, ASSAY_STATUS_OK);
  registers_.rax = 0;
  EXPECT_EQ(run(ASSAY_INSTRUCTION_LOAD).status, ASSAY_STATUS_OK);
  EXPECT_EQ(told_.at.rax, 0x1234u);
}

TEST_F(DirectInstructionTest, Jump_ToWhatTheProcessorDoesNotKnowIsUnsupported) {
  registers_.rbx = heap_;  // zeroes
  EXPECT_EQ(run(ASSAY_INSTRUCTION_JUMP).status, ASSAY_STATUS_UNSUPPORTED);
  EXPECT_EQ(run(ASSAY_INSTRUCTION_NOP).status, ASSAY_STATUS_OK) << "it serves again";
}

TEST_F(DirectInstructionTest, Jump_InACircleTimesOut) {
  const std::array<std::byte, 2> circle{std::byte{0xeb}, std::byte{0xfe}};
  execute(ASSAY_OP_WRITE, {heap_}, circle);
  registers_.rbx = heap_;
  EXPECT_EQ(run(ASSAY_INSTRUCTION_JUMP).status, ASSAY_STATUS_TIMED_OUT);
}

TEST_F(DirectInstructionTest, BadArguments_AreRefused) {
  EXPECT_EQ(run(ASSAY_INSTRUCTION_COUNT_).status, ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(run(ASSAY_INSTRUCTION_NOP, ASSAY_EXECUTE_MODE_COUNT_).status, ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(run(UINT64_MAX, UINT64_MAX).status, ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(run(ASSAY_INSTRUCTION_VMCALL).status, ASSAY_STATUS_UNSUPPORTED);
  EXPECT_EQ(run(ASSAY_INSTRUCTION_NOP, ASSAY_EXECUTE_KERNEL32).status, ASSAY_STATUS_UNSUPPORTED);
  registers_.rflags = 1u << 17;
  EXPECT_EQ(run(ASSAY_INSTRUCTION_NOP).status, ASSAY_STATUS_BAD_ARGUMENT);
  EXPECT_EQ(execute(ASSAY_OP_EXECUTE, {ASSAY_INSTRUCTION_NOP}).status, ASSAY_STATUS_BAD_ARGUMENT) << "no registers";
}

TEST_F(DirectGuestTest, Upcalls_AreHeldByTheMask) {
  const auto mask = [&] {
    std::array<std::byte, 1> byte{};
    execute(ASSAY_OP_READ, {image_.layout.shared_info + 1, 1}, {}, byte);  // evtchn_upcall_mask
    return byte[0];
  };
  execute(ASSAY_OP_UPCALLS, {1});
  EXPECT_EQ(mask(), std::byte{0});
  execute(ASSAY_OP_UPCALLS, {0});
  EXPECT_EQ(mask(), std::byte{1});
}

TEST_F(DirectGuestTest, Time_RawTscFollowsTheClock) {
  const uint64_t first = execute(ASSAY_OP_TIME, {}).value[1];
  machine_.pass_time(kSecond);
  EXPECT_EQ(execute(ASSAY_OP_TIME, {}).value[1] - first, kSecond * 2);  // 2 GHz; operations without exits take no time
}

TEST_F(DirectGuestTest, SecondOperationInFlight_IsHarnessFault) {
  guest_.start({ASSAY_OP_NOP, {}, {}, {}});
  EXPECT_THROW(guest_.start({ASSAY_OP_NOP, {}, {}, {}}), HarnessFault);
}

// The core has no trap handlers to bounce to: it lets the access be tried again, for ever.
TEST_F(DirectGuestTest, FaultThatNobodyHandles_TimesOut) {
  std::array<std::byte, 8> out{};
  guest_.start({ASSAY_OP_READ, {0x1000, 8}, {}, out});
  EXPECT_FALSE(machine_.run_until(guest_.has_replied(), machine_.now_ns() + 1'000'000));
}

}  // namespace
}  // namespace assay
