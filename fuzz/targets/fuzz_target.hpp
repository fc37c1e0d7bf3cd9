/// What reads foreign bytes, as a function of bytes: for libFuzzer, for AFL++, and for tests that replay what was
/// found.
///
///     const FuzzTarget kTrace{{
///         .name = "trace",
///         .reads = "files that `assay trace --out` has written",
///         .run = [](std::string_view input) { ... },
///     }};
///
/// Defining the object registers the target. Input that is refused as documented is fine; what must never be ends the
/// process: a sanitizer's finding, an exception that nobody announced, `must`.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::fuzz {

class Entropy;

struct FuzzSpec {
  std::string_view name{};   ///< [a-z0-9_]; also the folder of its corpus
  std::string_view reads{};  ///< what, for people
  void (*run)(std::string_view input) = nullptr;
  size_t bytes_max = 4096;
  std::vector<std::string> (*words)() = nullptr;  ///< that inputs are made of, for the fuzzer's dictionary; may be null
  bool is_canary = false;                         ///< must fail: left out unless asked for by name
  /// For inputs that are more than bytes; null: the fuzzer's own. Each returns the new input, of bytes_max at most.
  std::string (*mutate)(std::string_view input, Entropy& entropy) = nullptr;
  std::string (*cross)(std::string_view one, std::string_view other, Entropy& entropy) = nullptr;
};

class FuzzTarget {
 public:
  explicit FuzzTarget(const FuzzSpec& spec);
};

/// All of this program, by name.
std::span<const FuzzSpec> fuzz_targets();
/// Null when there is none.
const FuzzSpec* find_fuzz_target(std::string_view name);

/// What an input must not break: says what did not hold, and aborts.
void must(bool holds, std::string_view what);

}  // namespace assay::fuzz
