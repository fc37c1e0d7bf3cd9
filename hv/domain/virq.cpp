/// Who hears of the machine's and the vCPUs' virtual interrupts.
#include "hv/domain/domain_list.hpp"
#include "hv/domain/lifecycle.hpp"

namespace hv {

void send_vcpu_virq(Vcpu& vcpu, uint32_t virq) {
  HV_ASSERT(!virq_is_global(virq));
  if (vcpu.domain->events != nullptr) evtchn_raise_virq(*vcpu.domain->events, vcpu.id, virq);
}

void send_global_virq(uint32_t virq) {
  HV_ASSERT(virq < NR_VIRQS && virq_is_global(virq));
  Domain* handler = domain_list().virq_handlers[virq];
  if (handler == nullptr) handler = first_domain();
  if (handler != nullptr && handler->events != nullptr) evtchn_raise_virq(*handler->events, 0, virq);
}

Status set_virq_handler(Domain& domain, uint32_t virq) {
  if (virq >= NR_VIRQS || !virq_is_global(virq)) return fail(XEN_EINVAL);
  domain_list().virq_handlers[virq] = &domain;
  return kOk;
}

}  // namespace hv
