/// A treap: a search tree by key in which a priority made of the turn, which is as good as random, decides who is
/// above.
#include "hv/base/ordered.hpp"

#include "hv/base/host.hpp"

namespace hv {

namespace {

/// Spreads consecutive turns over all 64-bit numbers (the finaliser of splitmix64).
uint64_t priority(const OrderedNode& node) {
  uint64_t x = node.turn + 0x9e37'79b9'7f4a'7c15;
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}

bool before(const OrderedNode& a, const OrderedNode& b) {
  return a.key != b.key ? a.key < b.key : a.turn < b.turn;
}

void sum_up(OrderedNode& node) {
  node.below = node.mask;
  if (node.left != nullptr) node.below |= node.left->below;
  if (node.right != nullptr) node.below |= node.right->below;
}

const OrderedNode* leftmost(const OrderedNode* node) {
  while (node != nullptr && node->left != nullptr) node = node->left;
  return node;
}

}  // namespace

OrderedNode*& OrderedSet::link_to(const OrderedNode& node) {
  if (node.parent == nullptr) return root_;
  return node.parent->left == &node ? node.parent->left : node.parent->right;
}

void OrderedSet::rotate_up(OrderedNode& node) {
  OrderedNode& parent = *node.parent;
  link_to(parent) = &node;
  OrderedNode*& inner = parent.left == &node ? node.right : node.left;
  (parent.left == &node ? parent.left : parent.right) = inner;
  if (inner != nullptr) inner->parent = &parent;
  inner = &parent;
  node.parent = parent.parent;
  parent.parent = &node;
  node.below = parent.below;
  sum_up(parent);
}

void OrderedSet::insert(OrderedNode& node) {
  node.turn = turns_++;
  node.left = node.right = node.parent = nullptr;
  node.below = node.mask;
  OrderedNode** link = &root_;
  while (*link != nullptr) {
    node.parent = *link;
    node.parent->below |= node.mask;
    link = before(node, *node.parent) ? &node.parent->left : &node.parent->right;
  }
  *link = &node;
  while (node.parent != nullptr && priority(*node.parent) < priority(node)) rotate_up(node);
  ++size_;
}

void OrderedSet::remove(OrderedNode& node) {
  while (node.left != nullptr && node.right != nullptr) {
    rotate_up(priority(*node.left) < priority(*node.right) ? *node.right : *node.left);
  }
  OrderedNode* child = node.left != nullptr ? node.left : node.right;
  HV_ASSERT(link_to(node) == &node);
  link_to(node) = child;
  if (child != nullptr) child->parent = node.parent;
  for (OrderedNode* above = node.parent; above != nullptr; above = above->parent) {
    const uint64_t was = above->below;
    sum_up(*above);
    if (above->below == was) break;  // so nothing changes further up
  }
  node.left = node.right = node.parent = nullptr;
  --size_;
}

OrderedNode* OrderedSet::first() const {
  return const_cast<OrderedNode*>(leftmost(root_));
}

OrderedNode* OrderedSet::last() const {
  OrderedNode* node = root_;
  while (node != nullptr && node->right != nullptr) node = node->right;
  return node;
}

OrderedNode* OrderedSet::next(const OrderedNode& node) {
  return next_of(node, ~uint64_t{0});
}

OrderedNode* OrderedSet::first_under(OrderedNode* top, uint64_t mask) {
  if (top == nullptr || (top->below & mask) == 0) return nullptr;
  while (true) {
    if (top->left != nullptr && (top->left->below & mask) != 0) {
      top = top->left;
    } else if ((top->mask & mask) != 0) {
      return top;
    } else {
      top = top->right;
    }
  }
}

OrderedNode* OrderedSet::next_of(const OrderedNode& node, uint64_t mask) {
  if (OrderedNode* found = first_under(node.right, mask); found != nullptr) return found;
  const OrderedNode* below = &node;
  for (OrderedNode* above = node.parent; above != nullptr; below = above, above = above->parent) {
    if (above->left != below) continue;
    if ((above->mask & mask) != 0) return above;
    if (OrderedNode* found = first_under(above->right, mask); found != nullptr) return found;
  }
  return nullptr;
}

bool OrderedSet::consistent() const {
  uint32_t count = 0;
  const OrderedNode* previous = nullptr;
  for (const OrderedNode* node = first(); node != nullptr; previous = node, node = next(*node)) {
    OrderedNode copy = *node;
    sum_up(copy);
    const bool linked = (node->left == nullptr || node->left->parent == node) &&
                        (node->right == nullptr || node->right->parent == node);
    if (!linked || copy.below != node->below || (previous != nullptr && !before(*previous, *node))) return false;
    if (++count > size_) return false;
  }
  return count == size_ && (root_ == nullptr || root_->parent == nullptr);
}

}  // namespace hv
