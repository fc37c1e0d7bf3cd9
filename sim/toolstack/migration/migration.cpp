#include "sim/toolstack/migration/migration.hpp"

#include <cstring>

#include "sim/toolstack/migration/state_control.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

namespace {

constexpr uint64_t kCancelled = 1;  // public/sched.h, SHUTDOWN_suspend

void set_pv_result(const StateControl& control) {
  VcpuState state{RecordType::kVcpuBasic, 0, control.vcpu_state(RecordType::kVcpuBasic, 0).value()};
  vcpu_guest_context context;
  std::memcpy(&context, state.context.data(), sizeof context);
  context.user_regs.rax = kCancelled;
  std::memcpy(state.context.data(), &context, sizeof context);
  (void)control.set_vcpu_state(state);
}

/// Where the body of vCPU 0's CPU record begins. Source: public/hvm/save.h.
size_t find_cpu(const Bytes& stream) {
  size_t at = 0;
  while (at + sizeof(hvm_save_descriptor) <= stream.size()) {
    hvm_save_descriptor descriptor;
    std::memcpy(&descriptor, &stream[at], sizeof descriptor);
    at += sizeof descriptor;
    if (descriptor.typecode == HVM_SAVE_CODE(CPU) && descriptor.instance == 0) break;
    at += descriptor.length;
  }
  if (at + sizeof(hvm_hw_cpu) > stream.size()) throw ToolstackError("the HVM context has no record of CPU 0");
  return at;
}

void set_hvm_result(const toolstack::DomainControl& control, const StateControl& state, DomId domain) {
  Bytes stream = state.hvm_context();
  std::memcpy(&stream[find_cpu(stream) + offsetof(hvm_hw_cpu, rax)], &kCancelled, sizeof kCancelled);
  control.set_hvm_context(domain, stream);
}

}  // namespace

void Host::go_on(DomId domain) {
  const auto is = info(domain);
  if (!is) throw ToolstackError("domain " + std::to_string(domain.raw()) + " is not there and cannot go on");
  const StateControl control(dom0_, domain);
  if ((is->flags & XEN_DOMINF_hvm_guest) != 0) {
    set_hvm_result(control_, control, domain);
  } else {
    set_pv_result(control);
  }
  control.resume();
}

}  // namespace assay::migration
