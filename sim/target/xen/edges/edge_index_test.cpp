#include "sim/target/xen/edges/edge_index.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay::xen {
namespace {

constexpr uint64_t kHere = 0xffff'82d0'4020'1000;

BlockExit exit_at_here(const std::vector<uint8_t>& instruction) {
  return exit_of(instruction, kHere);
}

Block block_of(uint64_t start, uint64_t next, BlockExit exit) {
  return {start, next, exit, place_of(start), false};
}

TEST(BlockExit, RelativeJumps_SayWhereTheyLead) {
  EXPECT_EQ(exit_at_here({0x74, 0x10}).target, kHere + 0x12);                       // je
  EXPECT_EQ(exit_at_here({0xeb, 0xfe}).target, kHere);                              // jmp .
  EXPECT_EQ(exit_at_here({0xe9, 0x00, 0x01, 0x00, 0x00}).target, kHere + 0x105);    // jmp
  EXPECT_EQ(exit_at_here({0xe8, 0xfb, 0xff, 0xff, 0xff}).target, kHere);            // call
  EXPECT_EQ(exit_at_here({0x0f, 0x85, 0xfa, 0xff, 0xff, 0xff}).target, kHere);      // jne
  EXPECT_EQ(exit_at_here({0xf2, 0xe9, 0x00, 0x00, 0x00, 0x00}).target, kHere + 6);  // bnd jmp
  for (const auto& jump : {std::vector<uint8_t>{0x74, 0x10}, {0x0f, 0x85, 0, 0, 0, 0}, {0xe8, 0, 0, 0, 0}}) {
    EXPECT_EQ(exit_at_here(jump).end, BlockEnd::kDirect);
  }
}

TEST(BlockExit, ReturnsAndJumpsByOperand_AreIndirect) {
  for (const auto& jump : {std::vector<uint8_t>{0xc3},
                           {0xf3, 0xc3},
                           {0xc2, 0x08, 0x00},
                           {0xff, 0xe0},
                           {0x41, 0xff, 0xd4},
                           {0xff, 0x14, 0xc5, 0, 0, 0, 0}}) {
    EXPECT_EQ(exit_at_here(jump).end, BlockEnd::kIndirect);
  }
  EXPECT_EQ(exit_at_here({0xff, 0xc0}).end, BlockEnd::kDirect) << "inc";
}

TEST(BlockExit, ReturnsFromInterruptsAndEntriesOfGuests_Leave) {
  for (const auto& jump :
       {std::vector<uint8_t>{0x48, 0xcf}, {0xcf}, {0x48, 0x0f, 0x07}, {0x0f, 0x35}, {0x0f, 0x01, 0xd8}}) {
    EXPECT_EQ(exit_at_here(jump).end, BlockEnd::kLeaves);
  }
  EXPECT_EQ(exit_at_here({0x0f, 0x01, 0xd9}).end, BlockEnd::kDirect) << "vmmcall";
}

TEST(BlockExit, OtherInstructions_MayRepeatThemselves) {
  EXPECT_EQ(exit_at_here({0xf3, 0x48, 0xa5}).target, kHere);  // rep movsq
  EXPECT_EQ(exit_at_here({0xf4}).target, kHere);              // hlt
  EXPECT_EQ(exit_at_here({0x0f}).end, BlockEnd::kDirect) << "cut short";
  EXPECT_EQ(exit_at_here({0x48}).end, BlockEnd::kDirect) << "prefixes alone";
}

TEST(EdgeIndex, BothWaysOfABranch_AreTwoEdges) {
  const Block branch = block_of(0x1000, 0x1010, {BlockEnd::kDirect, 0x1100});
  const Block other = block_of(0x2000, 0x2010, {BlockEnd::kDirect, 0x1100});
  Block target = block_of(0x1100, 0x1110, {});
  Block next = block_of(0x1010, 0x1020, {});
  EXPECT_NE(edge_index(&branch, target), edge_index(&branch, next));
  EXPECT_NE(edge_index(&branch, target), edge_index(&other, target)) << "where it comes from counts";
  EXPECT_FALSE(target.is_interrupted_to || next.is_interrupted_to);
}

TEST(EdgeIndex, Interrupt_IsTheSameWhereverItComes) {
  const Block one = block_of(0x1000, 0x1010, {BlockEnd::kDirect, 0x1100});
  const Block other = block_of(0x2000, 0x2010, {BlockEnd::kDirect, 0x2100});
  const Block returns = block_of(0x3000, 0x3010, {BlockEnd::kIndirect, 0});
  Block handler = block_of(0x9000, 0x9010, {});
  const uint32_t place = edge_index(&one, handler);
  EXPECT_EQ(edge_index(&other, handler), place);
  EXPECT_EQ(edge_index(&returns, handler), place) << "known by now to be a handler";
}

TEST(EdgeIndex, WayBackFromAnInterrupt_IsTheSameWhereverItLeads) {
  const Block back = block_of(0x9000, 0x9010, {BlockEnd::kLeaves, 0});
  Block resumed = block_of(0x1000, 0x1010, {});
  EXPECT_EQ(edge_index(&back, resumed), edge_index(nullptr, resumed));
  EXPECT_FALSE(resumed.is_interrupted_to);
}

TEST(EdgeIndex, EveryEdge_IsInTheMap) {
  for (uint64_t address = kHere; address < kHere + 0x10'0000; address += 7) {
    ASSERT_LT(place_of(address), kEdgeMapBytes);
  }
}

}  // namespace
}  // namespace assay::xen
