/// EVTCHNOP_*: one function per operation. Each reads its argument from `argument` in the caller's memory first
/// (EFAULT) and writes it back, when the ABI says so, on success only.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv {

int64_t evtchnop_alloc_unbound(Call& call, Gva argument);
int64_t evtchnop_bind_interdomain(Call& call, Gva argument);
int64_t evtchnop_bind_virq(Call& call, Gva argument);
int64_t evtchnop_bind_pirq(Call& call, Gva argument);
int64_t evtchnop_bind_ipi(Call& call, Gva argument);

int64_t evtchnop_close(Call& call, Gva argument);
int64_t evtchnop_send(Call& call, Gva argument);
int64_t evtchnop_status(Call& call, Gva argument);
int64_t evtchnop_bind_vcpu(Call& call, Gva argument);
int64_t evtchnop_unmask(Call& call, Gva argument);
/// `continued`: EVTCHNOP_reset_cont, the way a preempted reset comes back.
int64_t evtchnop_reset(Call& call, Gva argument, bool continued);

/// The FIFO ABI.
int64_t evtchnop_init_control(Call& call, Gva argument);
int64_t evtchnop_expand_array(Call& call, Gva argument);
int64_t evtchnop_set_priority(Call& call, Gva argument);

}  // namespace hv
