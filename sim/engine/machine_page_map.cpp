#include "sim/engine/machine_page_map.hpp"

#include <cstring>
#include <utility>

namespace assay {

namespace {

template <unsigned kLevel>
size_t child_of(uint32_t number) {
  constexpr unsigned kBits = PageNode<1>::kBits;
  return number >> ((kLevel - 1) * kBits) & ((1u << kBits) - 1);
}

template <unsigned kLevel>
const PageMap::Page* find_in(const PageNode<kLevel>* node, uint32_t number) {
  if constexpr (kLevel == 0) {
    return node;
  } else {
    return node == nullptr ? nullptr : find_in(node->children[child_of<kLevel>(number)].get(), number);
  }
}

/// Nodes that another map has, too, are copied on the way.
template <unsigned kLevel>
void set_in(std::shared_ptr<PageNode<kLevel>>& node, uint32_t number, std::shared_ptr<PageMap::Page> page) {
  if constexpr (kLevel == 0) {
    node = std::move(page);
  } else {
    if (node == nullptr) node = std::make_shared<PageNode<kLevel>>();
    if (node.use_count() > 1) node = std::make_shared<PageNode<kLevel>>(*node);
    set_in(node->children[child_of<kLevel>(number)], number, std::move(page));
  }
}

template <unsigned kLevel>
void compare(const PageNode<kLevel>* a, const PageNode<kLevel>* b, uint32_t number, std::vector<uint32_t>& found) {
  if (a == b) return;
  if constexpr (kLevel == 0) {
    found.push_back(number);
  } else {
    for (uint32_t i = 0; i < 1u << PageNode<1>::kBits; ++i) {
      compare(a == nullptr ? nullptr : a->children[i].get(), b == nullptr ? nullptr : b->children[i].get(),
              number << PageNode<1>::kBits | i, found);
    }
  }
}

}  // namespace

const PageMap::Page* PageMap::find(uint32_t number) const {
  return find_in(root_.get(), number);
}

void PageMap::set(uint32_t number, const uint8_t* contents) {
  auto page = std::make_shared_for_overwrite<Page>();
  std::memcpy(page->bytes.data(), contents, Page::kBytes);
  set_in(root_, number, std::move(page));
}

void PageMap::erase(uint32_t number) {
  if (find(number) != nullptr) set_in(root_, number, nullptr);
}

std::vector<uint32_t> PageMap::differences(const PageMap& a, const PageMap& b) {
  std::vector<uint32_t> found;
  compare(a.root_.get(), b.root_.get(), 0, found);
  return found;
}

}  // namespace assay
