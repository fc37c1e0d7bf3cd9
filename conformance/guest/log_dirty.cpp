#include "conformance/guest/log_dirty.hpp"

#include <span>

namespace assay {

xen_domctl_t LogDirtyOps::request(uint32_t operation, uint32_t mode, uint64_t pages, Gva bitmap) const {
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_shadow_op, dom_);
  request.u.shadow_op.op = operation;
  request.u.shadow_op.mode = mode;
  request.u.shadow_op.pages = pages;
  set_handle(request.u.shadow_op.dirty_bitmap, bitmap);
  request.u.shadow_op.stats = {kUntouched32, kUntouched32};
  return request;
}

Called<xen_domctl_t> LogDirtyOps::call(uint32_t operation, uint32_t mode, uint64_t pages, Gva bitmap) {
  return ops_.call(request(operation, mode, pages, bitmap));
}

DirtyPages LogDirtyOps::bits(uint32_t operation, uint64_t pages, uint32_t mode) {
  if (pages > kBitsMax) throw HarnessFault("more pages than LogDirtyOps::kBitsMax");
  Vcpu& vcpu = buffer_.vcpu();
  if (vcpu.fill(buffer_.va(), kPageSize, kUntouchedByte)) throw HarnessFault("cannot prepare the bitmap");
  const auto done = call(operation, mode, pages, buffer_.va());
  const xen_domctl_shadow_op& op = done.arg.u.shadow_op;
  DirtyPages got{done.result, op.pages, op.stats, std::vector<uint8_t>(kPageSize)};
  if (vcpu.read_bytes(buffer_.va(), std::as_writable_bytes(std::span(got.bitmap)))) {
    throw HarnessFault("cannot read the bitmap");
  }
  return got;
}

}  // namespace assay
