/// From the registers of a guest to a handler and back.
#include <array>

#include "hv/base/fault.hpp"
#include "hv/core.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/hypercall/compat.hpp"
#include "hv/hypercall/registers.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

constexpr size_t kNumbers = 50;

enum class Guests : uint8_t { none, pv, hvm, pv_hvm };

struct Row {
  Handler handler;
  Guests guests;
};

#define ASSAY_HANDLER_full(name) do_##name
#define ASSAY_HANDLER_partial(name) do_##name
#define ASSAY_HANDLER_absent(name) nullptr

consteval std::array<Row, kNumbers> make_table() {
  std::array<Row, kNumbers> table{};
#define ASSAY_HYPERCALL(number, name, guests, callers, continuable, state) \
  table[number] = {ASSAY_HANDLER_##state(name), Guests::guests};
#include "sim/abi/hypercalls.def"
  return table;
}

/// What is not there for a guest type is null.
consteval std::array<Handler, kNumbers> handlers_for(Guests kind) {
  std::array<Handler, kNumbers> handlers{};
  const std::array<Row, kNumbers> table = make_table();
  for (size_t number = 0; number < kNumbers; ++number) {
    const bool offered = table[number].guests == kind || table[number].guests == Guests::pv_hvm;
    handlers[number] = offered ? table[number].handler : nullptr;
  }
  return handlers;
}

constexpr std::array<Handler, kNumbers> kPvHandlers = handlers_for(Guests::pv);
constexpr std::array<Handler, kNumbers> kHvmHandlers = handlers_for(Guests::hvm);

/// A user-mode program of a PV64 guest made a system call: its kernel's business. Registers are as SYSCALL leaves them.
void reflect_syscall(Vcpu& vcpu) {
  assay_regs& regs = vcpu.regs;
  bool entered = false;
  if (vcpu.pv->syscall_callback == 0) {
    regs.rip -= kPvInstructionBytes;
    entered = pv_raise(vcpu, kVectorInvalidOpcode, false, 0);
  } else {
    regs.rcx = regs.rip;
    regs.r11 = regs.rflags;
    regs.cs = FLAT_USER_CS64;
    regs.ss = FLAT_USER_SS64;
    entered = pv_bounce(vcpu, {vcpu.pv->syscall_callback, vcpu.pv->syscall_disables_events});
  }
  if (!entered) crash_domain(*vcpu.domain, "no way into the guest kernel for a system call");
}

bool hvm_may_call(const Vcpu& vcpu, const Call& call) {
  const bool kernel = fault("entry.hvm_ring_1") ? vcpu.regs.cpl != 3 : vcpu.regs.cpl == 0;
  if (kernel && (vcpu.regs.rflags & kFlagVirtual8086) == 0) return true;
  // HVMOP_guest_request_vm_event may come from user space when a monitor asked for that; there is none.
  static_cast<void>(call);
  return false;
}

}  // namespace

int64_t hypercall_dispatch(Call& call) {
  if (call.number >= kNumbers) return -XEN_ENOSYS;
  const auto& handlers = call.vcpu.pv != nullptr ? kPvHandlers : kHvmHandlers;
  const Handler handler = handlers[call.number];
  return handler == nullptr ? -XEN_ENOSYS : handler(call);
}

void hypercall_entry(Vcpu& vcpu) {
  if (vcpu.pv != nullptr && !pv_in_kernel(vcpu)) {
    reflect_syscall(vcpu);
    return;
  }
  Call call = read_call(vcpu);
  if (vcpu.pv == nullptr && !hvm_may_call(vcpu, call)) {
    write_result(vcpu, -XEN_EPERM);
    return;
  }
  vcpu.continuation = false;
  const int64_t result = is_long_mode(vcpu) ? hypercall_dispatch(call) : compat_dispatch(call);
  if (!vcpu.continuation) write_result(vcpu, result);
}

}  // namespace hv
