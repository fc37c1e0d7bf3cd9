#include "sim/scenario/oracles/tally.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/scenario/scenario.hpp"

namespace assay::scenario {

void Tally::begin(const Schedule& /*schedule*/, uint64_t now_ns) {
  begin_ns_ = now_ns;
  before_ = count_();
}

void Tally::end(const Schedule& /*schedule*/, uint64_t now_ns) {
  const uint64_t done = count_() - before_;
  const uint64_t passed_ns = now_ns - begin_ns_;
  const uint64_t measured =
      bounds_.is_per_second ? done * kNsPerS / std::max<uint64_t>(1, passed_ns) : done;
  if (measured >= bounds_.at_least && measured <= bounds_.at_most) return;
  const bool is_few = measured < bounds_.at_least;
  report(now_ns, kNoVcpu, PcpuSet::kNone,
         fmt::format("{} {}{}; {} {}", measured, what_, bounds_.is_per_second ? " per second" : "",
                     is_few ? "at least" : "at most", is_few ? bounds_.at_least : bounds_.at_most));
}

}  // namespace assay::scenario
