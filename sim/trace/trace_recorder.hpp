/// Watches a machine and keeps what happens.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "sim/engine/machine_watcher.hpp"
#include "sim/trace/trace.hpp"

namespace assay::trace {

/// Reads the memory of the vCPU that `run` describes without a trace of its own: how many bytes at the front of `bytes`
/// were there.
using ReadBytes = std::function<size_t(const assay_run& run, uint64_t va, std::span<std::byte> bytes)>;

struct RecorderOptions {
  static constexpr size_t kEventsMax = 1'000'000;
  size_t events_max = kEventsMax;  ///< of more the oldest are dropped
  Filter filter;
  ReadBytes read;          ///< none: registers only
  bool with_code = false;  ///< keep the code around rip
};

class TraceRecorder final : public MachineWatcher {
 public:
  explicit TraceRecorder(RecorderOptions options) : options_(std::move(options)) {}

  void on_exit(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const assay_exit& exit) override;
  void on_entry(uint64_t now_ns, uint32_t pcpu, const assay_run& run) override;
  void on_core_event(uint64_t now_ns, uint32_t pcpu, uint32_t id, std::span<const uint64_t> words) override;

  [[nodiscard]] const Trace& trace() const { return trace_; }
  /// Gives up what was recorded.
  Trace take(std::string subject);

 private:
  /// Where a vCPU left, until it goes on.
  struct Left {
    static constexpr uint64_t kNotKept = UINT64_MAX;
    uint64_t rip = 0;
    uint32_t reason = ASSAY_EXIT_NONE;
    bool may_move = false;       ///< the exit by its nature goes on elsewhere
    uint64_t number = kNotKept;  ///< of the event, the first one is 0
  };

  /// Returns its number, or kNotKept.
  uint64_t keep(Event event);
  /// Null: dropped since, or never kept.
  Exit* exit_of(uint64_t number);
  [[nodiscard]] Exit make_exit(const assay_run& run, const assay_exit& left) const;
  void read_around(Exit& exit, const assay_run& run) const;
  [[nodiscard]] std::vector<std::byte> changed_argument(const Exit& exit, const assay_run& run) const;
  void note_switch(uint64_t now_ns, uint32_t pcpu, const Occupant& to);
  void note_delivery(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const Left* left);
  Occupant& occupant(uint32_t pcpu);

  RecorderOptions options_;
  Trace trace_;
  std::map<VcpuName, Left> left_;
  std::vector<Occupant> occupants_;  ///< by pCPU
};

}  // namespace assay::trace
