/// The monitor ring of an HVM domain: a page in which whoever watches the domain answers to what the hypervisor
/// reports. Nothing is reported here: there are no events to ask for. What is put into the ring is taken out of it.
/// Source: public/domctl.h, XEN_DOMCTL_vm_event_op; public/vm_event.h.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

/// Opens the ring that HVM_PARAM_MONITOR_RING_PFN names, with a port that the hypervisor consumes and `listener` may
/// bind. Errors, in order: EOPNOTSUPP no such parameter; EBUSY open; EINVAL no frame that is written to; as allocation
/// of a port.
Result<Port> monitor_enable(Domain& domain, DomId listener);
/// ENODEV: not open.
Status monitor_resume(Domain& domain);
/// Closes it; whoever is bound to its port finds its end unbound. EINVAL: not open.
Status monitor_disable(Domain& domain);
/// Lets go of the frame of a dying domain, whose ports are closed.
void monitor_drop(Domain& domain);

}  // namespace hv
