#include "conformance/show.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(Show, Results_HaveTheirErrnoNames) {
  EXPECT_EQ(show(int64_t{0}), "0");
  EXPECT_EQ(show(-22), "-EINVAL (-22)");
  EXPECT_EQ(show(-11), "-EAGAIN (-11)");
  EXPECT_EQ(show(-4000), "-4000");
  EXPECT_EQ(show(int64_t{-1} << 40), "-1099511627776");
}

TEST(Show, OtherValues) {
  EXPECT_EQ(show(uint32_t{7}), "7");
  EXPECT_EQ(show(uint64_t{4096}), "4096 (0x1000)");
  EXPECT_EQ(show(true), "true");
  EXPECT_EQ(show(EvtchnPort{3}), "3");
  EXPECT_EQ(show("a\"b\n\xff"), "\"a\\\"b\\x0a\\xff\"");
  EXPECT_EQ(show(std::optional<int>{}), "nothing");
  EXPECT_EQ(show(std::optional<int>{-1}), "-EPERM (-1)");
}

}  // namespace
}  // namespace assay
