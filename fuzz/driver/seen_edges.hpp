/// Which steps of a hypervisor's code have been seen: what is new tells an input that is worth keeping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace assay::fuzz {

/// The steps taken since it was called last, as numbers.
using EdgeSource = std::function<std::vector<uint32_t>()>;

class SeenEdges {
 public:
  /// Without a source nothing is ever new.
  explicit SeenEdges(EdgeSource source) : source_(std::move(source)) {}

  [[nodiscard]] bool is_guided() const { return source_ != nullptr; }
  /// What was taken since the last call is known from now on, and nobody's find.
  void pass_over() { mark(); }
  /// How many steps since the last call were new; they are known from now on.
  size_t take_new() {
    const size_t found = mark();
    found_ += found;
    return found;
  }
  /// By all calls of take_new.
  [[nodiscard]] size_t found() const { return found_; }

 private:
  size_t mark() {
    if (!source_) return 0;
    size_t count = 0;
    for (const uint32_t edge : source_()) {
      if (edge >= seen_.size()) seen_.resize(size_t{edge} + 1);
      if (!seen_[edge]) ++count;
      seen_[edge] = true;
    }
    return count;
  }

  EdgeSource source_;
  std::vector<bool> seen_;
  size_t found_ = 0;
};

}  // namespace assay::fuzz
