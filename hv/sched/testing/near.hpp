/// Times that are nearly what is expected.
#pragma once

#include <gtest/gtest.h>

#include "hv/base/types.hpp"

namespace hv::testing {

constexpr Ns kSecond = 1000 * kMillisecond;

/// Within `permille` of what is expected.
inline ::testing::AssertionResult near(Ns seen, Ns expected, Ns permille) {
  const Ns difference = seen > expected ? seen - expected : expected - seen;
  if (difference * 1000 <= expected * permille) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << seen << " ns instead of " << expected;
}

}  // namespace hv::testing
