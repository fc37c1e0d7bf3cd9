#include "sim/toolstack/pinning.hpp"

#include <gtest/gtest.h>

namespace assay::toolstack {
namespace {

using Pcpus = std::vector<uint32_t>;

TEST(Pinning, Assign_SpreadsOverAllPcpus) {
  Pinning pinning({2, 3, 4});
  EXPECT_EQ(pinning.assign(DomId{1}, 2), (Pcpus{2, 3}));
  EXPECT_EQ(pinning.assign(DomId{2}, 2), (Pcpus{4, 2}));
}

TEST(Pinning, Release_FreesThePcpusOfThatDomainOnly) {
  Pinning pinning({2, 3});
  EXPECT_EQ(pinning.assign(DomId{1}, 1), (Pcpus{2}));
  EXPECT_EQ(pinning.assign(DomId{2}, 1), (Pcpus{3}));
  pinning.release(DomId{2});
  EXPECT_EQ(pinning.assign(DomId{3}, 1), (Pcpus{3}));
}

TEST(Pinning, NoPcpus_PinsNothing) {
  Pinning pinning({});
  EXPECT_TRUE(pinning.assign(DomId{1}, 4).empty());
}

}  // namespace
}  // namespace assay::toolstack
