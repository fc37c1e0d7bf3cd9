#include "sim/toolstack/shared_info.hpp"

#include <array>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {

void init_shared_info(const Privileged& dom0, ForeignWindow& window, DomId domain, uint64_t frame) {
  std::array<vcpu_info, XEN_LEGACY_MAX_VCPUS> vcpus{};
  for (vcpu_info& vcpu : vcpus) vcpu.evtchn_upcall_mask = 1;
  const Gva va = window.map(domain, std::span(&frame, 1));
  if (dom0.vcpu().write_bytes(va, std::as_bytes(std::span(vcpus)))) {
    throw ToolstackError("shared_info was mapped but is not writable");
  }
}

}  // namespace assay::toolstack
