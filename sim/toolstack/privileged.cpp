#include "sim/toolstack/privileged.hpp"

#include <cstring>

namespace assay::toolstack {

namespace {

void must_access(const std::optional<assay_fault>& fault) {
  if (fault) throw HarnessFault("a buffer of the privileged domain is not accessible");
}

}  // namespace

Privileged::Privileged(Domain& dom0)
    : dom0_(&dom0), argument_(dom0.alloc_pages(1)), buffer_(dom0.alloc_pages(kBufferPages)) {}

void Privileged::write_buffer(std::span<const std::byte> bytes) const {
  if (bytes.size() > kBufferBytes) throw HarnessFault("the buffer of the toolstack is too small");
  must_access(vcpu().write_bytes(buffer_, bytes));
}

void Privileged::read_buffer(std::span<std::byte> bytes) const {
  if (bytes.size() > kBufferBytes) throw HarnessFault("the buffer of the toolstack is too small");
  must_access(vcpu().read_bytes(buffer_, bytes));
}

int64_t Privileged::domctl(xen_domctl& op) const {
  vcpu().write(argument_, op);
  const int64_t result = call(__HYPERVISOR_domctl, {argument_.raw()});
  if (result >= 0) op = vcpu().read<xen_domctl>(argument_);
  return result;
}

int64_t Privileged::sysctl(xen_sysctl& op) const {
  vcpu().write(argument_, op);
  const int64_t result = call(__HYPERVISOR_sysctl, {argument_.raw()});
  if (result >= 0) op = vcpu().read<xen_sysctl>(argument_);
  return result;
}

xen_domctl make_domctl(uint32_t command, DomId domain) {
  xen_domctl op;
  std::memset(&op, 0, sizeof op);
  op.cmd = command;
  op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
  op.domain = domain.raw();
  return op;
}

xen_sysctl make_sysctl(uint32_t command) {
  xen_sysctl op;
  std::memset(&op, 0, sizeof op);
  op.cmd = command;
  op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
  return op;
}

}  // namespace assay::toolstack
