/// A vCPU's operations go straight to the guest in process.
#pragma once

#include "sim/guest/direct/direct_guest.hpp"
#include "sim/target/target.hpp"

namespace assay::host {

/// What the machine tells, in the words of a target.
TargetDied translate(const CoreDied& died);

class HostPort final : public GuestPort {
 public:
  HostPort(Machine& machine, DirectGuest& guest) : machine_(machine), guest_(guest) {}
  void start(const GuestRequest& request) override { guest_.start(request); }
  /// Throws TargetDied when the core died, or when the guest is where no agent can be.
  bool await(GuestReply& reply, uint64_t timeout_ns) override;
  bool execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) override;

 private:
  bool run(uint64_t timeout_ns);

  Machine& machine_;
  DirectGuest& guest_;
};

}  // namespace assay::host
