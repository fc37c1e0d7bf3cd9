// The real gdb against the server: what it makes of our answers is what counts.
#include "sim/debug/testing/gdb_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "sim/debug/gdb_server.hpp"
#include "sim/debug/testing/fake_debuggee.hpp"

namespace assay::debug {
namespace {

using testing::HasSubstr;
using testing::Not;

/// What gdb prints for `commands` once connected to the machine.
std::optional<std::string> gdb_session(Debuggee& machine, std::vector<std::string> commands) {
  TcpListener listener(0);
  std::atomic<bool> cancelled = false;
  std::thread server([&] { serve_debuggers(listener, machine, [&] { return cancelled.load(); }); });
  commands.insert(commands.begin(), "target remote 127.0.0.1:" + std::to_string(listener.port()));
  auto text = run_gdb(commands);
  cancelled = true;
  server.join();
  return text;
}

TEST(GdbProgram, ForwardsAndBackwards) {
  FakeDebuggee machine;
  const auto text = gdb_session(machine, {"info threads",
                                          "p $rip",
                                          "break *0x1006",
                                          "continue",
                                          "printf \"at %lx rax %d\\n\", $rip, $rax",
                                          "reverse-stepi",
                                          "printf \"back at %lx\\n\", $rip",
                                          "x/8xb 0x1000",
                                          "x/4i 0x1000",
                                          "set var $rbx = 77",
                                          "info registers rbx cs gs_base eflags",
                                          "set var *(char*)0x1800 = 0x5a",
                                          "x/1xb 0x1800",
                                          "monitor info",
                                          "delete",
                                          "watch *(long*)0x1800",
                                          "continue",
                                          "delete",
                                          "reverse-continue",
                                          "detach"});
  if (!text) GTEST_SKIP() << "no gdb here";
  EXPECT_THAT(*text, HasSubstr("d0v0 @ pcpu0"));
  EXPECT_THAT(*text, HasSubstr("d1v0 <&> pcpu2"));
  EXPECT_THAT(*text, HasSubstr("(void (*)()) 0x1000"));
  EXPECT_THAT(*text, HasSubstr("hit Breakpoint 1, 0x0000000000001006"));
  EXPECT_THAT(*text, HasSubstr("at 1006 rax 1\n"));
  EXPECT_THAT(*text, HasSubstr("back at 1003\n"));
  EXPECT_THAT(*text, HasSubstr("0x1000:\t0x48\t0xff\t0xc0\t0x48\t0x89\t0x07\t0x48\t0x8b"));
  EXPECT_THAT(*text, HasSubstr("mov    %rax,(%rdi)"));
  EXPECT_THAT(*text, testing::ContainsRegex("rbx +0x4d +77"));
  EXPECT_THAT(*text, testing::ContainsRegex("cs +0xe033"));
  EXPECT_THAT(*text, HasSubstr("[ IF ]"));
  EXPECT_THAT(*text, HasSubstr("0xffff800000001000"));
  EXPECT_THAT(*text, HasSubstr("0x1800:\t0x5a"));
  EXPECT_THAT(*text, HasSubstr("tick "));
  EXPECT_THAT(*text, testing::ContainsRegex("watchpoint 2: "));
  EXPECT_THAT(*text, HasSubstr("No more reverse-execution history."));
  EXPECT_THAT(*text, HasSubstr("detached"));
  for (const char* bad : {"rejected", "Truncated", "Remote failure", "Cannot", "invalid", "not supported"}) {
    EXPECT_THAT(*text, Not(HasSubstr(bad)));
  }
  EXPECT_EQ(machine.ticks(), 0u);
  EXPECT_TRUE(machine.points.empty());
}

TEST(GdbProgram, ThreadsAndTheEnd) {
  FakeDebuggee machine;
  machine.recorded_ticks = 100;
  const auto text = gdb_session(
      machine, {"thread 2", "stepi", "printf \"thread %d at %lx\\n\", $_thread, $rip", "p $st0", "hbreak *0x1003",
                "continue", "delete", "rwatch *(long*)0x1900", "continue", "delete", "continue", "kill"});
  if (!text) GTEST_SKIP() << "no gdb here";
  EXPECT_THAT(*text, HasSubstr("thread 2 at 1003\n"));
  EXPECT_THAT(*text, HasSubstr("<unavailable>"));
  EXPECT_THAT(*text, HasSubstr("hit Breakpoint 1, "));
  EXPECT_THAT(*text, testing::ContainsRegex("Hardware read watchpoint 2: "));
  EXPECT_THAT(*text, HasSubstr("No more reverse-execution history."));
  EXPECT_THAT(*text, HasSubstr("killed]"));
  EXPECT_TRUE(machine.points.empty());
}

TEST(GdbProgram, WatchpointBackwards_FindsTheLastStore) {
  FakeDebuggee machine;
  machine.recorded_ticks = 100;
  const auto text = gdb_session(machine, {"continue", "watch *(long*)0x1800", "reverse-continue",
                                          "printf \"before %lx of thread %d\\n\", $rip, $_thread"});
  if (!text) GTEST_SKIP() << "no gdb here";
  EXPECT_THAT(*text, HasSubstr("Old value = 13\nNew value = 12\n"));
  EXPECT_THAT(*text, HasSubstr("before 1003 of thread 1\n"));
}

TEST(GdbProgram, MachineThatEnds) {
  FakeDebuggee machine;
  machine.recorded_ticks = 10;
  machine.exits = true;
  const auto text = gdb_session(machine, {"continue"});
  if (!text) GTEST_SKIP() << "no gdb here";
  EXPECT_THAT(*text, HasSubstr("the machine ended"));
  EXPECT_THAT(*text, HasSubstr("exited normally"));
}

}  // namespace
}  // namespace assay::debug
