#include "sim/devices/store_tree.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace assay {
namespace {

StoreTree tree_with_a_b() {
  StoreTree tree{StoreNode{}};
  for (const char* path : {"/", "/a"}) {
    tree.change(path).children.emplace(path[1] == '\0' ? "a" : "b", std::make_shared<StoreNode>());
  }
  return tree;
}

TEST(StoreTree, Find_GoesByWholeNames) {
  const StoreTree tree = tree_with_a_b();
  EXPECT_NE(tree.find("/"), nullptr);
  EXPECT_NE(tree.find("/a/b"), nullptr);
  EXPECT_EQ(tree.find("/a/bb"), nullptr);
  EXPECT_EQ(tree.find("/b"), nullptr);
}

TEST(StoreTree, NearestExisting_IsThePathOrWhatIsAbove) {
  const StoreTree tree = tree_with_a_b();
  EXPECT_EQ(tree.nearest_existing("/a/b"), "/a/b");
  EXPECT_EQ(tree.nearest_existing("/a/c/d"), "/a");
  EXPECT_EQ(tree.nearest_existing("/x"), "/");
  EXPECT_EQ(tree.nearest_existing("/"), "/");
}

TEST(StoreTree, Change_LeavesCopiesAlone) {
  StoreTree tree = tree_with_a_b();
  const StoreTree copy = tree;
  tree.change("/a/b").value = "new";
  EXPECT_EQ(tree.find("/a/b")->value, "new");
  EXPECT_EQ(copy.find("/a/b")->value, "");
}

TEST(StoreTree, Change_CopiesNoMoreThanTheWay) {
  StoreTree tree = tree_with_a_b();
  tree.change("/").children.emplace("c", std::make_shared<StoreNode>());
  const StoreTree copy = tree;
  tree.change("/a").value = "new";
  EXPECT_EQ(tree.find("/c"), copy.find("/c"));
  EXPECT_EQ(tree.find("/a/b"), copy.find("/a/b"));
}

TEST(StoreTree, Change_OfNothing_IsOurMistake) {
  StoreTree tree = tree_with_a_b();
  EXPECT_THROW((void)tree.change("/a/c"), std::logic_error);
}

TEST(StoreTree, Generation_OfNothing_IsZero) {
  EXPECT_EQ(tree_with_a_b().generation("/c"), 0u);
}

}  // namespace
}  // namespace assay
