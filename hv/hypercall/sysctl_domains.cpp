/// All domains at once.
#include "hv/base/fault.hpp"
#include "hv/domain/info.hpp"
#include "hv/hypercall/scratch.hpp"
#include "hv/hypercall/sysctl.hpp"

namespace hv {

int64_t sysctl_getdomaininfolist(Sysctl& ctl) {
  xen_sysctl_getdomaininfolist& list = ctl.op.u.getdomaininfolist;
  const Gva buffer = handle_address(list.buffer);
  uint32_t count = 0;
  for (const Domain* domain = domain_at_or_above(DomId{list.first_domain});
       domain != nullptr && count < list.max_domains + (fault("sysctl.one_domain_too_many") ? 1 : 0);
       domain = domain->next) {
    xen_domctl_getdomaininfo_t info;
    describe_domain(*domain, info);
    const Gva entry{buffer.raw() + count * sizeof info};
    if (!write_guest(ctl.call.space(), entry, info)) return -XEN_EFAULT;
    ++count;
  }
  list.num_domains = count;
  ctl.copy_back = true;
  return 0;
}

}  // namespace hv
