/// Somebody who watches a schedule and says when it breaks a promise. Knows no machine and no core.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "sim/scenario/schedule.hpp"

namespace assay::scenario {

/// A promise that was broken: in words, and when and by whom.
struct Violation {
  uint64_t now_ns = 0;
  VcpuIndex vcpu = kNoVcpu;
  uint32_t pcpu = PcpuSet::kNone;
  std::string oracle;
  std::string words;
};

/// From a vCPU's index to its name: "a.0".
using VcpuNames = std::function<std::string(VcpuIndex)>;

class Oracle {
 public:
  explicit Oracle(std::string name) : name_(std::move(name)) {}
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;
  virtual ~Oracle() = default;

  /// From now on it looks.
  virtual void begin(const Schedule& /*schedule*/, uint64_t /*now_ns*/) {}
  /// What is about to happen to the schedule. Between two events nothing in it changes.
  virtual void on(const ScheduleEvent& /*event*/, const Schedule& /*schedule*/) {}
  /// It looks no more.
  virtual void end(const Schedule& /*schedule*/, uint64_t /*now_ns*/) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  /// The first one.
  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }

 protected:
  void report(uint64_t now_ns, VcpuIndex vcpu, uint32_t pcpu, std::string words) {
    if (!violation_) violation_ = Violation{now_ns, vcpu, pcpu, name_, std::move(words)};
  }

 private:
  std::string name_;
  std::optional<Violation> violation_;
};

}  // namespace assay::scenario
