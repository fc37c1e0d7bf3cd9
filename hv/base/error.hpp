/// What a guest's mistake becomes: 0 or a negative Xen errno, as the guest will read it.
#pragma once

#include <cstdint>
#include <utility>

#include "sim/abi/xen.hpp"

namespace hv {

/// 0 or -XEN_E*. Kept apart from counts and values.
class [[nodiscard]] Status {
 public:
  constexpr Status() = default;
  /// `code` is a positive XEN_E* value.
  static constexpr Status error(int code) { return Status{-code}; }
  [[nodiscard]] constexpr bool ok() const { return value_ == 0; }
  [[nodiscard]] constexpr int64_t raw() const { return value_; }
  friend constexpr bool operator==(Status, Status) = default;

 private:
  constexpr explicit Status(int64_t value) : value_(value) {}
  int64_t value_ = 0;
};

constexpr Status kOk{};
constexpr Status fail(int xen_errno) {
  return Status::error(xen_errno);
}

/// A value, or the reason there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  constexpr Result(Status status) : status_(status) {}     // NOLINT(google-explicit-constructor)
  [[nodiscard]] constexpr bool ok() const { return status_.ok(); }
  [[nodiscard]] constexpr Status status() const { return status_; }
  constexpr T& operator*() { return value_; }
  constexpr const T& operator*() const { return value_; }
  constexpr T* operator->() { return &value_; }
  constexpr const T* operator->() const { return &value_; }

 private:
  T value_{};
  Status status_{};
};

}  // namespace hv
