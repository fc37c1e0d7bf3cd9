#include "conformance/guest/empty_domain.hpp"

namespace assay {

xen_domctl_t empty_domain(DomId id) {
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_createdomain, id);
  request.u.createdomain.max_vcpus = 1;
  request.u.createdomain.max_evtchn_port = 1023;
  request.u.createdomain.max_grant_frames = 4;
  request.u.createdomain.max_maptrack_frames = 4;
  request.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(2);
  return request;
}

xen_domctl_t empty_pvh_domain() {
  xen_domctl_t request = empty_domain();
  request.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
  request.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
  return request;
}

DomId create_domain(CaseContext& c, DomctlOps& control, const xen_domctl_t& request) {
  const auto created = control.call(request);
  c.require_eq(created.result, 0, "createdomain");
  return DomId{static_cast<domid_t>(created.arg.domain)};
}

void add_vcpus(CaseContext& c, DomctlOps& control, DomId id, uint32_t count) {
  c.require_eq(control.max_vcpus(id, count), 0, "max_vcpus");
}

void allow_memory(CaseContext& c, DomctlOps& control, DomId id, uint64_t pages) {
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_paging_mempool_size, id);
  constexpr uint64_t kPoolBytes = 1u << 20;
  request.u.paging_mempool.size = kPoolBytes;
  const auto info = control.domain_info(id);
  if ((info.arg.u.getdomaininfo.flags & XEN_DOMINF_hvm_guest) != 0) {
    c.require_eq(control.call(request).result, 0, "set_paging_mempool_size");
  }
  c.require_eq(control.max_mem(id, pages), 0, "max_mem");
}

bool wait_until_gone(CaseContext& c, DomctlOps& control, DomId id) {
  constexpr uint64_t kStepNs = 2'000'000;
  for (int i = 0; i < 100; ++i) {
    const auto info = control.domain_info(id);
    if (info.result != 0 || info.arg.u.getdomaininfo.domain != id.raw()) return true;
    c.target().pass_time(kStepNs);
  }
  return false;
}

void remove_domain(CaseContext& c, DomctlOps& control, DomId id) {
  c.check_eq(control.call(XEN_DOMCTL_destroydomain, id).result, 0, "destroying the domain");
  if (!wait_until_gone(c, control, id)) c.check(false, "the destroyed domain is gone within 100 looks");
}

EmptyDomain::~EmptyDomain() {
  remove_domain(c_, control_, id_);
}

}  // namespace assay
