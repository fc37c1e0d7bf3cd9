/// Stopping the vCPUs of a domain, for as long as someone wants them stopped.
#pragma once

#include "hv/domain/domain.hpp"

namespace hv {

/// Nests. No vCPU of the domain runs when pause_domain returns; must not be the caller's own.
void pause_domain(Domain& domain);
void unpause_domain(Domain& domain);
/// The same without waiting: vCPUs stop soon.
void pause_domain_nosync(Domain& domain);

class [[nodiscard]] PauseGuard {
 public:
  explicit PauseGuard(Domain& domain) : domain_(domain) { pause_domain(domain); }
  ~PauseGuard() { unpause_domain(domain_); }
  PauseGuard(const PauseGuard&) = delete;
  PauseGuard& operator=(const PauseGuard&) = delete;

 private:
  Domain& domain_;
};

}  // namespace hv
