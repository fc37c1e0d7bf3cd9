/// An ordered set of objects that carry the node themselves: insert, remove and the first of all in the time of a
/// search, however many there are. Equal keys stay in the order in which they were inserted.
///
/// Each node has a mask, and knows the union of the masks below it: the first node that shares a bit with a given mask
/// is found without looking at those that do not.
#pragma once

#include <cstdint>

namespace hv {

struct OrderedNode {
  int64_t key = 0;
  uint64_t mask = ~uint64_t{0};  ///< not 0

  // The tree's own.
  OrderedNode* parent = nullptr;
  OrderedNode* left = nullptr;
  OrderedNode* right = nullptr;
  uint64_t turn = 0;   ///< of insertion
  uint64_t below = 0;  ///< masks of this node and all under it
};

class OrderedSet {
 public:
  /// `key` and `mask` of the node are set, and stay as they are until it is removed. It must be in no set.
  void insert(OrderedNode& node);
  void remove(OrderedNode& node);
  /// Null: empty.
  [[nodiscard]] OrderedNode* first() const;
  [[nodiscard]] OrderedNode* last() const;
  /// In order, the next one; null behind the last.
  [[nodiscard]] static OrderedNode* next(const OrderedNode& node);
  /// The first node whose mask shares a bit with `mask`; null: none.
  [[nodiscard]] OrderedNode* first_of(uint64_t mask) const { return first_under(root_, mask); }
  /// The next such node behind `node`.
  [[nodiscard]] static OrderedNode* next_of(const OrderedNode& node, uint64_t mask);
  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return root_ == nullptr; }
  /// Order, links, masks and size are right.
  [[nodiscard]] bool consistent() const;

 private:
  static OrderedNode* first_under(OrderedNode* top, uint64_t mask);
  OrderedNode*& link_to(const OrderedNode& node);
  void rotate_up(OrderedNode& node);

  OrderedNode* root_ = nullptr;
  uint32_t size_ = 0;
  uint64_t turns_ = 0;
};

}  // namespace hv
