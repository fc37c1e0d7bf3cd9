/// What a saver asks of a domain and a restorer sets, one control operation each. All throw ToolstackError that names
/// call and result; operations that a hypervisor need not have say so instead.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "sim/toolstack/migration/records.hpp"
#include "sim/toolstack/privileged.hpp"

namespace assay::migration {

class StateControl {
 public:
  StateControl(const toolstack::Privileged& dom0, DomId domain) : dom0_(&dom0), domain_(domain) {}

  [[nodiscard]] bool is_online(uint32_t vcpu) const;
  /// Of frames as the domain's type names them: machine frames of a PV domain, gfns of an HVM domain. In place.
  void page_types(std::span<uint64_t> frames) const;
  [[nodiscard]] TscInfo tsc_info() const;
  void set_tsc_info(const TscInfo& info) const;

  /// The state that a record type stands for (RecordType::kVcpu*); empty when there is none, nothing when the
  /// hypervisor has no such operation.
  [[nodiscard]] std::optional<Bytes> vcpu_state(RecordType type, uint32_t vcpu) const;
  /// False when the hypervisor has no such operation.
  [[nodiscard]] bool set_vcpu_state(const VcpuState& state) const;

  struct Policy {
    Bytes cpuid, msrs;
  };
  /// Nothing when the hypervisor has no such operation.
  [[nodiscard]] std::optional<Policy> cpu_policy() const;
  /// False likewise. Before any vCPU exists.
  [[nodiscard]] bool set_cpu_policy(const Policy& policy) const;

  /// Of an HVM domain: the greatest gfn that was ever in use.
  [[nodiscard]] uint64_t last_gfn() const;
  [[nodiscard]] Bytes hvm_context() const;
  [[nodiscard]] uint64_t hvm_param(uint32_t index) const;

  /// A suspended domain goes on where it was.
  void resume() const;

 private:
  using Op = xen_domctl;
  [[nodiscard]] Op request(uint32_t command) const { return toolstack::make_domctl(command, domain_); }
  void must_domctl(Op& op, const char* name) const;
  /// False when there is no such operation.
  bool try_domctl(Op& op, const char* name) const;
  [[nodiscard]] std::string of(const std::string& name) const;
  [[nodiscard]] Bytes buffer(uint64_t bytes) const;

  [[nodiscard]] Bytes basic(uint32_t vcpu) const;
  [[nodiscard]] std::optional<Bytes> extended(uint32_t vcpu) const;
  [[nodiscard]] std::optional<Bytes> xsave(uint32_t vcpu) const;
  [[nodiscard]] std::optional<Bytes> msrs(uint32_t vcpu) const;
  [[nodiscard]] bool set_extended(const VcpuState& state) const;
  [[nodiscard]] bool has_xsave(uint32_t vcpu) const;
  [[nodiscard]] bool set_xsave(const VcpuState& state) const;
  [[nodiscard]] bool set_msrs(const VcpuState& state) const;

  const toolstack::Privileged* dom0_;
  DomId domain_;
};

}  // namespace assay::migration
