/// Domains that a case makes for itself: without memory, never run. For what the toolstack may ask of any domain.
#pragma once

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"

namespace assay {

/// A creation request that every target accepts: a PV domain of one vCPU. Id 0 = any.
xen_domctl_t empty_domain(DomId id = DomId{0});
/// As above for a PVH domain.
xen_domctl_t empty_pvh_domain();

/// Issues the request; a refusal ends the case.
DomId create_domain(CaseContext& c, DomctlOps& control, const xen_domctl_t& request);
/// Gives it its vCPUs, as many as it was created with.
void add_vcpus(CaseContext& c, DomctlOps& control, DomId id, uint32_t count = 1);
/// Lets it have `pages` pages; a PVH domain also gets a paging pool.
void allow_memory(CaseContext& c, DomctlOps& control, DomId id, uint64_t pages);
/// Looks until the id of a destroyed domain answers no more; false when it still does.
bool wait_until_gone(CaseContext& c, DomctlOps& control, DomId id);
/// Destroys a domain and waits until its id answers no more.
void remove_domain(CaseContext& c, DomctlOps& control, DomId id);

/// Creates, and removes at the end, whatever the case does in between.
class EmptyDomain {
 public:
  EmptyDomain(CaseContext& c, DomctlOps& control, const xen_domctl_t& request = empty_domain())
      : c_(c), control_(control), id_(create_domain(c, control, request)) {}
  ~EmptyDomain();
  EmptyDomain(const EmptyDomain&) = delete;
  EmptyDomain& operator=(const EmptyDomain&) = delete;
  [[nodiscard]] DomId id() const { return id_; }

 private:
  CaseContext& c_;
  DomctlOps& control_;
  DomId id_;
};

}  // namespace assay
