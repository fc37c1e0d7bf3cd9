#include "sim/engine/machine_console.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(MachineConsole, GoBack_ForgetsWhatWasPrintedSince) {
  MachineConsole console;
  console.append("boot\n");
  const MachineConsole::Moment booted = console.take();
  console.append("more\n");
  console.go_back(booted);
  EXPECT_EQ(console.text(), "boot\n");
}

TEST(MachineConsole, GoBack_ComesForwardAgain) {
  MachineConsole console;
  const MachineConsole::Moment empty = console.take();
  console.append("boot\n");
  const MachineConsole::Moment booted = console.take();
  console.append("more\n");
  const MachineConsole::Moment more = console.take();
  console.go_back(empty);
  EXPECT_EQ(console.text(), "");
  console.go_back(more);
  EXPECT_EQ(console.text(), "boot\nmore\n");
  console.go_back(booted);
  EXPECT_EQ(console.text(), "boot\n");
}

TEST(MachineConsole, OtherText_LeavesTheFirstTimelineAsItWas) {
  MachineConsole console;
  console.append("boot\n");
  const MachineConsole::Moment booted = console.take();
  console.append("left\n");
  const MachineConsole::Moment left = console.take();
  console.go_back(booted);
  console.append("right\n");
  const MachineConsole::Moment right = console.take();
  console.append("lost\n");
  console.go_back(left);
  EXPECT_EQ(console.text(), "boot\nleft\n");
  console.go_back(right);
  EXPECT_EQ(console.text(), "boot\nright\n");
}

TEST(MachineConsole, SameTextAgain_IsTheSameMoment) {
  MachineConsole console;
  console.append("boot\n");
  const MachineConsole::Moment booted = console.take();
  console.append("left\nand on\n");
  const MachineConsole::Moment first = console.take();
  console.go_back(booted);
  console.append("left\n");
  const MachineConsole::Moment again = console.take();
  console.append("then\n");
  console.go_back(first);
  EXPECT_EQ(console.text(), "boot\nleft\nand on\n");
  console.go_back(again);
  EXPECT_EQ(console.text(), "boot\nleft\n");
}

TEST(MachineConsole, NoMoment_IsNoText) {
  MachineConsole console;
  console.append("boot\n");
  console.go_back({});
  EXPECT_EQ(console.text(), "");
}

}  // namespace
}  // namespace assay
