#include "fuzz/targets/guests/call_batch.hpp"

#include <cstddef>

namespace assay::fuzz {
namespace {

/// Of the hypercall page. Source: public/xen.h, "HYPERCALLS".
constexpr uint64_t kEntryBytes = 32;

/// rbp: the next BatchedCall, r12: how many are left, r13: the page of arguments. Hypercalls change none of them.
constexpr std::array<uint8_t, 60> kLoop{
    0x48, 0x8b, 0x45, 0x30, 0x49, 0x89, 0x45, 0x00,  // mov 0x30(%rbp), %rax; mov %rax, 0(%r13)
    0x48, 0x8b, 0x45, 0x38, 0x49, 0x89, 0x45, 0x08,  // mov 0x38(%rbp), %rax; mov %rax, 8(%r13)
    0x48, 0x8b, 0x45, 0x40, 0x49, 0x89, 0x45, 0x10,  // mov 0x40(%rbp), %rax; mov %rax, 16(%r13)
    0x48, 0x8b, 0x7d, 0x08, 0x48, 0x8b, 0x75, 0x10,  // mov 0x08(%rbp), %rdi; mov 0x10(%rbp), %rsi
    0x48, 0x8b, 0x55, 0x18, 0x4c, 0x8b, 0x55, 0x20,  // mov 0x18(%rbp), %rdx; mov 0x20(%rbp), %r10
    0x4c, 0x8b, 0x45, 0x28, 0x45, 0x31, 0xc9,        // mov 0x28(%rbp), %r8; xor %r9d, %r9d
    0xff, 0x55, 0x00,                                // call *0(%rbp)
    0x48, 0x83, 0xc5, 0x48,                          // add $72, %rbp
    0x49, 0xff, 0xcc, 0x75, 0xc5,                    // dec %r12; jnz kLoop
    0xc3};                                           // ret
static_assert(offsetof(BatchedCall, entry) == 0 && offsetof(BatchedCall, value) == 0x08);
static_assert(offsetof(BatchedCall, data) == 0x30 && kCallDataBytes == 24 && sizeof(BatchedCall) == 72);
static_assert(kCallsMax * sizeof(BatchedCall) <= kPageSize);

}  // namespace

CallBatch::CallBatch(Domain& domain, Gva arguments)
    : domain_(&domain), arguments_(arguments), code_(domain.alloc_pages(3)) {
  table_ = code_ + kPageSize;
  stack_end_ = code_ + 3 * kPageSize;
  domain.vcpu(0).write(code_, kLoop);
}

BatchedCall CallBatch::with_entry(uint8_t number) const {
  return {domain_->space().layout.hypercall_page + number * kEntryBytes, {}, {}};
}

bool CallBatch::run(std::span<const BatchedCall> calls, uint64_t patience_ns) {
  Vcpu& vcpu = domain_->vcpu(0);
  if (vcpu.write_bytes(table_, std::as_bytes(calls))) return false;
  assay_registers registers{};
  registers.rbx = code_.raw();
  registers.rsp = stack_end_.raw();
  registers.rbp = table_.raw();
  registers.r12 = calls.size();
  registers.r13 = arguments_.raw();
  vcpu.start_instruction(ASSAY_INSTRUCTION_CALL, registers);
  const auto execution = vcpu.finish_instruction(patience_ns);
  return execution && execution->entry == ASSAY_ENTRY_LANDING;
}

}  // namespace assay::fuzz
