/// A host that dies at a hypercall of its privileged domain.
#pragma once

#include <optional>

#include "sim/target/target.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

/// Whoever works on the host's domains gets no further.
class HostDied : public ToolstackError {
 public:
  using ToolstackError::ToolstackError;
};

/// Counts hypercalls; the one that it is told, and whatever is asked of the privileged domain afterwards, is not
/// executed.
class HostDeath final : public OperationObserver {
 public:
  explicit HostDeath(uint64_t call) : armed_(call) {}
  [[nodiscard]] uint64_t calls() const { return calls_; }
  [[nodiscard]] bool has_struck() const { return calls_ > armed_; }

  /// The number of the hypercall at which it died.
  [[nodiscard]] std::optional<uint64_t> struck() const { return struck_; }

  bool stands_in(const Vcpu&, const GuestRequest& request, GuestReply&) override {
    if (!has_struck() && request.op == ASSAY_OP_HYPERCALL && ++calls_ > armed_) struck_ = request.arg[0];
    if (has_struck()) throw HostDied("the host died at hypercall " + std::to_string(armed_) + " of its toolstack");
    return false;
  }
  void on_operation(const Vcpu&, const GuestRequest&, GuestReply&) override {}
  void on_start(const Vcpu&, const GuestRequest&) override {}
  void on_finish(const Vcpu&, GuestReply&) override {}

 private:
  uint64_t armed_;
  uint64_t calls_ = 0;
  std::optional<uint64_t> struck_;
};

}  // namespace assay::hosts
