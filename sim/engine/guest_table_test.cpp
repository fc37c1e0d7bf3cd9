#include "sim/engine/guest_table.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

struct Nobody final : GuestExecutor {
  GuestStep step(assay_run&, const StepLimits&, assay_exit&) override { return {.kind = GuestStep::Kind::kIdle}; }
};

TEST(GuestTable, FindsWhoIsAttached_UntilItIsDetached) {
  GuestTable table;
  Nobody one, two;
  table.attach(3, 7, one);
  table.attach(3, 0, two);
  EXPECT_EQ(table.find(3, 7), &one);
  EXPECT_EQ(table.find(3, 0), &two);
  EXPECT_EQ(table.find(3, 8), nullptr);
  EXPECT_EQ(table.find(4, 0), nullptr);
  table.detach(one);
  EXPECT_EQ(table.find(3, 7), nullptr);
  EXPECT_EQ(table.find(3, 0), &two);
}

TEST(GuestTable, ForEach_MeetsEverybodyOnce) {
  GuestTable table;
  Nobody one, two;
  table.attach(1, 1, one);
  table.attach(9, 0, two);
  table.attach(9, 0, one);  // in the place of the other
  int met = 0;
  table.for_each([&](const GuestExecutor& guest) { met += &guest == &one ? 1 : 100; });
  EXPECT_EQ(met, 2);
}

}  // namespace
}  // namespace assay
