/// Contents of some pages by page number, as a value: copies share what they have in common.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace assay {

/// A node of the tree that a PageMap is; at level 0 it is a page.
template <unsigned kLevel>
struct PageNode {
  static constexpr unsigned kBits = 4;
  std::array<std::shared_ptr<PageNode<kLevel - 1>>, 1u << kBits> children;
};
template <>
struct PageNode<0> {
  static constexpr size_t kBytes = 4096;
  std::array<uint8_t, kBytes> bytes;
};

/// A copy costs one pointer, a change one path of the tree, a comparison what differs. Copies may be used by one thread
/// at a time, all together.
class PageMap {
 public:
  using Page = PageNode<0>;
  static constexpr unsigned kLevels = 6;
  static constexpr uint64_t kPagesMax = uint64_t{1} << (kLevels * PageNode<1>::kBits);

  /// Null when the map says nothing of this page.
  [[nodiscard]] const Page* find(uint32_t number) const;
  /// Copies one page of contents into the map.
  void set(uint32_t number, const uint8_t* contents);
  void erase(uint32_t number);

  /// Numbers of the pages that are not one and the same object in both, ascending.
  [[nodiscard]] static std::vector<uint32_t> differences(const PageMap& a, const PageMap& b);

 private:
  std::shared_ptr<PageNode<kLevels>> root_;
};

}  // namespace assay
