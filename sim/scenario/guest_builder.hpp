/// Domains of a few pages, built by the privileged domain's hypercalls: thousands of them cost little.
#pragma once

#include <span>

#include "sim/engine/machine.hpp"
#include "sim/scenario/guest_vcpu.hpp"
#include "sim/toolstack/domain_control.hpp"

namespace assay::scenario {

class GuestBuilder {
 public:
  /// `machine` outlives it. What has to be in a domain's memory before it runs is put there by the host.
  GuestBuilder(Machine& machine, const toolstack::Privileged& dom0) : machine_(machine), control_(dom0) {}

  struct Built {
    DomId id;
    DomainMemory memory;
  };
  /// A PV64 domain, paused, with its vCPUs online, and so many pages for memory writers. Throws ToolstackError: then
  /// what there was of it is destroyed again.
  [[nodiscard]] Built build(uint32_t vcpus, uint64_t written_pages, bool grows_grant_table);
  [[nodiscard]] const toolstack::DomainControl& control() const { return control_; }

 private:
  template <typename T>
  T* at(uint64_t frame) {
    return reinterpret_cast<T*>(machine_.memory() + frame * kPageSize);
  }
  void write_page_tables(const std::vector<uint64_t>& frames, uint64_t data_pages);
  void fill(Built& built, uint32_t vcpus, uint64_t data_pages);
  DomainMemory lay_out(DomId id, std::span<const uint64_t> areas, uint32_t vcpus);
  void set_registers(DomId id, uint32_t vcpu, Mfn root);

  Machine& machine_;
  toolstack::DomainControl control_;
};

}  // namespace assay::scenario
