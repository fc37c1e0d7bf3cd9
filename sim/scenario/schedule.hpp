/// What a scheduler has done so far, as those see it who asked for nothing else: who runs where, who could run and does
/// not. Kept from events alone, so that a test can make it up.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine/pcpu_set.hpp"

namespace assay::scenario {

using VcpuIndex = uint32_t;  ///< among all vCPUs of the scenario
constexpr VcpuIndex kNoVcpu = UINT32_MAX;

struct ScheduleEvent {
  enum class Kind : uint8_t {
    kOnline,    ///< it exists from now on, and sleeps
    kOffline,   ///< it is gone
    kWake,      ///< it could run
    kBlock,     ///< it wants to sleep
    kPause,     ///< somebody holds it
    kUnpause,   ///< nobody does any more
    kRun,       ///< `pcpu` runs it from now on
    kLeave,     ///< `pcpu` does not any more
    kMayRunOn,  ///< its hard affinity and its pool leave `mask`
  };
  uint64_t now_ns = 0;
  Kind kind = Kind::kRun;
  VcpuIndex vcpu = kNoVcpu;
  uint32_t pcpu = PcpuSet::kNone;
  PcpuSet mask{};
};

struct VcpuSchedule {
  bool is_online = false;
  bool is_awake = false;
  bool is_paused = false;
  uint32_t pcpu = PcpuSet::kNone;  ///< where it runs
  uint64_t awake_since_ns = 0;
  uint64_t waits_since_ns = 0;  ///< meaningful while it waits
  uint64_t runs_since_ns = 0;   ///< meaningful while it runs
  uint64_t may_since_ns = 0;    ///< its mask is that old
  uint64_t ran_ns = 0;          ///< up to runs_since_ns
  uint64_t stays = 0;           ///< how often it came to a pCPU
  uint32_t mask = 0;            ///< an index of Schedule::masks
  bool woke = false;            ///< it waits since it woke, and has not run yet

  [[nodiscard]] bool runs() const { return pcpu != PcpuSet::kNone; }
  [[nodiscard]] bool wants() const { return is_online && is_awake && !is_paused; }
  [[nodiscard]] bool waits() const { return wants() && !runs(); }
};

class Schedule {
 public:
  /// vCPUs with the same mask, and how many of them wait.
  struct MaskClass {
    PcpuSet mask;
    uint32_t waiting = 0;
  };

  explicit Schedule(uint32_t pcpus);
  /// A further vCPU, offline.
  VcpuIndex add_vcpu(const PcpuSet& mask);
  void apply(const ScheduleEvent& event);

  [[nodiscard]] const VcpuSchedule& vcpu(VcpuIndex index) const { return vcpus_[index]; }
  [[nodiscard]] VcpuIndex vcpus() const { return static_cast<VcpuIndex>(vcpus_.size()); }
  [[nodiscard]] uint32_t pcpus() const { return static_cast<uint32_t>(running_.size()); }
  [[nodiscard]] VcpuIndex running_on(uint32_t pcpu) const { return running_[pcpu]; }
  [[nodiscard]] const PcpuSet& idle() const { return idle_; }
  /// Meaningful for an idle pCPU.
  [[nodiscard]] uint64_t idle_since_ns(uint32_t pcpu) const { return idle_since_ns_[pcpu]; }
  [[nodiscard]] uint32_t waiting() const { return waiting_; }
  [[nodiscard]] const std::vector<MaskClass>& masks() const { return masks_; }
  [[nodiscard]] const PcpuSet& mask_of(VcpuIndex index) const { return masks_[vcpus_[index].mask].mask; }
  [[nodiscard]] uint64_t ran_ns(VcpuIndex index, uint64_t now_ns) const {
    const VcpuSchedule& vcpu = vcpus_[index];
    return vcpu.ran_ns + (vcpu.runs() ? now_ns - vcpu.runs_since_ns : 0);
  }
  /// How long somebody of the scenario ran there.
  [[nodiscard]] uint64_t busy_ns(uint32_t pcpu, uint64_t now_ns) const;

 private:
  uint32_t class_of(const PcpuSet& mask);
  void run(VcpuSchedule& vcpu, const ScheduleEvent& event);
  void leave(VcpuSchedule& vcpu, const ScheduleEvent& event);

  std::vector<VcpuSchedule> vcpus_;
  std::vector<VcpuIndex> running_;
  std::vector<uint64_t> busy_ns_;
  std::vector<uint64_t> idle_since_ns_;
  std::vector<MaskClass> masks_;
  PcpuSet idle_;
  uint32_t waiting_ = 0;
};

}  // namespace assay::scenario
