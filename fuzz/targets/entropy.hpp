/// Bytes of an input, taken one number after the other; and choices that a seed decides.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "sim/engine/rng.hpp"

namespace assay::fuzz {

/// Takes an input apart from the front. Beyond its end everything is zero.
class InputReader {
 public:
  explicit InputReader(std::string_view bytes) : left_(bytes) {}

  [[nodiscard]] bool is_empty() const { return left_.empty(); }
  template <typename T>
  T number() {
    T value{};
    const std::string_view bytes = text(sizeof value);
    std::copy_n(bytes.data(), bytes.size(), reinterpret_cast<char*>(&value));
    return value;
  }
  /// At most so many bytes.
  std::string_view text(size_t bytes_max) {
    const std::string_view taken = left_.substr(0, bytes_max);
    left_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest() { return text(left_.size()); }

 private:
  std::string_view left_;
};

/// What a mutation decides by.
class Entropy {
 public:
  explicit Entropy(uint64_t seed) : rng_(seed) {}
  /// Below `bound`, which is not 0.
  size_t below(size_t bound) { return rng_.below(bound); }
  uint64_t bits() { return rng_.next(); }
  bool one_in(uint64_t count) { return rng_.one_in(count); }

 private:
  Rng rng_;
};

}  // namespace assay::fuzz
