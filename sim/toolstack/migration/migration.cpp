#include "sim/toolstack/migration/migration.hpp"

#include <cstring>

#include "sim/toolstack/migration/state_control.hpp"

namespace assay::migration {

void Host::go_on(DomId domain) {
  constexpr uint64_t kCancelled = 1;  // public/sched.h, SHUTDOWN_suspend
  const StateControl control(dom0_, domain);
  VcpuState state{RecordType::kVcpuBasic, 0, control.vcpu_state(RecordType::kVcpuBasic, 0).value()};
  vcpu_guest_context context;
  std::memcpy(&context, state.context.data(), sizeof context);
  context.user_regs.rax = kCancelled;
  std::memcpy(state.context.data(), &context, sizeof context);
  (void)control.set_vcpu_state(state);
  control.resume();
}

}  // namespace assay::migration
