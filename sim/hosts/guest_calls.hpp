/// Hypercalls of a guest's vCPU with their argument in one page of its memory, which stays where it is when the guest
/// moves.
#pragma once

#include <string>

#include "sim/abi/xen.hpp"
#include "sim/target/target.hpp"
#include "sim/toolstack/error.hpp"

namespace assay::hosts {

class GuestCalls {
 public:
  explicit GuestCalls(Domain& guest, uint32_t vcpu = 0) : guest_(&guest), page_(guest.alloc_pages(1)), vcpu_(vcpu) {}

  [[nodiscard]] Domain& guest() const { return *guest_; }
  [[nodiscard]] Vcpu& vcpu() const { return guest_->vcpu(vcpu_); }
  [[nodiscard]] Gva page() const { return page_; }
  /// The same guest, somewhere else.
  void move_to(Domain& guest) { guest_ = &guest; }

  template <typename T>
  int64_t call(uint32_t number, uint64_t command, T& argument) const {
    vcpu().write(page_, argument);
    const int64_t result = vcpu().hypercall(number, {command, page_.raw()});
    argument = vcpu().read<T>(page_);
    return result;
  }
  /// Throws ToolstackError when it fails.
  template <typename T>
  void must(uint32_t number, uint64_t command, T& argument, const char* name) const {
    toolstack::must(call(number, command, argument), name_of(name));
  }
  /// Operations that take a count, and report each element's own status.
  template <typename T>
  void must_grant(uint64_t command, T& argument, const char* name) const {
    vcpu().write(page_, argument);
    constexpr uint64_t kOne = 1;
    const int64_t result = vcpu().hypercall(__HYPERVISOR_grant_table_op, {command, page_.raw(), kOne});
    argument = vcpu().read<T>(page_);
    toolstack::must(result, name_of(name));
    toolstack::must(argument.status, name_of(name));
  }
  /// Of itself.
  template <typename T>
  void must_vcpu(uint64_t command, T& argument, const char* name) const {
    must_vcpu(command, vcpu_, argument, name);
  }
  /// Of another vCPU of the guest.
  template <typename T>
  void must_vcpu(uint64_t command, uint32_t of, T& argument, const char* name) const {
    vcpu().write(page_, argument);
    const int64_t result = vcpu().hypercall(__HYPERVISOR_vcpu_op, {command, of, page_.raw()});
    argument = vcpu().read<T>(page_);
    toolstack::must(result, name_of(name));
  }

  /// Whether the port is pending; then it is no more.
  [[nodiscard]] bool take_event(uint32_t port) const;
  /// As it stands.
  [[nodiscard]] shared_info read_shared_info() const;

 private:
  [[nodiscard]] std::string name_of(const char* call) const {
    return std::string(call) + " of domain " + std::to_string(guest_->id().raw());
  }
  Domain* guest_;
  Gva page_;
  uint32_t vcpu_;
};

}  // namespace assay::hosts
