/// What becomes of a hypervisor that dies of raw hypercalls: told apart, made small, kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "fuzz/driver/cause.hpp"
#include "fuzz/driver/live_campaign.hpp"
#include "fuzz/driver/live_corpus.hpp"
#include "fuzz/driver/reduce_calls.hpp"
#include "fuzz/driver/seen_edges.hpp"
#include "sim/input/input_error.hpp"

namespace assay::fuzz {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(Cause, OfAPanic_IsWhatItSaysAndWhere) {
  EXPECT_EQ(cause_of("Xen panicked\nlast lines of the console:\n"
                     "(XEN) Xen call trace:\r\n"
                     "(XEN)    [<ffff82d04020a5a0>] R common/grant_table.c#map_one+0x10/0x20\r\n"
                     "(XEN)    [<ffff82d04020b000>] F do_grant_table_op+0x12/0x34\r\n"
                     "(XEN) ****************************************\r\n"
                     "(XEN) Panic on CPU 3:\r\n"
                     "(XEN) FATAL PAGE FAULT\r\n"
                     "(XEN) [error_code=0002]\r\n"),
            "Xen panicked: FATAL PAGE FAULT in common/grant_table.c#map_one");
}

TEST(Cause, WithoutATrace_IsTheMessage) {
  EXPECT_EQ(cause_of("Xen panicked\n(XEN) Panic on CPU 0:\n(XEN) FATAL TRAP: vec 2, #NMI\n"),
            "Xen panicked: FATAL TRAP: vec 2, #NMI");
  EXPECT_EQ(cause_of("Xen panicked\n(XEN) Panic on CPU 0:"), "Xen panicked") << "cut short";
  EXPECT_EQ(cause_of("Xen panicked\n(XEN) Xen call trace:\n(XEN) nothing\n(XEN) Panic on CPU 0:\n(XEN) so\n"),
            "Xen panicked: so");
}

TEST(Cause, OfAHang_DoesNotCountDomains) {
  EXPECT_EQ(cause_of("operation 1 of domain 37 was not answered\nlast lines"),
            cause_of("operation 1 of domain 2 was not answered\nother lines"));
  EXPECT_NE(cause_of("operation 1 of domain 37 was not answered"),
            cause_of("operation 2 of domain 37 was not answered"));
  EXPECT_EQ(cause_of(""), "");
  EXPECT_EQ(cause_of("of domain "), "of domain ");
}

Call call_of(uint8_t number) {
  Call call;
  call.number = number;
  call.actor = 7;
  call.wide = 0x1234;
  call.data.fill('x');
  call.argument.fill({1, 9});
  return call;
}

/// Dies of 40, but only after 23.
bool is_deadly(const Calls& calls) {
  const auto first = std::ranges::find(calls, 23, &Call::number);
  return std::find_if(first, calls.end(), [](const Call& call) { return call.number == 40; }) != calls.end();
}

Calls long_history() {
  Calls calls;
  for (unsigned i = 0; i < 1000; ++i) calls.push_back(call_of(static_cast<uint8_t>(i % 20)));
  calls[311] = call_of(23);
  calls[702] = call_of(40);
  return calls;
}

TEST(Reduce, WhatIsNotNeeded_IsTakenOutAndMadePlain) {
  const Reduced reduced = reduce(long_history(), is_deadly, [] { return true; });
  EXPECT_TRUE(reduced.repeats && reduced.is_minimal);
  ASSERT_EQ(reduced.calls.size(), 2u);
  Call plain23;
  plain23.number = 23;
  plain23.actor = 1;
  Call plain40 = plain23;
  plain40.number = 40;
  EXPECT_EQ(to_input(reduced.calls), to_input({plain23, plain40}));
  EXPECT_LT(reduced.tried, 150u) << "every attempt is a boot";
}

TEST(Reduce, WhatDoesNotRepeat_StaysWhole) {
  const Reduced reduced = reduce(
      long_history(), [](const Calls&) { return false; }, [] { return true; });
  EXPECT_FALSE(reduced.repeats);
  EXPECT_EQ(reduced.calls.size(), 1000u);
  EXPECT_EQ(reduced.tried, 3u) << "a race gets a second chance, and a third";
}

TEST(Reduce, WhenTimeIsUp_WhatThereIsByThen) {
  unsigned left = 16;
  const Reduced reduced = reduce(long_history(), is_deadly, [&] { return left != 0 && left-- != 0; });
  EXPECT_TRUE(reduced.repeats);
  EXPECT_FALSE(reduced.is_minimal);
  EXPECT_LT(reduced.calls.size(), 1000u);
  EXPECT_TRUE(is_deadly(reduced.calls));
}

class Folder : public ::testing::Test {
 protected:
  void TearDown() override { fs::remove_all(path_); }
  fs::path path_ = fs::path(::testing::TempDir()) / ("live_test." + std::to_string(getpid()));
};

TEST_F(Folder, WhatWasKept_IsThereForTheNextCampaign) {
  const std::string input = to_input({call_of(5), call_of(6)});
  {
    LiveCorpus corpus(path_);
    EXPECT_TRUE(corpus.inputs().empty());
    corpus.keep(input);
  }
  EXPECT_EQ(LiveCorpus(path_).inputs(), std::vector<std::string>{input});
}

TEST_F(Folder, ForeignFileInACorpus_IsRefusedByName) {
  fs::create_directories(path_);
  std::ofstream(path_ / "notes") << "not 48 bytes";
  try {
    const LiveCorpus corpus(path_);
    ADD_FAILURE() << "taken for an input";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("notes: no input of raw calls"));
    EXPECT_THAT(error.what(), EndsWith("remove it, or choose another --out"));
  }
}

TEST(SeenEdges, AreNewOnce) {
  std::vector<std::vector<uint32_t>> taken{{9}, {1, 2}, {2, 9, 300'000}, {1}};
  size_t next = 0;
  SeenEdges edges([&] { return taken.at(next++); });
  edges.pass_over();
  EXPECT_EQ(edges.take_new(), 2u);
  EXPECT_EQ(edges.take_new(), 1u) << "9 was passed over, 2 is known";
  EXPECT_EQ(edges.take_new(), 0u);
  EXPECT_EQ(edges.found(), 3u);
}

TEST(SeenEdges, WithoutASource_NothingIsNew) {
  SeenEdges edges(nullptr);
  EXPECT_FALSE(edges.is_guided());
  EXPECT_EQ(edges.take_new(), 0u);
}

TEST(LiveStatus, SaysWhatIsKnown) {
  LiveStatus status;
  status.calls = 10, status.operations = 20, status.spent = std::chrono::milliseconds(2000), status.guests = 4;
  EXPECT_EQ(to_line(status), "10 calls, 10 operations/s, 2 s, 4 guests, 0 deaths");
  status.is_guided = true, status.edges = 7, status.inputs = 3, status.since_find = std::chrono::milliseconds(1999);
  EXPECT_EQ(to_line(status),
            "10 calls, 10 operations/s, 2 s, 4 guests, 0 deaths, 7 edges, 3 inputs, last find 1 s ago");
}

TEST(LiveDeath, SaysHowSmallItBecame) {
  EXPECT_EQ(to_text({"it died", 1, 90, 2, true, true, "all", "few"}), "it died\n    2 of 90 calls; all of them: all");
  EXPECT_EQ(to_text({"it died", 3, 90, 40, true, false, "all", "few"}),
            "it died (3 times)\n    40 of 90 calls, when time was up; all of them: all");
  EXPECT_EQ(to_text({"it died", 1, 90, 90, false, false, "all", "all"}),
            "it died\n    90 calls, of which it did not die again");
}

}  // namespace
}  // namespace assay::fuzz
