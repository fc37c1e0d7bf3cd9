#include "sim/devices/console_log.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(ConsoleLog, KeepsTheBeginning_CountsTheRest) {
  ConsoleLog log(8);
  log.append("12345");
  log.append("678");
  EXPECT_EQ(log.text(), "12345678");
  EXPECT_EQ(log.dropped(), 0u);
  log.append("9");
  log.append("");
  log.append("abc");
  EXPECT_EQ(log.text(), "12345678");
  EXPECT_EQ(log.dropped(), 4u);
}

TEST(ConsoleLog, Append_AcrossTheLimit_KeepsWhatFits) {
  ConsoleLog log(4);
  log.append("123456");
  EXPECT_EQ(log.text(), "1234");
  EXPECT_EQ(log.dropped(), 2u);
}

TEST(ConsoleLog, KeepsAnyBytes) {
  ConsoleLog log;
  log.append(std::string_view("a\0\xff", 3));
  EXPECT_EQ(log.text().size(), 3u);
}

}  // namespace
}  // namespace assay
