/// What a save stream of an HVM domain consists of, record by record. Source: public/arch-x86/hvm/save.h.
#pragma once

#include <span>

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

struct HvmRecordType {
  enum class Of : uint8_t { kVcpu, kUpVcpu, kDomain };
  uint16_t code;
  uint32_t bytes;
  Of of;
  bool shorter_is_zero;  ///< what a shorter record lacks is zero
  int too_long;          ///< the error for a longer one
  /// `data` has `bytes`. `vcpu` is null for records of the domain.
  void (*save)(const Domain& domain, const Vcpu* vcpu, uint8_t* data);
  Status (*load)(Domain& domain, Vcpu* vcpu, const uint8_t* data);
};

/// Those that this machine has state for, in the order of the stream.
[[nodiscard]] std::span<const HvmRecordType> hvm_record_types();
[[nodiscard]] const HvmRecordType* hvm_record_type(uint32_t code);
constexpr uint64_t kHvmRecordBytesMax = 1040;

/// What a record means that belongs to something which an HVM domain here has not.
enum class HvmAbsence : uint8_t {
  kNone,     ///< nobody knows such a record
  kDevice,   ///< no such device: ENODEV when it is loaded, ENOENT when it is asked for
  kIgnored,  ///< of an interface that is off: dropped; ENOENT
  kXsave,    ///< EOPNOTSUPP; nothing to save: ENODATA
  kMsrs,     ///< of registers that there are not; ENODATA
};
[[nodiscard]] HvmAbsence hvm_absence(uint32_t code);

/// The list of MSRs in a record of `bytes`. Errors, in order: EINVAL too short; EOPNOTSUPP it does not fill the
/// record, or reserved bits; ENXIO no such register.
Status check_hvm_msrs(const uint8_t* data, uint64_t bytes);

}  // namespace hv
