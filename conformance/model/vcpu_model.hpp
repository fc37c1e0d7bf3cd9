/// The vCPUs of one guest: who is up, what is registered, whose timer has gone off.
///
/// Sources: the requirements VCPU and TIMER.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::model {

class VcpuModel {
 public:
  static constexpr uint64_t kPeriodMin = 1'000'000;  ///< ns

  struct Vcpu {
    bool is_initialised = false;
    bool is_up = false;
    bool has_info = false;  ///< registered by the guest
  };

  /// The first `online` of `count` are up.
  VcpuModel(uint32_t count, uint32_t online);
  [[nodiscard]] const std::vector<Vcpu>& vcpus() const { return vcpus_; }
  /// VIRQ_TIMER of vCPU 0 is pending.
  [[nodiscard]] bool is_tick_pending() const { return is_tick_pending_; }
  void clear_tick() { is_tick_pending_ = false; }

  int64_t up(uint32_t vcpu);
  int64_t down(uint32_t vcpu);
  [[nodiscard]] int64_t is_up(uint32_t vcpu) const;
  /// With a context that leaves it down.
  int64_t initialise(uint32_t vcpu);
  /// Of get_runstate_info, register_runstate_memory_area and stop_periodic_timer.
  [[nodiscard]] int64_t exists(uint32_t vcpu) const;
  [[nodiscard]] int64_t set_periodic_timer(uint32_t vcpu, uint64_t period_ns) const;
  /// `has_passed`: the time that it names. Of set and stop alike, a vCPU other than `caller` is refused.
  int64_t set_singleshot_timer(uint32_t caller, uint32_t vcpu, bool has_passed);
  [[nodiscard]] int64_t stop_singleshot_timer(uint32_t caller, uint32_t vcpu) const;
  int64_t register_vcpu_info(uint32_t caller, uint32_t vcpu, uint32_t offset);

 private:
  std::vector<Vcpu> vcpus_;
  bool is_tick_pending_ = false;
};

}  // namespace assay::model
