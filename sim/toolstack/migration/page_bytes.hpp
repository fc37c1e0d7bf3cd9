/// What pages of a record hold.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace assay::migration {

using Bytes = std::vector<std::byte>;

/// Bytes of its own, or ones that lie in somebody's buffer and are not copied: most of a stream is pages. A copy has
/// bytes of its own; who moves one keeps what it had.
class PageBytes {
 public:
  PageBytes() = default;
  PageBytes(Bytes own) : own_(std::move(own)), view_(own_) {}
  /// Lies where it is; `bytes` must stay.
  static PageBytes in_place(std::span<const std::byte> bytes) {
    PageBytes content;
    content.view_ = bytes;
    return content;
  }
  PageBytes(const PageBytes& other) : PageBytes(Bytes(other.view_.begin(), other.view_.end())) {}
  PageBytes(PageBytes&& other) noexcept : own_(std::exchange(other.own_, {})), view_(std::exchange(other.view_, {})) {}
  PageBytes& operator=(PageBytes other) noexcept {
    std::swap(own_, other.own_);
    std::swap(view_, other.view_);
    return *this;
  }
  ~PageBytes() = default;

  [[nodiscard]] std::span<const std::byte> view() const { return view_; }
  [[nodiscard]] size_t size() const { return view_.size(); }
  bool operator==(const PageBytes& other) const { return std::ranges::equal(view_, other.view_); }

 private:
  Bytes own_;
  std::span<const std::byte> view_;
};

}  // namespace assay::migration
