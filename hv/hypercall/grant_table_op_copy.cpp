/// GNTTABOP_copy.
#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/grant/copy.hpp"
#include "hv/hypercall/grant_table_op.hpp"

namespace hv {

namespace {

GrantTable* named_table(GrantTable& caller, uint16_t domid) {
  return domid == DOMID_SELF ? &caller : grants_of(DomId{domid});
}

template <typename Pointer>
CopyOperand operand_of(const Pointer& pointer, bool by_ref) {
  return {pointer.domid, by_ref, by_ref ? pointer.u.ref : pointer.u.gmfn, pointer.offset};
}

}  // namespace

int64_t gnttab_copy(const GrantCall& op) {
  if (!op.list_ok<gnttab_copy_t>()) return -XEN_EFAULT;
  static constexpr CopyDomains kDomains{named_table, grants_of};
  GrantCopier copier(op.table(), kDomains);
  for (uint32_t i = 0; i < op.count; ++i) {
    if (i != 0 && op.call.preempt_needed())
      return op.continue_from<gnttab_copy_t>(i + (fault("copy.resumes_one_late") ? 1 : 0));
    gnttab_copy_t copy;
    if (!op.read(copy, i)) return -XEN_EFAULT;
    const GrantStatus status = copier.copy(operand_of(copy.source, (copy.flags & GNTCOPY_source_gref) != 0),
                                           operand_of(copy.dest, (copy.flags & GNTCOPY_dest_gref) != 0), copy.len);
    if (status == GrantStatus::kRestart) return op.continue_from<gnttab_copy_t>(i);
    if (!op.write_status(copy, status, i)) return -XEN_EFAULT;
  }
  return 0;
}

}  // namespace hv
