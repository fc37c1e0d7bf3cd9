#include "conformance/guest/vcpu_ops.hpp"

#include <cstring>

namespace assay {
namespace {

template <typename T>
T untouched() {
  T value;
  std::memset(&value, kUntouchedByte, sizeof value);
  return value;
}

}  // namespace

Called<vcpu_runstate_info_t> VcpuOps::runstate(uint32_t vcpu) {
  return op(VCPUOP_get_runstate_info, vcpu, untouched<vcpu_runstate_info_t>());
}

Called<vcpu_get_physid_t> VcpuOps::physid(uint32_t vcpu) {
  return op(VCPUOP_get_physid, vcpu, untouched<vcpu_get_physid_t>());
}

int64_t VcpuOps::register_runstate_area(uint32_t vcpu, Gva area) {
  vcpu_register_runstate_memory_area_t arg{};
  arg.addr.p = area.raw();
  return op(VCPUOP_register_runstate_memory_area, vcpu, arg).result;
}

int64_t VcpuOps::register_time_area(uint32_t vcpu, Gva area) {
  vcpu_register_time_memory_area_t arg{};
  arg.addr.p = area.raw();
  return op(VCPUOP_register_vcpu_time_memory_area, vcpu, arg).result;
}

int64_t VcpuOps::register_vcpu_info(uint32_t vcpu, Gfn frame, uint32_t offset) {
  vcpu_register_vcpu_info_t arg{};
  arg.mfn = frame.raw();
  arg.offset = offset;
  return op(VCPUOP_register_vcpu_info, vcpu, arg).result;
}

int64_t VcpuOps::set_periodic_timer(uint32_t vcpu, uint64_t period_ns) {
  return op(VCPUOP_set_periodic_timer, vcpu, vcpu_set_periodic_timer_t{period_ns}).result;
}

int64_t VcpuOps::set_singleshot_timer(uint32_t vcpu, uint64_t timeout_abs_ns, uint32_t flags) {
  vcpu_set_singleshot_timer_t arg{};  // zeroed as a whole: its padding goes into guest memory too
  arg.timeout_abs_ns = timeout_abs_ns;
  arg.flags = flags;
  return op(VCPUOP_set_singleshot_timer, vcpu, arg).result;
}

int64_t VcpuOps::raw(uint64_t command, uint32_t vcpu, Gva argument) {
  return memory_.vcpu().hypercall(__HYPERVISOR_vcpu_op, {command, vcpu, argument.raw()});
}

}  // namespace assay
