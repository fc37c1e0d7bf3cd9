#include "hv/hypercall/registers.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"

namespace hv {

namespace {

using Register = uint64_t assay_regs::*;
using Convention = std::array<Register, 6>;

constexpr Convention k64 = {&assay_regs::rdi, &assay_regs::rsi, &assay_regs::rdx,
                            &assay_regs::r10, &assay_regs::r8,  &assay_regs::r9};
constexpr Convention k32 = {&assay_regs::rbx, &assay_regs::rcx, &assay_regs::rdx,
                            &assay_regs::rsi, &assay_regs::rdi, &assay_regs::rbp};

}  // namespace

bool is_long_mode(const Vcpu& vcpu) {
  return vcpu.pv != nullptr || vcpu.regs.code_bits == 64;
}

Call read_call(Vcpu& vcpu) {
  const assay_regs& regs = vcpu.regs;
  if (!is_long_mode(vcpu)) {
    Call call{vcpu, static_cast<uint32_t>(regs.rax), {}};
    const uint64_t kept = fault("entry.upper_halves_kept") ? ~uint64_t{0} : UINT32_MAX;
    for (size_t i = 0; i < k32.size(); ++i) call.arg[i] = regs.*k32[i] & kept;
    return call;
  }
  // All of rax counts: a number with upper bits set does not exist.
  const uint32_t number =
      regs.rax > UINT32_MAX && !fault("entry.number_truncated") ? UINT32_MAX : static_cast<uint32_t>(regs.rax);
  return {vcpu, number, {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9}};
}

void write_result(Vcpu& vcpu, int64_t result) {
  const auto value = static_cast<uint64_t>(result);
  vcpu.regs.rax = is_long_mode(vcpu) ? value : value & UINT32_MAX;
}

void rewind_call(Vcpu& vcpu, uint64_t number, std::initializer_list<uint64_t> args) {
  assay_regs& regs = vcpu.regs;
  HV_ASSERT(args.size() <= k64.size());
  const Convention& convention = is_long_mode(vcpu) ? k64 : k32;
  size_t i = 0;
  for (const uint64_t arg : args) regs.*convention[i++] = arg;
  regs.rax = number;
  regs.rip -= vcpu.pv != nullptr ? kPvInstructionBytes : kHvmInstructionBytes;
}

}  // namespace hv
