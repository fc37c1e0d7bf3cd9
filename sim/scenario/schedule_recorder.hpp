/// Keeps what a scenario did as a list of what happened, for a picture.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/scenario/scenario_observer.hpp"

namespace assay::scenario {

/// Numbers are those of the picture's data.
enum class Happening : uint8_t {
  kOnline,  ///< kinds of ScheduleEvent: who is a vCPU
  kOffline,
  kWake,
  kBlock,
  kPause,
  kUnpause,
  kRun,  ///< how_much is the pCPU
  kLeave,
  kSignal,  ///< notices
  kTimer,
  kYield,
  kSignalLate,  ///< faults: who is a pCPU, how_much nanoseconds
  kTimerLate,
};

class ScheduleRecorder final : public ScenarioObserver {
 public:
  /// As many as a picture has; of a longer run it has those around the first violation, or else the first ones.
  static constexpr size_t kShownMax = 400'000;

  explicit ScheduleRecorder(uint32_t pcpus, size_t shown_max = kShownMax) : pcpus_(pcpus), shown_max_(shown_max) {}

  void on_begin(uint64_t now_ns) override;
  void on_domain(uint16_t domid, VcpuIndex first) override { domains_[domid] = first; }
  void on_schedule(const ScheduleEvent& event) override;
  void on_notice(uint64_t now_ns, VcpuIndex vcpu, Notice notice) override;
  void on_action(uint64_t now_ns, std::string_view words) override;
  void on_late(uint64_t now_ns, uint32_t pcpu, Late what, uint64_t late_ns) override;
  void on_violation(uint64_t now_ns, VcpuIndex vcpu, uint32_t pcpu, std::string_view words) override;
  void on_end(uint64_t now_ns) override;

  /// What happened from `from_ns` until before `to_ns`, on the machine's clock.
  struct Window {
    uint64_t from_ns = 0, to_ns = 0;
  };
  /// Of the picture, or of a part of it where `most` happened. Meaningful after the end.
  [[nodiscard]] Window window(size_t most = kShownMax) const;
  [[nodiscard]] bool has_begun() const { return has_begun_; }
  [[nodiscard]] uint64_t start_ns() const { return start_ns_; }

  struct Remark {
    uint64_t now_ns;
    VcpuIndex vcpu;
    uint32_t pcpu;
    std::string words;
  };
  /// The first one first.
  [[nodiscard]] const std::vector<Remark>& violations() const { return violations_; }
  /// By domid, the index of vCPU 0.
  [[nodiscard]] const std::map<uint16_t, VcpuIndex>& domains() const { return domains_; }

  /// Data of the picture: times in nanoseconds since the scenario began, those of what happened as differences.
  [[nodiscard]] nlohmann::ordered_json to_json(const Scenario& scenario) const;

 private:
  struct Entry {
    uint64_t now_ns;
    uint64_t how_much;
    uint32_t who;
    Happening what;
  };
  /// Of a vCPU, where the window begins.
  struct State {
    bool is_online = false, is_awake = false, is_paused = false;
    uint32_t pcpu = PcpuSet::kNone;
    uint64_t since_ns = 0;  ///< of its last entry: time does not go back for it
  };
  struct Part {
    size_t from, to;
  };

  void keep(uint64_t now_ns, Happening what, uint32_t who, uint64_t how_much = 0);
  static void apply(const Entry& entry, std::vector<State>& states);
  [[nodiscard]] Part shown(size_t most) const;

  uint32_t pcpus_;
  size_t shown_max_;
  bool has_begun_ = false;
  uint64_t start_ns_ = 0, end_ns_ = 0;
  uint64_t dropped_ = 0;  ///< entries before those kept, in base_
  std::vector<State> base_;
  std::vector<uint64_t> last_ns_;  ///< by vCPU
  std::vector<Entry> entries_;     ///< in the order of time
  std::vector<Remark> actions_;
  std::vector<Remark> violations_;
  std::map<uint16_t, VcpuIndex> domains_;
};

}  // namespace assay::scenario
