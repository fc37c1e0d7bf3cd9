/// Seeded randomness: one root, named streams derived from it, the same numbers on every compiler.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace assay {

/// xoshiro256** seeded through splitmix64. Integers only.
class Rng {
 public:
  explicit Rng(uint64_t seed);

  /// A stream of its own: depends on this generator's seed and on `name`, not on how many numbers were drawn.
  [[nodiscard]] Rng fork(std::string_view name) const;
  uint64_t next();
  /// Uniform in 0..bound-1. `bound` must not be 0.
  uint64_t below(uint64_t bound);
  /// True once in `n` draws on average; never when `n` is 0.
  bool one_in(uint64_t n) { return n != 0 && below(n) == 0; }
  [[nodiscard]] uint64_t seed() const { return seed_; }

 private:
  uint64_t seed_;
  std::array<uint64_t, 4> state_{};
};

}  // namespace assay
