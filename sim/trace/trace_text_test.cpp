#include "sim/trace/trace_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/trace/testing/scene.hpp"
#include "sim/trace/trace_recorder.hpp"

namespace assay::trace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string text_of(const Trace& trace, size_t last = SIZE_MAX) {
  std::string text;
  print_events(trace, last, [&](std::string_view piece) { text += piece; });
  return text;
}

TEST(TraceText, EveryEvent_IsALine) {
  TraceRecorder recorder({});
  Scene(recorder).play();
  EXPECT_EQ(text_of(recorder.trace()),
            "          1000 ns  pcpu  3  -     runs idle\n"
            "          1000 ns  pcpu  2  -     runs d1v0\n"
            "          2000 ns  pcpu  2  d1v0  EVTCHNOP_send 20480 = -EINVAL (-22)\n"
            "          2100 ns  pcpu  2  d1v0  core event 0x1f004 7 0x12345\n"
            "          3001 ns  pcpu  2  d1v0  SCHEDOP_block = 0 (back at 8000 ns)\n"
            "          3500 ns  pcpu  2  -     runs d2v1, not d1v0\n"
            "          4000 ns  pcpu  2  d2v1  cpuid 0x1.2 = 0xb 0xc 0xd 0xe\n"
            "          5000 ns  pcpu  2  d2v1  wrmsr 0xc0000080 = 0xe0000000b\n"
            "          5500 ns  pcpu  2  d2v1  takes interrupt 0xf3 at 0x2000\n"
            "          6000 ns  pcpu  2  d2v1  second-stage fault write address 0xfee00000 at 0x2000\n"
            "          7000 ns  pcpu  2  d2v1  in port 0x3f8 size 1 = 0xb\n"
            "          8000 ns  pcpu  3  -     runs d1v0, not idle\n"
            "          8000 ns  pcpu  3  d1v0  goes on at 0x9000, left at 0x1000\n"
            "          9000 ns  pcpu  3  d1v0  #PF error 0x6 address 0x7000 at 0x9000\n"
            "         10000 ns  pcpu  2  d2v1  halt (has not come back)\n"
            "         10500 ns  pcpu  2  -     runs idle, not d2v1\n"
            "         11000 ns  pcpu  3  d1v0  SCHEDOP_yield (has not come back)\n");
}

TEST(TraceText, RegistersThatCarryNoArgument_AreNotShown) {
  Exit exit;
  exit.left.reason = ASSAY_EXIT_HYPERCALL;
  exit.rax = __HYPERVISOR_sched_op;
  exit.arguments = {SCHEDOP_yield, 0, 0x1234, 0x5678};
  EXPECT_EQ(describe_reason(exit), "SCHEDOP_yield");
}

TEST(TraceText, StructuresThatCameBack_FollowTheResult) {
  Exit exit;
  exit.left.reason = ASSAY_EXIT_HYPERCALL;
  exit.rax = __HYPERVISOR_event_channel_op;
  exit.arguments = {EVTCHNOP_send, 0x5000};
  exit.argument = {std::byte{7}, std::byte{0}, std::byte{0}, std::byte{0}};
  exit.back = Return{};
  exit.back->argument = {std::byte{9}, std::byte{0}, std::byte{0}, std::byte{0}};
  EXPECT_EQ(describe_reason(exit), "EVTCHNOP_send {port 7}");
  EXPECT_EQ(describe_return(exit), "0 {port 9}");
}

TEST(TraceText, Continuation_IsSaidToBeOne) {
  Exit exit;
  exit.left.reason = ASSAY_EXIT_HYPERCALL;
  exit.rip = 0x1000;
  exit.back = Return{};
  exit.back->rip = 0xffe;
  EXPECT_EQ(describe_return(exit), "again");
  exit.mode = ASSAY_MODE_HVM;
  EXPECT_EQ(describe_return(exit), "0");
  exit.back->rip = 0xffd;
  EXPECT_EQ(describe_return(exit), "again");
}

TEST(TraceText, Last_CountsWhatIsLeftOut) {
  Trace trace = small_trace();
  trace.dropped = 5;
  EXPECT_THAT(text_of(trace, 2), HasSubstr("# a small trace\n# 20 earlier events\n         10500 ns"));
  EXPECT_EQ(text_of(Trace{}), "");
}

TEST(TraceText, Code_LeadsToRip_AndGoesOn) {
  Exit exit;
  exit.rip = 0x1007;
  exit.code = {std::byte{0xb8}, std::byte{0x1d}, std::byte{0},    std::byte{0},
               std::byte{0},    std::byte{0x0f}, std::byte{0x05}, std::byte{0xc3}};
  exit.code_before = 7;
  EXPECT_EQ(describe_code(exit),
            "                0x1000  mov eax, 0x1d\n"
            "                0x1005  syscall\n"
            " =>             0x1007  ret\n");
  exit.code.clear();
  exit.code_before = 0;
  EXPECT_EQ(describe_code(exit), "");
}

TEST(TraceText, Code_InTheMiddleOfAnInstruction_FallsIntoStep) {
  Exit exit;
  exit.rip = 0x20a;
  // The end of "mov rax, ...", syscall; ret; mov r10, rcx; mov rax, 1; syscall | ret
  for (const int byte : {0x00, 0x0f, 0x05, 0xc3, 0x49, 0x89, 0xca, 0x48, 0xc7, 0xc0, 1, 0, 0, 0, 0x0f, 0x05, 0xc3}) {
    exit.code.push_back(static_cast<std::byte>(byte));
  }
  exit.code_before = 16;
  EXPECT_EQ(describe_code(exit),
            "                 0x1fb  syscall\n"
            "                 0x1fd  ret\n"
            "                 0x1fe  mov r10, rcx\n"
            "                 0x201  mov rax, 1\n"
            "                 0x208  syscall\n"
            " =>              0x20a  ret\n");
}

TEST(TraceText, Around_ShowsTheNearest_WithItsCode) {
  std::string text;
  const auto sink = [&](std::string_view piece) { text += piece; };
  print_around(small_trace(), 9'100, sink);
  EXPECT_THAT(text, HasSubstr(">           9000 ns  pcpu  3  d1v0  #PF"));
  EXPECT_THAT(text, HasSubstr("code of d1v0 at 9000 ns"));
  EXPECT_THAT(text, HasSubstr("=>             0x9000  nop"));
  text.clear();
  TraceRecorder recorder({});
  Scene(recorder).play();
  print_around(recorder.trace(), 0, sink);
  EXPECT_THAT(text, HasSubstr("# no code was kept"));
  text.clear();
  print_around(Trace{}, 0, sink);
  EXPECT_EQ(text, "# no events\n");
}

}  // namespace
}  // namespace assay::trace
