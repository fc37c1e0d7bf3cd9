/// What part of one pCPU's time was had, as far as an emulated machine lets one tell.
#pragma once

#include <cstdint>
#include <string>

#include "sim/scenario/scenario.hpp"

namespace assay::scenario {

/// All in the hypervisor's own time.
struct LiveShare {
  uint64_t window_ns = 0;
  uint64_t taken_ns = 0;   ///< of all vCPUs, or pCPUs, together
  uint64_t unsure_ns = 0;  ///< of that, at most so much may have gone to another one than it should

  /// In hundredths of a percent of one pCPU.
  [[nodiscard]] uint64_t share() const { return of_window(taken_ns); }
  [[nodiscard]] uint64_t unsure() const { return of_window(unsure_ns); }

 private:
  [[nodiscard]] uint64_t of_window(uint64_t ns) const { return window_ns == 0 ? 0 : ns * kWholePcpu / window_ns; }
};

enum class ShareVerdict : uint8_t { kMet, kCannotTell, kMissed };

ShareVerdict judge(const LiveShare& measured, const Expectation& expected);
/// "33.28% of a pCPU in 2.5s, unsure by 0.4%".
std::string show(const LiveShare& measured);

}  // namespace assay::scenario
