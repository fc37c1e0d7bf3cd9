/// Several hypercalls of a guest that runs machine code, for one message to its agent: a loop of ours makes them there.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "fuzz/targets/guests/calls.hpp"

namespace assay::fuzz {

/// One turn of the loop, as it finds it in memory.
struct BatchedCall {
  uint64_t entry = 0;  ///< in the hypercall page
  std::array<uint64_t, kCallArguments> value{};
  std::array<char, kCallDataBytes> data{};  ///< goes into the page of arguments first
};

class CallBatch {
 public:
  /// Takes three pages of the guest's heap. `arguments`: where the data of a call goes.
  CallBatch(Domain& domain, Gva arguments);

  [[nodiscard]] BatchedCall with_entry(uint8_t number) const;
  /// Makes them, kCallsMax at most. False when the guest does not come back within `patience_ns`, or somewhere else
  /// than behind the last one.
  bool run(std::span<const BatchedCall> calls, uint64_t patience_ns);

 private:
  Domain* domain_;
  Gva arguments_;
  Gva code_, table_, stack_end_;
};

}  // namespace assay::fuzz
