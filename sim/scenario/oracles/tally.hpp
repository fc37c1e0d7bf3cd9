/// How often something happened in a window, in all or per second.
#pragma once

#include <functional>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

class Tally final : public Oracle {
 public:
  struct Bounds {
    uint64_t at_least = 0;
    uint64_t at_most = UINT64_MAX;
    bool is_per_second = false;
  };
  /// `count`: how often so far. `what`: of what, for messages.
  Tally(std::string name, std::string what, const Bounds& bounds, std::function<uint64_t()> count)
      : Oracle(std::move(name)), what_(std::move(what)), bounds_(bounds), count_(std::move(count)) {}
  void begin(const Schedule& schedule, uint64_t now_ns) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  std::string what_;
  Bounds bounds_;
  std::function<uint64_t()> count_;
  uint64_t begin_ns_ = 0;
  uint64_t before_ = 0;
};

}  // namespace assay::scenario
