#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "fuzz/driver/campaign.hpp"
#include "fuzz/driver/reproducer.hpp"

namespace assay::fuzz {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

const Reproducer kSome{"kernel", "0.1.0", "\x7f"s + "ELF\n\0rest"s};

std::string complaint(const std::string& file) {
  try {
    reproducer_from_bytes(file);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no complaint";
}

TEST(Reproducer, IsReadAsItWasWritten) {
  const Reproducer read = reproducer_from_bytes(to_bytes(kSome));
  EXPECT_EQ(read.target, kSome.target);
  EXPECT_EQ(read.version, kSome.version);
  EXPECT_EQ(read.input, kSome.input);
}

TEST(Reproducer, OfNothing_IsOneToo) {
  EXPECT_EQ(reproducer_from_bytes(to_bytes({"text", "1", ""})).input, "");
}

TEST(Reproducer, ForeignFile_IsRefused) {
  EXPECT_THAT(complaint(""), HasSubstr("not a reproducer"));
  EXPECT_THAT(complaint("\x7f"s + "ELF"), HasSubstr("not a reproducer"));
  EXPECT_THAT(complaint("assay-reproducer 1 no line end"), HasSubstr("not a reproducer"));
}

TEST(Reproducer, AnotherForm_IsRefused) {
  std::string file = to_bytes(kSome);
  file.replace(file.find(" 1 "), 3, " 9 ");
  EXPECT_THAT(complaint(file), HasSubstr("of form 9; this program reads form 1"));
}

TEST(Reproducer, DamagedFile_IsRefused) {
  const std::string file = to_bytes(kSome);
  EXPECT_THAT(complaint(file.substr(0, file.size() - 1)), HasSubstr("cut short"));
  EXPECT_THAT(complaint(file + "x"), HasSubstr("cut short or added to"));
  std::string flipped = file;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  EXPECT_THAT(complaint(flipped), HasSubstr("not what it was"));
  EXPECT_THAT(complaint("assay-reproducer 1 kernel 0.1.0 many 0\n"), HasSubstr("first line is damaged"));
}

TEST(LibFuzzerOutput, Finds_AreStatuses) {
  const auto status = status_from("#8192\tNEW    cov: 20 ft: 33 corp: 5/12b lim: 4 exec/s: 4096 rss: 30Mb L: 4/4");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->runs, 8192u);
  EXPECT_EQ(status->edges, 20u);
  EXPECT_EQ(status->inputs, 5u);
  EXPECT_TRUE(status->found);
  EXPECT_FALSE(status_from("#8192\tpulse  cov: 20 ft: 33 corp: 5/12b lim: 4 exec/s: 4096 rss: 30Mb")->found);
}

TEST(LibFuzzerOutput, OtherLines_AreNone) {
  for (const char* line : {"", "#", "#x", "INFO: Seed: 1", "==1== ERROR: libFuzzer: deadly signal"}) {
    EXPECT_FALSE(status_from(line)) << line;
  }
}

TEST(LibFuzzerOutput, TheEnd_TellsAllRuns) {
  EXPECT_EQ(total_runs_from("stat::number_of_executed_units: 10000"), 10000u);
  EXPECT_FALSE(total_runs_from("stat::average_exec_per_sec:     5000"));
}

TEST(LibFuzzerOutput, Reasons) {
  EXPECT_EQ(reason_from("fuzz: does not hold: a canary lives"), "fuzz: does not hold: a canary lives");
  EXPECT_EQ(reason_from("a.cpp:3:4: runtime error: shift exponent 64"), "runtime error: shift exponent 64");
  EXPECT_EQ(reason_from("SUMMARY: AddressSanitizer: heap-buffer-overflow a.cpp:1:2 in f"),
            "SUMMARY: AddressSanitizer: heap-buffer-overflow a.cpp:1:2 in f");
  EXPECT_EQ(reason_from("    #0 0x55 in main"), "");
}

TEST(Campaign, NoFuzzers_NoTargets) {
  EXPECT_TRUE(list_targets("no/such/folder").empty());
}

}  // namespace
}  // namespace assay::fuzz
