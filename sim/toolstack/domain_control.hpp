/// Control operations of the privileged domain, one function each. All throw ToolstackError that names call and result.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "sim/toolstack/privileged.hpp"

namespace assay::toolstack {

/// Entry of a memory map, as the ABI has it: an E820 record. Source: public/memory.h, XENMEM_memory_map.
struct __attribute__((packed)) MemoryRange {
  uint64_t start, bytes;
  uint32_t type;  ///< XEN_HVM_MEMMAP_TYPE_*
};

class DomainControl {
 public:
  explicit DomainControl(const Privileged& dom0) : dom0_(&dom0) {}

  /// A new domain, paused, without memory and vCPUs.
  [[nodiscard]] DomId create(const GuestSpec& spec) const;
  void set_max_vcpus(DomId domain, uint32_t vcpus) const;
  /// Memory for the second-stage tables; an HVM domain has none to begin with.
  void set_paging_pool(DomId domain, uint64_t bytes) const;
  void set_max_memory(DomId domain, uint64_t pages) const;
  void pin(DomId domain, uint32_t vcpu, uint32_t pcpu) const;
  /// Populates pfns 0..pages-1. PV: the machine frames, by pfn. HVM: the gfns, which are the pfns.
  [[nodiscard]] std::vector<uint64_t> populate(DomId domain, uint64_t pages) const;
  /// The same with pfns of the caller's choice.
  [[nodiscard]] std::vector<uint64_t> populate(DomId domain, std::vector<uint64_t> pfns) const;

  /// Nothing when there is no such domain.
  [[nodiscard]] std::optional<xen_domctl_getdomaininfo> info(DomId domain) const;
  /// Fills a page of a PV guest with hypercall stubs.
  void init_hypercall_page(DomId domain, Mfn frame) const;
  /// `level` 1..4.
  void pin_table(DomId domain, Mfn frame, unsigned level) const;
  void set_vcpu_context(DomId domain, uint32_t vcpu, const vcpu_guest_context& context) const;
  void set_hvm_context(DomId domain, std::span<const std::byte> records) const;
  void unpause(DomId domain) const;
  /// What XENMEM_memory_map tells the guest.
  void set_memory_map(DomId domain, std::span<const MemoryRange> map) const;
  void set_hvm_param(DomId domain, uint32_t index, uint64_t value) const;

  /// A port of the guest that the privileged domain can bind to, and the other end of it.
  [[nodiscard]] uint32_t alloc_unbound_port(DomId domain) const;
  [[nodiscard]] uint32_t bind_port(DomId domain, uint32_t remote) const;
  void notify(uint32_t port) const;

  /// Repeats destroydomain until the hypervisor has torn everything down. False when there is no such domain.
  /// The id stays in use while anybody still refers to the domain: see info().
  [[nodiscard]] bool destroy(DomId domain) const;

 private:
  void must_domctl(xen_domctl& op, const char* name) const;
  const Privileged* dom0_;
};

}  // namespace assay::toolstack
