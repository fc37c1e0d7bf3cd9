#include "sim/toolstack/migration/dirty_log.hpp"

#include "sim/toolstack/error.hpp"
#include "sim/toolstack/migration/fault.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

DirtyLog::DirtyLog(const toolstack::Privileged& dom0, DomId domain) : dom0_(&dom0), domain_(domain) {
  xen_domctl op = request(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
  must_domctl(op, "enable_logdirty");
  is_on_ = true;
}

DirtyLog::~DirtyLog() {
  if (fault("save.tracking_goes_on")) return;
  try {
    stop();
  } catch (const ToolstackError&) {
  }
}

xen_domctl DirtyLog::request(uint32_t operation) const {
  xen_domctl op = toolstack::make_domctl(XEN_DOMCTL_shadow_op, domain_);
  op.u.shadow_op.op = operation;
  return op;
}

void DirtyLog::must_domctl(xen_domctl& op, const char* name) const {
  toolstack::must(dom0_->domctl(op), "shadow_op " + std::string(name) + " of domain " + std::to_string(domain_.raw()));
}

std::vector<uint64_t> DirtyLog::harvest(uint64_t pages) {
  constexpr uint64_t kBits = 64;
  std::vector<uint64_t> bitmap((pages + kBits - 1) / kBits);
  if (bitmap.size() * sizeof(uint64_t) > toolstack::Privileged::kBufferBytes) {
    throw ToolstackError("a domain of " + std::to_string(pages) + " pages is too large for the toolstack's buffer");
  }
  dom0_->write_buffer(std::as_bytes(std::span(bitmap)));
  xen_domctl op = request(XEN_DOMCTL_SHADOW_OP_CLEAN);
  op.u.shadow_op.pages = pages;
  toolstack::set_handle(op.u.shadow_op.dirty_bitmap, dom0_->buffer());
  must_domctl(op, "clean");
  counted_ = op.u.shadow_op.stats.dirty_count;
  dom0_->read_buffer(std::as_writable_bytes(std::span(bitmap)));
  std::vector<uint64_t> pfns;
  for (uint64_t pfn = 0; pfn < pages; ++pfn) {
    if ((bitmap[pfn / kBits] >> pfn % kBits & 1) != 0) pfns.push_back(pfn);
  }
  return pfns;
}

void DirtyLog::stop() {
  if (!is_on_) return;
  xen_domctl op = request(XEN_DOMCTL_SHADOW_OP_OFF);
  must_domctl(op, "off");
  is_on_ = false;
}

}  // namespace assay::migration
