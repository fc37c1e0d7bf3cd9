/// XEN_DOMCTL_shadow_op as a control domain issues it, on a domain of at most kBitsMax frames.
#pragma once

#include <vector>

#include "conformance/guest/control_ops.hpp"

namespace assay {

/// `bitmap` is what the hypervisor wrote, on top of bytes that were all kUntouchedByte.
struct DirtyPages {
  int64_t result;
  uint64_t pages;
  xen_domctl_shadow_op_stats stats;
  std::vector<uint8_t> bitmap;
  [[nodiscard]] bool has(Pfn pfn) const { return (bitmap[pfn.raw() / 8] >> (pfn.raw() % 8) & 1) != 0; }
};

class LogDirtyOps {
 public:
  static constexpr uint64_t kBitsMax = kPageSize * 8;

  LogDirtyOps(Vcpu& vcpu, DomId dom) : ops_(vcpu), buffer_(vcpu), dom_(dom) {}

  int64_t enable() { return simple(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY); }
  int64_t off() { return simple(XEN_DOMCTL_SHADOW_OP_OFF); }
  int64_t simple(uint32_t operation, uint32_t mode = 0) { return call(operation, mode, 0, Gva{0}).result; }
  DirtyPages peek(uint64_t pages, uint32_t mode = 0) { return bits(XEN_DOMCTL_SHADOW_OP_PEEK, pages, mode); }
  DirtyPages clean(uint64_t pages, uint32_t mode = 0) { return bits(XEN_DOMCTL_SHADOW_OP_CLEAN, pages, mode); }
  [[nodiscard]] xen_domctl_t request(uint32_t operation, uint32_t mode, uint64_t pages, Gva bitmap) const;
  Called<xen_domctl_t> call(uint32_t operation, uint32_t mode, uint64_t pages, Gva bitmap);

 private:
  DirtyPages bits(uint32_t operation, uint64_t pages, uint32_t mode);
  DomctlOps ops_;
  Scratch buffer_;
  DomId dom_;
};

}  // namespace assay
