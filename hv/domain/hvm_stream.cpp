#include "hv/domain/hvm_stream.hpp"

#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/domain/context.hpp"

namespace hv {

namespace {

constexpr uint16_t kTypeEnd = HVM_SAVE_CODE(END);
constexpr uint16_t kTypeHeader = HVM_SAVE_CODE(HEADER);
constexpr uint16_t kTypeCpu = HVM_SAVE_CODE(CPU);

bool is_up(const Vcpu* vcpu) {
  return vcpu != nullptr && (vcpu->pause_flags & kPauseDown) == 0;
}

template <typename Body>
uint64_t put_record(uint8_t* data, uint16_t type, uint16_t instance, const Body& body, uint32_t bytes = sizeof(Body)) {
  const hvm_save_descriptor descriptor{type, instance, bytes};
  std::memcpy(data, &descriptor, sizeof descriptor);
  std::memcpy(data + sizeof descriptor, &body, bytes);
  return sizeof descriptor + bytes;
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

/// Older writers had a shorter record: what it lacks is zero.
Status load_cpu(Domain& domain, const hvm_save_descriptor& descriptor, Reader& reader) {
  Vcpu* vcpu = descriptor.instance < domain.max_vcpus ? domain.vcpus[descriptor.instance] : nullptr;
  hvm_hw_cpu record{};
  constexpr uint32_t kOldest = offsetof(hvm_hw_cpu, flags);
  if (vcpu == nullptr || vcpu->info == nullptr || descriptor.length < kOldest ||
      (descriptor.length > sizeof record && !fault("domctl.long_record_accepted")) ||
      !reader.take(&record, descriptor.length)) {
    return fail(XEN_EINVAL);
  }
  return load_hvm_cpu(*vcpu, record);
}

Status load_record(Domain& domain, const hvm_save_descriptor& descriptor, Reader& reader) {
  if (descriptor.typecode == kTypeCpu) return load_cpu(domain, descriptor, reader);
  if (descriptor.typecode == kTypeHeader || descriptor.typecode > HVM_SAVE_CODE_MAX) return fail(XEN_EINVAL);
  return reader.skip(descriptor.length) ? kOk : fail(XEN_EINVAL);
}

}  // namespace

uint64_t hvm_save_bytes(const Domain& domain) {
  constexpr uint64_t kPerCpu = sizeof(hvm_save_descriptor) + sizeof(hvm_hw_cpu);
  return 2 * sizeof(hvm_save_descriptor) + sizeof(hvm_save_header) + domain.max_vcpus * kPerCpu;
}

uint64_t hvm_save(const Domain& domain, uint8_t* data) {
  uint8_t* const start = data;
  data += put_record(data, kTypeHeader, 0, header());
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (!is_up(domain.vcpus[i])) continue;
    hvm_hw_cpu record;
    save_hvm_cpu(*domain.vcpus[i], record);
    data += put_record(data, kTypeCpu, static_cast<uint16_t>(i), record);
  }
  data += put_record(data, kTypeEnd, 0, hvm_save_end{}, 0);
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

Result<uint64_t> hvm_save_one(const Domain& domain, uint32_t type, uint32_t instance, uint8_t* data) {
  if (type != kTypeCpu) return fail(XEN_EINVAL);
  const Vcpu* vcpu = instance < domain.max_vcpus ? domain.vcpus[instance] : nullptr;
  if (vcpu == nullptr) return fail(XEN_ENOENT);
  if (!is_up(vcpu)) return fail(XEN_ENODATA);
  hvm_hw_cpu record;
  save_hvm_cpu(*vcpu, record);
  std::memcpy(data, &record, sizeof record);
  return uint64_t{sizeof record};
}

}  // namespace hv
