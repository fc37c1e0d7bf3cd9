/// What has to hold when a window ends.
#pragma once

#include <functional>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

class Finally final : public Oracle {
 public:
  /// `complaint` is asked at the end: empty when all is well.
  Finally(std::string name, std::function<std::string()> complaint)
      : Oracle(std::move(name)), complaint_(std::move(complaint)) {}
  void end(const Schedule& /*schedule*/, uint64_t now_ns) override {
    if (std::string words = complaint_(); !words.empty()) report(now_ns, kNoVcpu, PcpuSet::kNone, std::move(words));
  }

 private:
  std::function<std::string()> complaint_;
};

}  // namespace assay::scenario
