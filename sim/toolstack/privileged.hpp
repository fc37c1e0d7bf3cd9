/// Hypercalls of the privileged domain with arguments in its memory.
#pragma once

#include <span>

#include "sim/abi/xen.hpp"
#include "sim/target/target.hpp"

namespace assay::toolstack {

/// Owns a few pages of the privileged domain's heap: one for an argument structure, several for what it points to.
class Privileged {
 public:
  static constexpr uint64_t kBufferPages = 8;
  static constexpr uint64_t kBufferBytes = kBufferPages * kPageSize;

  explicit Privileged(Domain& dom0);

  [[nodiscard]] Domain& domain() const { return *dom0_; }
  [[nodiscard]] Vcpu& vcpu() const { return dom0_->vcpu(0); }

  /// Where call_with puts its structure.
  [[nodiscard]] Gva argument() const { return argument_; }
  /// For arrays and records that a structure points to; kBufferBytes.
  [[nodiscard]] Gva buffer() const { return buffer_; }
  void write_buffer(std::span<const std::byte> bytes) const;
  void read_buffer(std::span<std::byte> bytes) const;

  int64_t call(uint32_t number, std::initializer_list<uint64_t> args) const { return vcpu().hypercall(number, args); }

  /// hypercall(number, &argument): the structure is written first and read back when the call succeeds.
  int64_t domctl(xen_domctl& op) const;
  int64_t sysctl(xen_sysctl& op) const;
  /// memory_op with its structure; not read back.
  template <typename T>
  int64_t memory_op(uint32_t command, const T& argument) const {
    vcpu().write(argument_, argument);
    return call(__HYPERVISOR_memory_op, {command, argument_.raw()});
  }

 private:
  Domain* dom0_;
  Gva argument_;
  Gva buffer_;
};

/// A zeroed domctl for `domain`, or sysctl, padding included: the hypervisor sees every byte of it.
xen_domctl make_domctl(uint32_t command, DomId domain);
xen_sysctl make_sysctl(uint32_t command);

/// Fills a guest handle of the ABI with an address that is meaningful to the calling guest only.
template <typename Handle>
void set_handle(Handle& handle, Gva va) {
  handle.p = reinterpret_cast<decltype(handle.p)>(va.raw());
}

}  // namespace assay::toolstack
