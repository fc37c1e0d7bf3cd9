#include "hv/domain/hvm_apic.hpp"

#include <cstring>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"

namespace hv {

namespace {

// Offsets of registers, 32 bits each, 16 bytes apart. Source: AMD64 manual, volume 2, 16.3.2.
enum Register : uint32_t {
  kId = 0x20,
  kVersion = 0x30,
  kPriority = 0x80,
  kDestinationFormat = 0xe0,
  kSpurious = 0xf0,
  kInService = 0x100,
  kRequested = 0x200,
  kLocalVectorFirst = 0x320,
  kLocalVectorLast = 0x370,
};
constexpr uint32_t kRegisterBytes = 0x10;
constexpr uint32_t kMasked = 1u << 16;
constexpr uint32_t kDisabledByBase = 1, kDisabledBySoftware = 2;  ///< hvm_hw_lapic.disabled
constexpr uint32_t kDivisorReset = 2;

uint32_t get(const hvm_hw_lapic_regs& registers, uint32_t at) {
  uint32_t value;
  std::memcpy(&value, &registers.data[at], sizeof value);
  return value;
}

void put(hvm_hw_lapic_regs& registers, uint32_t at, uint64_t value) {
  const auto low = static_cast<uint32_t>(value);
  std::memcpy(&registers.data[at], &low, sizeof low);
}

/// One of the registers that have a bit for each vector.
uint32_t word_of(uint32_t first, uint64_t vector) {
  return first + static_cast<uint32_t>(vector / 32) * kRegisterBytes;
}

bool has_vector(const hvm_hw_lapic_regs& registers, uint32_t first, uint64_t vector) {
  return vector != 0 && (get(registers, word_of(first, vector)) >> (vector % 32) & 1) != 0;
}

void put_vector(hvm_hw_lapic_regs& registers, uint32_t first, uint64_t vector, bool is_set) {
  if (vector == 0) return;
  const uint32_t at = word_of(first, vector);
  const uint32_t bit = 1u << (vector % 32);
  put(registers, at, is_set ? get(registers, at) | bit : get(registers, at) & ~bit);
}

void after_reset(hvm_hw_lapic_regs& registers) {
  put(registers, kDestinationFormat, ~uint64_t{0});
  for (uint32_t at = kLocalVectorFirst; at <= kLocalVectorLast; at += kRegisterBytes) put(registers, at, kMasked);
}

bool is_extended(const HvmState& hvm) {
  return (hvm.apic_base & kApicBaseExtended) != 0;
}

}  // namespace

void save_apic(const Vcpu& vcpu, hvm_hw_lapic& record) {
  record = {};
  record.apic_base_msr = vcpu.hvm.apic_base;
  if ((vcpu.hvm.apic_base & kApicBaseEnable) == 0) record.disabled |= kDisabledByBase;
  if ((vcpu.hvm.apic_spurious & kApicSoftwareEnable) == 0) record.disabled |= kDisabledBySoftware;
  record.timer_divisor = kDivisorReset;
}

Status load_apic(Vcpu& vcpu, const hvm_hw_lapic& record) {
  const bool enabled = (record.apic_base_msr & kApicBaseEnable) != 0;
  if ((record.apic_base_msr & kApicBaseExtended) != 0 && !enabled) return fail(XEN_EINVAL);
  vcpu.hvm.apic_base = record.apic_base_msr;
  return kOk;
}

void save_apic_registers(const Vcpu& vcpu, hvm_hw_lapic_regs& record) {
  const HvmState& hvm = vcpu.hvm;
  record = {};
  if (hvm.apic_registers != nullptr) {
    record = *hvm.apic_registers;
  } else {
    after_reset(record);
  }
  // An APIC id has room for a second thread, which does not exist.
  put(record, kId, is_extended(hvm) ? vcpu.id * 2 : vcpu.id * 2 << 24);
  put(record, kVersion, kApicVersion);
  put(record, kPriority, hvm.apic_priority);
  put(record, kSpurious, hvm.apic_spurious);
  put_vector(record, kRequested, hvm.upcall_vector, hvm.pending_vector);
  put_vector(record, kInService, hvm.upcall_vector, hvm.in_service);
}

Status load_apic_registers(Vcpu& vcpu, const hvm_hw_lapic_regs& record) {
  HvmState& hvm = vcpu.hvm;
  if (hvm.apic_registers == nullptr) hvm.apic_registers = arena_new<hvm_hw_lapic_regs>();
  if (hvm.apic_registers == nullptr) return fail(XEN_EINVAL);  // the stream has one answer for every failure
  *hvm.apic_registers = record;
  hvm.apic_priority = get(record, kPriority) & 0xff;
  hvm.apic_spurious = get(record, kSpurious);
  if (!fault("hvm.requested_vector_lost")) hvm.pending_vector = has_vector(record, kRequested, hvm.upcall_vector);
  hvm.in_service = has_vector(record, kInService, hvm.upcall_vector);
  return kOk;
}

}  // namespace hv
