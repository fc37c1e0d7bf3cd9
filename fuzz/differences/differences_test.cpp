#include "fuzz/differences/differences.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/input/input_error.hpp"

namespace assay {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    read_differences(YamlInput("d.yaml", text));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string entry(const std::string& name, const std::string& wrong) {
  return "- name: " + name + "\n  wrong: " + wrong + "\n  found_by: x\n  what: y\n  now: z\n";
}

TEST(Differences, List_IsThereAndComplete) {
  ASSERT_GE(all_differences().size(), 15u);
  for (const Difference& difference : all_differences()) {
    EXPECT_FALSE(difference.what.empty()) << difference.name;
    EXPECT_FALSE(difference.now.empty()) << difference.name;
  }
}

TEST(Differences, BadEntries_AreRefusedWithTheirPlace) {
  EXPECT_EQ(refusal(entry("a", "hv")), "");
  EXPECT_THAT(refusal(entry("a", "nobody")), HasSubstr("d.yaml:2"));
  EXPECT_THAT(refusal(entry("a", "nobody")), HasSubstr("'nobody' is none of hv, model"));
  EXPECT_THAT(refusal(entry("a", "hv") + entry("a", "xen")), HasSubstr("'a' is there already"));
}

}  // namespace
}  // namespace assay
