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
  /// Lies where it is; `bytes` must stay. `front`: bytes right before them that may be written.
  static PageBytes in_place(std::span<const std::byte> bytes, std::span<std::byte> front = {}) {
    PageBytes content;
    content.view_ = bytes;
    content.front_ = front;
    return content;
  }
  PageBytes(const PageBytes& other) : PageBytes(Bytes(other.view_.begin(), other.view_.end())) {}
  PageBytes(PageBytes&& other) noexcept { swap(other); }
  PageBytes& operator=(PageBytes other) noexcept {
    swap(other);
    return *this;
  }
  ~PageBytes() = default;

  [[nodiscard]] std::span<const std::byte> view() const { return view_; }
  [[nodiscard]] size_t size() const { return view_.size(); }
  /// What a record says of its pages can be put here, so that it is in one piece with them. Empty: there is no room.
  [[nodiscard]] std::span<std::byte> front() const { return front_; }
  bool operator==(const PageBytes& other) const { return std::ranges::equal(view_, other.view_); }

 private:
  void swap(PageBytes& other) noexcept {
    own_.swap(other.own_);
    std::swap(view_, other.view_);
    std::swap(front_, other.front_);
  }
  Bytes own_;
  std::span<const std::byte> view_;
  std::span<std::byte> front_;
};

/// A buffer for the pages of one record after the other. It is as large as the largest needs, and never cleared.
class PageRoom {
 public:
  /// Room for so many bytes; what was there before is gone. The same bytes as before as long as they suffice.
  std::span<std::byte> take(size_t bytes) {
    if (bytes_.size() < kFrontBytes + bytes) bytes_.resize(kFrontBytes + bytes);
    return std::span(bytes_).subspan(kFrontBytes, bytes);
  }
  /// What was taken, and the room in front of it.
  [[nodiscard]] PageBytes content(std::span<const std::byte> taken) {
    return PageBytes::in_place(taken, std::span(bytes_).first(kFrontBytes));
  }

 private:
  /// More than what is said of the pages of any record that a saver makes.
  static constexpr size_t kFrontBytes = 4096;
  Bytes bytes_;
};

}  // namespace assay::migration
