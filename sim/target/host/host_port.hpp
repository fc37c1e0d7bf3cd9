/// A vCPU's operations go to the guest in process, in virtual time.
#pragma once

#include "sim/target/host/host_vcpu.hpp"
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
  HostPort(Machine& machine, HostVcpu& vcpu, DomId domain, SilenceWatch& watch)
      : machine_(machine), vcpu_(vcpu), domain_(domain), watch_(watch) {}
  void start(const GuestRequest& request) override { vcpu_.start(request); }
  /// Throws TargetDied when the core died, or when the guest is where no agent can be.
  bool await(GuestReply& reply, uint64_t timeout_ns) override;
  /// An operation that should return at once: when it does not, the domain may be dead, which is TargetDied.
  bool execute(const GuestRequest& request, GuestReply& reply, uint64_t timeout_ns) override;

 private:
  bool run(uint64_t timeout_ns);

  Machine& machine_;
  HostVcpu& vcpu_;
  DomId domain_;
  SilenceWatch& watch_;
};

}  // namespace assay::host
