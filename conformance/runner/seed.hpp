/// Seeds of cases and digests of runs. The same on every machine, compiler and build.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay {

/// What a case's choices derive from: it depends on the root seed and the slug alone, so neither the selection nor the
/// order nor the number of workers changes it.
uint64_t case_seed(uint64_t root_seed, std::string_view slug);

/// Folds texts and numbers into one number; order matters.
class Digest {
 public:
  void fold(std::string_view text);  ///< with its length, so that "ab","c" is not "a","bc"
  void fold(uint64_t number);
  [[nodiscard]] uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

}  // namespace assay
