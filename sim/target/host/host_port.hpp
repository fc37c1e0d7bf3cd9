/// A vCPU's operations go straight to the guest in process.
#pragma once

#include "sim/guest/direct/direct_guest.hpp"
#include "sim/target/target.hpp"

namespace assay::host {

/// What the machine tells, in the words of a target.
TargetDied translate(const CoreDied& died);

/// Who knows why a guest does not answer.
class SilenceWatch {
 public:
  virtual ~SilenceWatch() = default;
  /// Throws TargetDied when the domain is gone or has shut down; returns when it only takes long.
  virtual void explain_silence(DomId domain) = 0;
};

class HostPort final : public GuestPort {
 public:
  HostPort(Machine& machine, DirectGuest& guest, DomId domain, SilenceWatch& watch)
      : machine_(machine), guest_(guest), domain_(domain), watch_(watch) {}
  void start(const GuestRequest& request) override { guest_.start(request); }
  /// Throws TargetDied when the core died, or when the guest is where no agent can be.
  bool await(GuestReply& reply, uint64_t timeout_ns) override;
  /// An operation that should return at once: when it does not, the domain may be dead, which is TargetDied.
  bool execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) override;

 private:
  bool run(uint64_t timeout_ns);

  Machine& machine_;
  DirectGuest& guest_;
  DomId domain_;
  SilenceWatch& watch_;
};

}  // namespace assay::host
