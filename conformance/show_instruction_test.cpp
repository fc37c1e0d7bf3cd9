#include "conformance/show_instruction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string shown(uint32_t entry, uint64_t words = 0) {
  assay_execution execution{};
  execution.entry = entry;
  execution.at.rip = 0x1234;
  execution.frame_words = words;
  for (uint64_t i = 0; i < ASSAY_FRAME_WORDS_MAX; ++i) execution.frame[i] = 0x100 + i;
  return show_execution(std::as_bytes(std::span(&execution, 1)));
}

TEST(ShowInstruction, NamesInstructionAndMode) {
  assay_registers registers{};
  registers.rdi = 0xabc;
  GuestRequest request;
  request.op = ASSAY_OP_EXECUTE;
  request.arg = {ASSAY_INSTRUCTION_LOAD, ASSAY_EXECUTE_USER};
  request.in = std::as_bytes(std::span(&registers, 1));
  EXPECT_THAT(show_instruction(request), StartsWith("mov (%rdi), %rax in user mode"));
  EXPECT_THAT(show_instruction(request), HasSubstr("rdi 0xabc"));
}

TEST(ShowInstruction, UnknownNumbers_AreShownAsSuch) {
  GuestRequest request;
  request.arg = {99, 9};
  EXPECT_THAT(show_instruction(request), StartsWith("number 99 in number 9 mode"));
}

TEST(ShowExecution, NamesWhereItLed) {
  EXPECT_THAT(shown(14), StartsWith("exception 14 at 0x1234"));
  EXPECT_THAT(shown(ASSAY_ENTRY_SYSCALL), StartsWith("syscall at 0x1234"));
  EXPECT_THAT(shown(ASSAY_ENTRY_LANDING), StartsWith("landing at 0x1234"));
}

TEST(ShowExecution, ShowsAsManyFrameWordsAsThereAre) {
  EXPECT_THAT(shown(14, 2), HasSubstr("; frame 0x100 0x101"));
  EXPECT_EQ(shown(14, 0).find("frame"), std::string::npos);
  EXPECT_THAT(shown(14, 1000), HasSubstr("0x10b"));
}

TEST(ShowExecution, ShortBytes_AreNoHarm) {
  EXPECT_THAT(show_execution({}), StartsWith("exception 0 at 0x0"));
}

}  // namespace
}  // namespace assay
