/// What a toolstack saves of a vCPU besides its context: extended context, XSAVE area, MSRs.
#pragma once

#include <cstddef>
#include <vector>

#include "conformance/guest/control_ops.hpp"

namespace assay {

class VcpuStateOps {
 public:
  static constexpr uint64_t kBufferBytes = 4 * kPageSize;
  static constexpr uint64_t kXsaveHeaderBytes = 2 * sizeof(uint64_t);  ///< xcr0 and xcr0_accum

  VcpuStateOps(Vcpu& vcpu, DomId dom) : ops_(vcpu), buffer_(vcpu, kBufferBytes / kPageSize), dom_(dom) {}

  Called<xen_domctl_t> extended(uint32_t vcpu);
  /// As `state` says, its size included.
  int64_t set_extended(const xen_domctl_ext_vcpucontext& state);

  /// getvcpuextstate without a buffer: how much room it takes, and of which features.
  Called<xen_domctl_t> xsave_size(uint32_t vcpu) { return xsave(vcpu, 0, 0, Gva{0}); }
  Called<xen_domctl_t> xsave(uint32_t vcpu, uint64_t bytes, uint64_t features) {
    return xsave(vcpu, bytes, features, buffer_.va());
  }
  Called<xen_domctl_t> xsave(uint32_t vcpu, uint64_t bytes, uint64_t features, Gva buffer);
  int64_t set_xsave(uint32_t vcpu, const std::vector<uint64_t>& words, uint64_t bytes);

  /// get_vcpu_msrs with room for `count` entries; a null handle when `with_buffer` is false.
  Called<xen_domctl_t> msrs(uint32_t vcpu, uint32_t count, bool with_buffer = true);
  Called<xen_domctl_t> set_msrs(uint32_t vcpu, const std::vector<xen_domctl_vcpu_msr_t>& entries);

  /// What the last call left in the buffer.
  template <typename T>
  [[nodiscard]] std::vector<T> buffer(uint64_t count) const {
    std::vector<T> read;
    for (uint64_t i = 0; i < count; ++i) read.push_back(buffer_.get<T>(i * sizeof(T)));
    return read;
  }

 private:
  void untouched() const;
  template <typename T>
  void put(const std::vector<T>& values) {
    for (size_t i = 0; i < values.size(); ++i) buffer_.put(values[i], i * sizeof(T));
  }
  DomctlOps ops_;
  Scratch buffer_;
  DomId dom_;
};

}  // namespace assay
