#include "hv/domain/pause.hpp"

#include "hv/base/fault.hpp"
#include "hv/domain/lifecycle.hpp"

namespace hv {

namespace {

constexpr uint32_t kControllerPausesMax = 255;

void stop_all(Domain& domain) {
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr) vcpu_pause(*domain.vcpus[i], kPauseDomain);
  }
}

void wait_all(Domain& domain) {
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr) vcpu_stop_sync(*domain.vcpus[i]);
  }
}

void start_all(Domain& domain) {
  if (domain.controller_pauses + domain.internal_pauses != 0) return;
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr) vcpu_unpause(*domain.vcpus[i], kPauseDomain);
  }
}

}  // namespace

void pause_domain_nosync(Domain& domain) {
  ++domain.internal_pauses;
  stop_all(domain);
}

void pause_domain(Domain& domain) {
  pause_domain_nosync(domain);
  wait_all(domain);
}

void unpause_domain(Domain& domain) {
  HV_ASSERT(domain.internal_pauses > 0);
  --domain.internal_pauses;
  start_all(domain);
}

Status pause_by_controller(Domain& domain) {
  if (domain.controller_pauses >= kControllerPausesMax + (fault("domctl.pauses_off_by_one") ? 1 : 0))
    return fail(XEN_EOVERFLOW);
  ++domain.controller_pauses;
  stop_all(domain);
  wait_all(domain);
  return kOk;
}

Status unpause_by_controller(Domain& domain) {
  if (domain.controller_pauses == 0 && !fault("domctl.unpause_below_zero")) return fail(XEN_EINVAL);
  --domain.controller_pauses;
  if (domain.controller_pauses == 0) domain.creation_finished = true;
  start_all(domain);
  return kOk;
}

}  // namespace hv
