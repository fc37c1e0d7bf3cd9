/// What was seen while a sequence was played, what had been expected, and how to write that down as a case.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "conformance/show.hpp"
#include "fuzz/sequence/operation.hpp"

namespace assay::fuzz {

/// Whether code for a case is kept. It costs most of the speed.
enum class Keep : uint8_t { kNothing, kCode };

class Journal {
 public:
  explicit Journal(Keep keep) : keep_(keep) {}

  /// `statement` makes a line of C++ that does what the sequence does now.
  template <std::invocable Make>
  void did(Make statement) {
    if (keep_ == Keep::kCode) code_.push_back(statement());
  }
  /// What an operation answered. `expression` makes the C++ expression of `actual`.
  template <typename A, typename B, std::invocable Make>
  void answered(const A& actual, const B& expected, Make expression) {
    see(static_cast<uint64_t>(actual));
    if (keep_ == Keep::kCode) code_.push_back(check_line(expression(), shown(expected)));
    if (!same(actual, expected)) disagree(expression(), fmt::to_string(expected), fmt::to_string(actual));
  }
  /// What guests see besides: kept as code only where it is not as expected.
  template <typename A, typename B, std::invocable Make>
  void seen(const A& actual, const B& expected, Make expression) {
    see(static_cast<uint64_t>(actual));
    if (!same(actual, expected)) unexpected(expression(), shown(expected), fmt::to_string(actual));
  }
  /// A number that targets choose as they like, a domain's for one: `role` stands for it in the trace.
  template <std::invocable Make>
  void seen_as(uint64_t role, bool as_expected, const std::string& expected, const std::string& actual,
               Make expression) {
    see(role);
    if (!as_expected) unexpected(expression(), expected, actual);
  }

  /// After each operation, as it was played.
  void end_step(const Operation& operation) {
    trace_.push_back(folded_);
    played_.push_back(operation);
    ++steps_;
  }
  [[nodiscard]] bool failed() const { return !failure_.empty(); }
  /// The first disagreement, in words.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] uint64_t steps() const { return steps_; }
  /// A hash of all that was seen, after each step: two targets that agree have the same.
  [[nodiscard]] const std::vector<uint64_t>& trace() const { return trace_; }
  /// What was played, with literals in the place of choices.
  [[nodiscard]] const Sequence& played() const { return played_; }
  [[nodiscard]] const std::vector<std::string>& code() const { return code_; }

 private:
  /// std::cmp_equal takes no bool.
  template <typename T>
  static auto number(const T& value) {
    if constexpr (std::is_same_v<T, bool>) return static_cast<int>(value);
    if constexpr (!std::is_same_v<T, bool>) return value;
  }
  template <typename A, typename B>
  static bool same(const A& actual, const B& expected) {
    return std::cmp_equal(number(actual), number(expected));
  }
  template <typename T>
  static std::string shown(const T& value) {
    if constexpr (std::is_same_v<T, int64_t>) return show_errno(value);
    return fmt::to_string(value);
  }
  static std::string show_errno(int64_t value);
  static std::string check_line(const std::string& expression, const std::string& expected);
  void unexpected(const std::string& what, const std::string& expected, const std::string& actual);
  void disagree(const std::string& what, const std::string& expected, const std::string& actual);
  void see(uint64_t value) { folded_ = (folded_ ^ value) * 0x9e3779b97f4a7c15u; }

  Keep keep_;
  std::string failure_;
  uint64_t folded_ = 0;
  uint64_t steps_ = 0;
  std::vector<uint64_t> trace_;
  Sequence played_;
  std::vector<std::string> code_;
};

}  // namespace assay::fuzz
