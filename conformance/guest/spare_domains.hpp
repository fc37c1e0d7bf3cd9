/// A few domains without vCPUs that run, which a toolstack makes, changes and destroys by number.
#pragma once

#include <array>
#include <map>

#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {

class SpareDomains {
 public:
  static constexpr uint32_t kSlots = 3;
  static constexpr uint32_t kVcpus = 2;
  static constexpr uint64_t kFirstLimit = 8;  ///< pages that a new one may have

  /// Makes and destroys one of each type: the first of all leaves things behind that the hypervisor keeps.
  explicit SpareDomains(CaseContext& c);

  static DomId id(uint32_t slot) { return DomId{static_cast<domid_t>(kFirstId + slot)}; }

  /// createdomain with an id of its own; the limit, and for PVH the paging pool, are set where it succeeds.
  int64_t create(uint32_t slot, bool pvh);
  /// destroydomain, and waits until the id answers no more.
  int64_t destroy(uint32_t slot);
  int64_t pause(uint32_t slot) { return control_.pause(id(slot)); }
  int64_t unpause(uint32_t slot) { return control_.unpause(id(slot)); }
  int64_t max_vcpus(uint32_t slot, uint32_t count) { return control_.max_vcpus(id(slot), count); }
  int64_t set_limit(uint32_t slot, uint64_t pages) { return control_.max_mem(id(slot), pages); }
  int64_t set_handle(uint32_t slot, uint8_t byte);
  /// Extents dealt with: pages at pseudo-physical frame `pfn` on.
  int64_t populate(uint32_t slot, uint32_t pfn, uint32_t count);
  int64_t decrease(uint32_t slot, uint32_t pfn, uint32_t count);
  /// An unbound port of the domain, for dom0.
  PortResult alloc_unbound(uint32_t slot);
  Called<xen_domctl_t> info(uint32_t slot) { return control_.domain_info(id(slot)); }
  Called<xen_domctl_t> vcpu_info(uint32_t slot, uint32_t vcpu) { return control_.vcpu_info(id(slot), vcpu); }
  /// Frames of the machine that nobody has; waits a little for `expected` of them.
  uint64_t free_pages(uint64_t expected = 0);

 private:
  static constexpr uint16_t kFirstId = 0x7000;

  CaseContext* c_;
  DomctlOps control_;
  MemoryOps memory_;
  SysctlOps system_;
  std::array<std::map<uint32_t, uint64_t>, kSlots> frames_;  ///< PV: by pfn
  std::array<bool, kSlots> is_pvh_{};
};

}  // namespace assay
