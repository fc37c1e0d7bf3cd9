#include "hv/domain/hvm_stream.hpp"

#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/domain/hvm_records.hpp"

namespace hv {

namespace {

constexpr uint16_t kTypeEnd = HVM_SAVE_CODE(END);
constexpr uint16_t kTypeHeader = HVM_SAVE_CODE(HEADER);
constexpr uint16_t kTypeCpu = HVM_SAVE_CODE(CPU);

using Of = HvmRecordType::Of;

bool is_up(const Vcpu& vcpu) {
  return (vcpu.pause_flags & kPauseDown) == 0;
}

/// Descriptors are not aligned.
uint8_t* put_descriptor(uint8_t* data, uint16_t type, uint16_t instance, uint32_t bytes) {
  const hvm_save_descriptor descriptor{type, instance, bytes};
  std::memcpy(data, &descriptor, sizeof descriptor);
  return data + sizeof descriptor;
}

uint8_t* put_record(uint8_t* data, const HvmRecordType& type, const Domain& domain, const Vcpu* vcpu) {
  data = put_descriptor(data, type.code, static_cast<uint16_t>(vcpu != nullptr ? vcpu->id : 0), type.bytes);
  type.save(domain, vcpu, data);
  return data + type.bytes;
}

/// A record for each vCPU that has one, or one for the domain.
uint8_t* put_records(uint8_t* data, const HvmRecordType& type, const Domain& domain) {
  if (type.of == Of::kDomain) return put_record(data, type, domain, nullptr);
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    const Vcpu* const vcpu = domain.vcpus[i];
    if (vcpu != nullptr && (type.of == Of::kVcpu || is_up(*vcpu))) data = put_record(data, type, domain, vcpu);
  }
  return data;
}

hvm_save_header header() {
  hvm_save_header header{};
  header.magic = HVM_FILE_MAGIC;
  header.version = HVM_FILE_VERSION;
  header.gtsc_khz = host().tsc_khz;
  return header;
}

/// Walks over a stream in memory.
class Reader {
 public:
  Reader(const uint8_t* data, uint64_t bytes) : data_(data), left_(bytes) {}

  bool descriptor(hvm_save_descriptor& out) { return take(&out, sizeof out); }
  bool take(void* to, uint64_t bytes) {
    if (bytes > left_) return false;
    std::memcpy(to, data_, bytes);
    return skip(bytes);
  }
  /// The bytes of what was skipped; null when there are not so many.
  const uint8_t* body(uint64_t bytes) {
    const uint8_t* const at = data_;
    return skip(bytes) ? at : nullptr;
  }
  bool skip(uint64_t bytes) {
    if (bytes > left_) return false;
    data_ += bytes;
    left_ -= bytes;
    return true;
  }

 private:
  const uint8_t* data_;
  uint64_t left_;
};

Status load_header(Reader& reader) {
  hvm_save_descriptor descriptor;
  hvm_save_header header;
  if (!reader.descriptor(descriptor) || descriptor.typecode != kTypeHeader || descriptor.length != sizeof header ||
      !reader.take(&header, sizeof header)) {
    return fail(XEN_ENODATA);
  }
  if (header.magic != HVM_FILE_MAGIC || header.version != HVM_FILE_VERSION) return fail(XEN_EINVAL);
  return kOk;
}

/// The vCPU that a record is about must be one that a CPU record could bring up.
Vcpu* vcpu_of(Domain& domain, const HvmRecordType& type, uint32_t instance) {
  Vcpu* const vcpu = instance < domain.max_vcpus ? domain.vcpus[instance] : nullptr;
  return vcpu != nullptr && (type.of == Of::kVcpu || vcpu->info != nullptr) ? vcpu : nullptr;
}

/// Writers before 4.7 had a shorter CPU record, but none shorter than this.
uint32_t bytes_min(const HvmRecordType& type) {
  if (type.code == kTypeCpu) return offsetof(hvm_hw_cpu, flags);
  return type.shorter_is_zero ? 0 : type.bytes;
}

Status load_known(Domain& domain, const HvmRecordType& type, const hvm_save_descriptor& descriptor, Reader& reader) {
  Vcpu* const vcpu = type.of != Of::kDomain ? vcpu_of(domain, type, descriptor.instance) : nullptr;
  if (type.of != Of::kDomain && vcpu == nullptr) return fail(XEN_EINVAL);
  if (descriptor.length > type.bytes && !fault("domctl.long_record_accepted")) return fail(type.too_long);
  if (descriptor.length < bytes_min(type)) return fail(XEN_EINVAL);
  uint8_t data[kHvmRecordBytesMax] = {};
  if (!reader.take(data, descriptor.length)) return fail(XEN_EINVAL);
  return type.load(domain, vcpu, data);
}

/// Of something that no domain here has.
Status load_absent(const Domain& domain, const hvm_save_descriptor& descriptor, Reader& reader) {
  const uint8_t* const body = reader.body(descriptor.length);
  if (body == nullptr) return fail(XEN_EINVAL);
  const bool has_vcpu = descriptor.instance < domain.max_vcpus && domain.vcpus[descriptor.instance] != nullptr;
  switch (hvm_absence(descriptor.typecode)) {
    case HvmAbsence::kDevice:
      return fail(XEN_ENODEV);
    case HvmAbsence::kIgnored:
      return kOk;
    case HvmAbsence::kXsave:
      return fail(has_vcpu ? XEN_EOPNOTSUPP : XEN_EINVAL);
    case HvmAbsence::kMsrs:
      return has_vcpu ? check_hvm_msrs(body, descriptor.length) : fail(XEN_EINVAL);
    default:
      return fail(XEN_EINVAL);
  }
}

Status load_record(Domain& domain, const hvm_save_descriptor& descriptor, Reader& reader) {
  const HvmRecordType* const type = hvm_record_type(descriptor.typecode);
  return type != nullptr ? load_known(domain, *type, descriptor, reader) : load_absent(domain, descriptor, reader);
}

/// Why there is no record of a type that no domain here has.
int missing(const Domain& domain, uint32_t type, uint32_t instance) {
  const HvmAbsence absence = hvm_absence(type);
  if (absence == HvmAbsence::kNone) return XEN_EINVAL;
  const bool is_of_vcpu =
      absence == HvmAbsence::kXsave || absence == HvmAbsence::kMsrs || type == HVM_SAVE_CODE(VIRIDIAN_VCPU);
  return is_of_vcpu && instance < domain.max_vcpus ? XEN_ENODATA : XEN_ENOENT;
}

}  // namespace

uint64_t hvm_save_bytes(const Domain& domain) {
  uint64_t bytes = 2 * sizeof(hvm_save_descriptor) + sizeof(hvm_save_header);
  for (const HvmRecordType& type : hvm_record_types()) {
    bytes += (type.of == Of::kDomain ? 1 : domain.max_vcpus) * (sizeof(hvm_save_descriptor) + type.bytes);
  }
  return bytes;
}

uint64_t hvm_save(const Domain& domain, uint8_t* data) {
  uint8_t* const start = data;
  const hvm_save_header first = header();
  data = put_descriptor(data, kTypeHeader, 0, sizeof first);
  std::memcpy(data, &first, sizeof first);
  data += sizeof first;
  for (const HvmRecordType& type : hvm_record_types()) data = put_records(data, type, domain);
  data = put_descriptor(data, kTypeEnd, 0, 0);
  return static_cast<uint64_t>(data - start);
}

Status hvm_load(Domain& domain, const uint8_t* data, uint64_t bytes) {
  if (domain.dying != DyingState::kAlive) return fail(XEN_EINVAL);
  Reader reader(data, bytes);
  if (const Status status = load_header(reader); !status.ok()) return status;
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr && !fault("domctl.old_context_not_down")) vcpu_pause(*domain.vcpus[i], kPauseDown);
  }
  while (true) {
    hvm_save_descriptor descriptor;
    if (!reader.descriptor(descriptor)) return fail(XEN_ENODATA);
    if (descriptor.typecode == kTypeEnd) return kOk;
    if (const Status status = load_record(domain, descriptor, reader); !status.ok()) return status;
  }
}

Result<uint64_t> hvm_save_one(const Domain& domain, uint32_t type_code, uint32_t instance, uint8_t* data) {
  const HvmRecordType* const type = hvm_record_type(type_code);
  if (type == nullptr) return fail(missing(domain, type_code, instance));
  const Vcpu* vcpu = nullptr;
  if (type->of == Of::kDomain) {
    if (instance != 0) return fail(XEN_ENOENT);
  } else {
    vcpu = instance < domain.max_vcpus ? domain.vcpus[instance] : nullptr;
    if (vcpu == nullptr) return fail(XEN_ENOENT);
    if (type->of == Of::kUpVcpu && !is_up(*vcpu)) return fail(XEN_ENODATA);
  }
  type->save(domain, vcpu, data);
  return uint64_t{type->bytes};
}

}  // namespace hv
