#include "conformance/model/vcpu_model.hpp"

#include "sim/abi/xen.hpp"

namespace assay::model {
namespace {

constexpr uint64_t kPeriodMax = uint64_t{1} << 55;
constexpr uint32_t kInfoBytes = 64, kInfoAlignment = 8;

}  // namespace

VcpuModel::VcpuModel(uint32_t count, uint32_t online) : vcpus_(count) {
  for (uint32_t i = 0; i < online; ++i) vcpus_[i] = {.is_initialised = true, .is_up = true};
}

int64_t VcpuModel::exists(uint32_t vcpu) const {
  return vcpu < vcpus_.size() ? 0 : -XEN_ENOENT;
}

int64_t VcpuModel::up(uint32_t vcpu) {
  if (exists(vcpu) != 0) return -XEN_ENOENT;
  if (!vcpus_[vcpu].is_initialised) return -XEN_EINVAL;
  vcpus_[vcpu].is_up = true;
  return 0;
}

int64_t VcpuModel::down(uint32_t vcpu) {
  if (exists(vcpu) != 0) return -XEN_ENOENT;
  vcpus_[vcpu].is_up = false;
  return 0;
}

int64_t VcpuModel::is_up(uint32_t vcpu) const {
  if (exists(vcpu) != 0) return -XEN_ENOENT;
  return vcpus_[vcpu].is_up ? 1 : 0;
}

int64_t VcpuModel::initialise(uint32_t vcpu) {
  if (exists(vcpu) != 0) return -XEN_ENOENT;
  if (vcpus_[vcpu].is_initialised) return -XEN_EEXIST;
  vcpus_[vcpu].is_initialised = true;
  return 0;
}

int64_t VcpuModel::set_periodic_timer(uint32_t vcpu, uint64_t period_ns) const {
  if (exists(vcpu) != 0) return -XEN_ENOENT;
  return period_ns < kPeriodMin || period_ns > kPeriodMax ? -XEN_EINVAL : 0;
}

int64_t VcpuModel::set_singleshot_timer(uint32_t caller, uint32_t vcpu, bool has_passed) {
  if (const int64_t error = stop_singleshot_timer(caller, vcpu)) return error;
  if (vcpu == 0 && has_passed) is_tick_pending_ = true;
  return 0;
}

int64_t VcpuModel::stop_singleshot_timer(uint32_t caller, uint32_t vcpu) const {
  if (exists(vcpu) != 0) return -XEN_ENOENT;
  return vcpu == caller ? 0 : -XEN_EINVAL;
}

int64_t VcpuModel::register_vcpu_info(uint32_t caller, uint32_t vcpu, uint32_t offset) {
  constexpr uint32_t kPageBytes = 4096;
  if (exists(vcpu) != 0) return -XEN_ENOENT;
  if (offset > kPageBytes - kInfoBytes || offset % kInfoAlignment != 0) return -XEN_ENXIO;
  Vcpu& named = vcpus_[vcpu];
  if (named.has_info || (vcpu != caller && named.is_up)) return -XEN_EINVAL;
  named.has_info = true;
  return 0;
}

}  // namespace assay::model
