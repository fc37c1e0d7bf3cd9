#include "hv/domain/memory_types.hpp"

#include <algorithm>
#include <array>

#include "hv/base/fault.hpp"
#include "hv/domain/cpuid.hpp"

namespace hv {

namespace {

constexpr uint64_t kVariableFirst = 0x200;
constexpr uint64_t kDefault = 0x2ff;
constexpr std::array<uint64_t, kMtrrFixedRanges> kFixed{0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                                        0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
constexpr uint64_t kTypeMask = 0xff;
constexpr uint64_t kDefaultEnables = 3u << 10;
constexpr uint64_t kMaskValid = 1u << 11;

bool is_type(uint64_t type) {
  return type <= 1 || (type >= 4 && type <= 6);
}

uint64_t address_mask() {
  return ((uint64_t{1} << machine_address_bits()) - 1) & ~(kPageSize - 1);
}

bool fits(uint64_t index, uint64_t value) {
  if (index == kDefault) return (value & ~(kTypeMask | kDefaultEnables)) == 0 && is_type(value & kTypeMask);
  if (index >= kFixed.front()) {
    for (unsigned byte = 0; byte < sizeof value; ++byte) {
      if (!is_type(value >> (byte * 8) & kTypeMask)) return false;
    }
    return true;
  }
  const bool is_mask = index % 2 == 1;
  if (is_mask) return (value & ~(address_mask() | kMaskValid)) == 0;
  return (value & ~(address_mask() | kTypeMask)) == 0 && is_type(value & kTypeMask);
}

const uint64_t* place(const HvmState& hvm, uint64_t index) {
  if (index == kDefault) return &hvm.mtrr_default;
  if (index - kVariableFirst < std::size(hvm.mtrr_variable)) return &hvm.mtrr_variable[index - kVariableFirst];
  const auto* const fixed = std::ranges::find(kFixed, index);
  return fixed != kFixed.end() ? &hvm.mtrr_fixed[fixed - kFixed.begin()] : nullptr;
}

}  // namespace

bool read_memory_type(const Vcpu& vcpu, uint64_t index, uint64_t& value) {
  const uint64_t* const from = vcpu.pv == nullptr ? place(vcpu.hvm, index) : nullptr;
  if (from == nullptr) return false;
  value = *from;
  return true;
}

bool write_memory_type(Vcpu& vcpu, uint64_t index, uint64_t value) {
  const uint64_t* const to = vcpu.pv == nullptr ? place(vcpu.hvm, index) : nullptr;
  if (to == nullptr || !fits(index, value)) return false;
  *const_cast<uint64_t*>(to) = value;
  return true;
}

void save_memory_types(const Vcpu& vcpu, hvm_hw_mtrr& record) {
  const HvmState& hvm = vcpu.hvm;
  record = {};
  record.msr_pat_cr = hvm.pat;
  std::ranges::copy(hvm.mtrr_variable, record.msr_mtrr_var);
  std::ranges::copy(hvm.mtrr_fixed, record.msr_mtrr_fixed);
  record.msr_mtrr_cap = kMtrrCapabilityBits;
  record.msr_mtrr_def_type = hvm.mtrr_default;
}

Status load_memory_types(Vcpu& vcpu, const hvm_hw_mtrr& record) {
  if ((record.msr_mtrr_cap & kTypeMask) > kMtrrVariableRanges) return fail(XEN_EINVAL);
  vcpu.hvm.pat = record.msr_pat_cr;
  for (size_t i = 0; i < std::size(record.msr_mtrr_var); ++i) {
    static_cast<void>(write_memory_type(vcpu, kVariableFirst + i, record.msr_mtrr_var[i]));
  }
  for (size_t i = 0; i < kFixed.size(); ++i) {
    static_cast<void>(write_memory_type(vcpu, kFixed[i], record.msr_mtrr_fixed[i]));
  }
  if (!fault("hvm.memory_types_half_loaded")) {
    static_cast<void>(write_memory_type(vcpu, kDefault, record.msr_mtrr_def_type));
  }
  return kOk;
}

}  // namespace hv
